import { existsSync, mkdirSync, renameSync, statSync } from "node:fs"
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { type Ending, runProgram } from "../e2e/program"
import { findProgram } from "./dns"
import { type LabProcess, runCommand, startProcess, temporaryFolder, waitUntil } from "./process"

/** What it has besides Debian's essential packages. */
const packages = ["systemd", "systemd-sysv", "passwd"]
const cacheDays = 30
const cacheFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "freehold-test")
const pathInside = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

type RunOptions = { input?: string; environment?: Record<string, string>; limitMs?: number }

/** A Debian that systemd has booted, with a network of its own in which there is only loopback. */
export interface Debian {
  /** Its root folder, for putting files in and looking at what is there. */
  readonly root: string
  /** Runs a program of its own as root in it. */
  run(command: string[], options?: RunOptions): Promise<Ending>
  /** Runs a program of this machine in its network. */
  nearby(command: string[]): Promise<Ending>
  /** Powers it off and deletes it. */
  stop(): Promise<void>
}

/** Why no Debian can be booted here, or undefined. */
export function debianObstacle(): string | undefined {
  const missing = ["mmdebstrap", "systemd-nspawn", "nsenter", "setpriv", "apt-get"].find((name) => findProgram(name) === undefined)
  if (missing !== undefined) return `${missing} is not installed`
  return process.getuid?.() === 0 ? undefined : "booting a Debian needs root"
}

/** Boots a fresh one, whose files mmdebstrap makes once (in a minute or two); they are kept in ~/.cache/freehold-test for a month. */
export async function startDebian(): Promise<Debian> {
  const archive = await debianArchive()
  const folder = await temporaryFolder("debian")
  const undo: (() => unknown)[] = [() => folder.remove()]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const root = join(folder.path, "root")
    mkdirSync(root)
    await runCommand(["tar", "-C", root, "-xf", archive], { limitMs: 120_000 })
    const name = `freehold-${process.pid}-${Date.now().toString(36)}`
    const parents = existsSync("/run/systemd/system") ? [] : await hierarchies()
    await sweep(parents)
    const groups = parents.map((path) => join(path, name))
    undo.push(() => removeGroups(groups))
    const nspawn = await boot(root, name, groups)
    undo.push(() => nspawn.stop())
    const leader = await leaderOf(nspawn.pid)
    const enter = (...flags: string[]) => ["nsenter", `--target=${leader}`, ...flags, "--"]
    const run: Debian["run"] = (command, { environment, ...options } = {}) =>
      runProgram([...enter("--all"), "env", "-i", `PATH=${pathInside}`, "HOME=/root", ...command], { environment, ...options })
    await waitUntil(async () => ["running", "degraded"].includes((await run(["systemctl", "is-system-running"])).out.trim()), {
      what: "systemd to have started everything",
      everyMs: 100,
    })
    return { root, run, nearby: (command) => runProgram([...enter("--net"), ...command]), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function boot(root: string, name: string, groups: string[]): Promise<LabProcess> {
  // Where no systemd manages this machine, the container starts in control groups of its own, which can be removed as a whole.
  const joining = groups.map((path) => `mkdir -p ${path} && echo $$ > ${path}/cgroup.procs && `).join("")
  const command = ["systemd-nspawn", "--quiet", "--register=no", "--boot", `--directory=${root}`, `--machine=${name}`, "--private-network"]
  command.push("--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no", ...(groups.length > 0 ? ["--keep-unit"] : []))
  return startProcess({
    name: "systemd-nspawn",
    command: ["sh", "-c", `${joining}exec ${command.join(" ")}`],
    environment: { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" },
    ready: () => true,
  })
}

/** The container's process 1, once there is one: nspawn's only child. */
async function leaderOf(pid: number): Promise<number> {
  let leader = 0
  await waitUntil(
    async () => {
      const [first, ...more] = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")
      const name = await readFile(`/proc/${first}/comm`, "utf8")
      leader = Number(first)
      return more.length === 0 && name === "systemd\n"
    },
    { what: "systemd-nspawn to boot" },
  )
  return leader
}

/** Where systemd puts processes into control groups: version 2, and its own hierarchy beside version 1. */
async function hierarchies(): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" "))
  return mounts
    .filter(([, , kind, options = ""]) => kind === "cgroup2" || (kind === "cgroup" && options.split(",").includes("name=systemd")))
    .flatMap(([, path]) => path ?? [])
}

/** Groups of runs that were killed, with the containers in them, which outlive nspawn. */
async function sweep(parents: string[]): Promise<void> {
  const names = (await Promise.all(parents.map((parent) => readdir(parent)))).flat()
  const dead = names.filter((name) => {
    const owner = /^freehold-(\d+)-[0-9a-z]+$/.exec(name)?.[1]
    return owner !== undefined && !existsSync(`/proc/${owner}`)
  })
  await removeGroups([...new Set(dead)].flatMap((name) => parents.map((parent) => join(parent, name))))
}

/** A group goes when what it held has gone, the innermost first. */
async function removeGroups(groups: string[]): Promise<void> {
  const remove = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true })) if (entry.isDirectory()) await remove(join(path, entry.name))
    await rmdir(path)
  }
  const present = groups.filter((one) => existsSync(one))
  // Version 1 has no such file, and the same processes.
  for (const path of present) if (existsSync(join(path, "cgroup.kill"))) await writeFile(join(path, "cgroup.kill"), "1")
  for (const path of present)
    await waitUntil(() => remove(path).then(() => true), { what: `the control group ${path} to be empty`, limitMs: 5_000 })
}

/** A tarball of this machine's Debian, from where its apt gets packages. */
async function debianArchive(): Promise<string> {
  const format = "$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)"
  const targets = (await runCommand(["apt-get", "indextargets", "--format", format, "Identifier: Packages"])).trim().split("\n")
  const [codename, mirrors] = mirrorsOf(targets.map((line) => line.split(" ")))
  const archive = join(cacheFolder, `debian-${codename}-${process.arch}-${Bun.hash(packages.join()).toString(36)}.tar`)
  const age = existsSync(archive) ? Date.now() - statSync(archive).mtimeMs : Number.POSITIVE_INFINITY
  if (age < cacheDays * 86_400_000) return archive
  mkdirSync(cacheFolder, { recursive: true })
  const draft = `${archive.slice(0, -".tar".length)}.${process.pid}.tar`
  const leftOut = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*"].map((path) => `--dpkgopt=path-exclude=${path}`)
  const command = ["mmdebstrap", "--quiet", "--variant=essential", `--include=${packages.join()}`, ...leftOut, codename, draft, ...mirrors]
  await runCommand(command, { limitMs: 600_000 })
  renameSync(draft, archive)
  return archive
}

/** The release that has no suffix, such as `bookworm`, and the lines for apt of all that belong to it. */
function mirrorsOf(targets: string[][]): [codename: string, lines: string[]] {
  const debian = targets.filter(([origin]) => origin === "Debian")
  const codename = debian.map(([, , name = ""]) => name).find((name) => /^[a-z]+$/.test(name))
  if (codename === undefined) throw new Error("apt of this machine names no release of Debian")
  return [codename, debian.map(([, uri, release, component]) => `deb ${uri} ${release} ${component}`)]
}
