import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findProgram } from "./dns"
import { type LabProcess, runCommand, startProcess, waitUntil } from "./process"

/** A rootful Podman of its own: storage, network and socket stand in a temporary folder, so that neither other runs nor the machine's containers are met. */
export interface PodmanLab {
  /** Path of the Unix socket of the Docker-compatible API. */
  readonly socket: string
  /** A busybox whose httpd answers `hello from busybox` at port 8080; it ends at SIGTERM. */
  readonly image: string
  /** One command of the `podman` program on the same storage, behind the API's back; its standard output. */
  run(...command: string[]): Promise<string>
  /** SIGKILL to the API service; the containers go on. */
  kill(): Promise<void>
  /** Starts the API service again after `kill`, at the same socket. */
  restart(): Promise<void>
  /** Removes all containers, ends every process that belongs to this lab, takes its mounts away and deletes the folder. */
  stop(): Promise<void>
}

const image = "localhost/freehold-busybox:latest"
const folderPattern = /^freehold-podman-(\d+)-/

/** Why this machine cannot run it, as a reason to skip; undefined when it can. */
export function podmanObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "Podman's bridge network needs root"
  const missing = ["podman", "runc", "busybox", "tar", "ip"].filter((program) => findProgram(program) === undefined)
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`
}

/** Starts the API service of a new lab with one image in it, which asks `plainRegistries` (host:port) without TLS; what killed runs left behind is taken away first. */
export async function startPodman(options: { plainRegistries?: string[] } = {}): Promise<PodmanLab> {
  await sweep()
  const folder = await mkdtemp(join(tmpdir(), `freehold-podman-${process.pid}-`))
  try {
    const environment = {
      CONTAINERS_CONF: await writeSettings(folder),
      CONTAINERS_REGISTRIES_CONF: await writeRegistries(folder, options.plainRegistries ?? []),
    }
    const podman = [findProgram("podman") ?? "podman", "--root", join(folder, "root"), "--runroot", join(folder, "run")]
    podman.push("--tmpdir", join(folder, "tmp"), "--log-level", "error")
    const run = (...command: string[]) => runCommand([...podman, ...command], { environment, limitMs: 30_000 })
    await importImage(folder, run)
    const socket = join(folder, "podman.sock")
    const serve = () =>
      startProcess({
        name: "podman",
        command: [...podman, "system", "service", "--time=0", `unix://${socket}`],
        environment,
        // Where a container runs out of memory, conmon leaves a file named `oom` in the folder it was started in.
        folder,
        ready: async () => (await fetch("http://podman/_ping", { unix: socket })).ok,
      })
    let service: LabProcess = await serve()
    return {
      socket,
      image,
      run,
      kill: () => service.kill(),
      restart: async () => {
        await rm(socket, { force: true })
        service = await serve()
      },
      stop: async () => {
        await run("rm", "--force", "--all", "--time", "0").catch(() => undefined)
        await service.stop()
        await clear(folder)
      },
    }
  } catch (error) {
    await clear(folder)
    throw error
  }
}

/**
 * A bridge and a /24 of its own, since two Podmans that share `podman0` hand out the same addresses; and a name, since netavark names the network's
 * chain in the machine's iptables by it, and takes it away with the last container that its own Podman knows.
 */
async function writeSettings(folder: string): Promise<string> {
  const networks = join(folder, "networks")
  const name = bridgeName(folder)
  await mkdir(networks)
  const subnet = `10.${128 + Math.floor(Math.random() * 120)}.${Math.floor(Math.random() * 256)}`
  const network = {
    name,
    id: new Bun.CryptoHasher("sha256").update(name).digest("hex"),
    driver: "bridge",
    network_interface: name,
    created: new Date().toISOString(),
    subnets: [{ subnet: `${subnet}.0/24`, gateway: `${subnet}.1` }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: false,
    ipam_options: { driver: "host-local" },
  }
  await writeFile(join(networks, `${name}.json`), JSON.stringify(network))
  const file = join(folder, "containers.conf")
  const settings = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
default_network = "${name}"
network_config_dir = "${networks}"
`
  await writeFile(file, settings)
  return file
}

async function writeRegistries(folder: string, plain: string[]): Promise<string> {
  const file = join(folder, "registries.conf")
  await writeFile(file, plain.map((location) => `[[registry]]\nlocation = "${location}"\ninsecure = true\n`).join(""))
  return file
}

/** Interface names have at most 15 characters. */
const bridgeName = (folder: string) => `fh${folder.slice(-6)}`

async function importImage(folder: string, run: PodmanLab["run"]): Promise<void> {
  const files = join(folder, "image")
  await mkdir(join(files, "bin"), { recursive: true })
  await mkdir(join(files, "www"))
  await writeFile(join(files, "www/index.html"), "hello from busybox\n")
  await runCommand(["cp", findProgram("busybox") ?? "busybox", join(files, "bin/busybox")])
  await runCommand(["ln", "-s", "busybox", join(files, "bin/sh")])
  await runCommand(["tar", "-C", files, "-cf", `${files}.tar`, "."])
  // Process 1 ignores a SIGTERM that it has no handler for, and busybox's httpd has none.
  const script = "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h /www & wait"
  await run("import", "--change", `CMD ${JSON.stringify(["/bin/sh", "-c", script])}`, `${files}.tar`, image)
}

/** Labs of runs that were killed: their conmon processes and mounts outlive everything, and a mounted folder cannot be deleted. */
async function sweep(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const owner = folderPattern.exec(entry)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await clear(join(tmpdir(), entry))
  }
}

/**
 * conmon detaches from the service and, when its container ends, starts one more `podman container cleanup`: so processes go by their command
 * line, which names the folder, again and again until none is left; and only then the mounts, the innermost first.
 */
async function clear(folder: string): Promise<void> {
  await waitUntil(
    async () => {
      const processes = await processesOf(folder)
      for (const pid of processes) endProcess(pid)
      return processes.length === 0
    },
    { what: `the processes of ${folder} to end`, everyMs: 50 },
  )
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "")
  for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse()) await runCommand(["umount", "--lazy", mount])
  if (existsSync(`/sys/class/net/${bridgeName(folder)}`)) await runCommand(["ip", "link", "delete", bridgeName(folder)])
  await rm(folder, { recursive: true, force: true })
}

/** Those whose command line names the folder, and those whose root folder lies in it (the processes in containers). */
async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = []
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue
    const command = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "")
    const root = await readlink(`/proc/${entry}/root`).catch(() => "")
    if (command.includes(`${folder}/`) || root.startsWith(`${folder}/`)) found.push(Number(entry))
  }
  return found
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It ended between the look and the signal.
  }
}
