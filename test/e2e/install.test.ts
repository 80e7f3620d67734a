import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Debian, debianObstacle, startDebian } from "../lab/debian"
import { findProgram } from "../lab/dns"
import { temporaryFolder, waitUntil } from "../lab/process"
import { binary } from "./appliance"
import { buildNewerVersion } from "./newer-version"
import { type Ending, runProgram } from "./program"

const missing = ["busybox", "curl", "age-keygen", "systemd-analyze"].find((name) => findProgram(name) === undefined)
const obstacle = debianObstacle() ?? (missing && `${missing} is not installed`)
const password = "correct horse battery"
const hostname = "app.home.arpa"
const own = "/usr/local/bin/freehold"
const services = ["freehold.service", "freehold-backup.service"]

describe.skipIf(obstacle !== undefined)(`install${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const undo: (() => unknown)[] = []
  let debian: Debian
  let folder = ""
  let identity = ""
  let recipient = ""

  beforeAll(async () => {
    const temporary = await temporaryFolder("install")
    undo.push(() => temporary.remove())
    folder = temporary.path
    await runProgram(["age-keygen", "-o", join(folder, "key.txt")])
    identity = readFileSync(join(folder, "key.txt"), "utf8")
    recipient = /age1\w+/.exec(identity)?.[0] ?? ""
    debian = await startDebian()
    undo.push(() => debian.stop())
    bring(await binary(), "freehold-0")
    bring(findProgram("busybox") ?? "", "busybox")
    mkdirSync(join(debian.root, "opt/www"))
    writeFileSync(join(debian.root, "opt/www/index.html"), "at home\n")
    await went(debian.run(["systemd-run", "--unit=app", "/opt/busybox", "httpd", "-f", "-p", "127.0.0.1:8200", "-h", "/opt/www"]))
  }, 400_000)
  afterAll(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }, 60_000)

  const bring = (file: string, as: string) => copyFileSync(file, join(debian.root, "opt", as))
  const at = (path: string) => join(debian.root, path)
  /** What a program said that ended well. */
  const went = async (ending: Promise<Ending>): Promise<string> => {
    const { code, out, err } = await ending
    expect([code, err]).toEqual([0, expect.any(String) as never])
    return out
  }
  const freehold = (...words: string[]) => debian.run([own, ...words])
  const install = (program: string, ...words: string[]) => debian.run([`/opt/${program}`, "install", ...words])
  const property = async (name: string, unit = "freehold.service") =>
    (await debian.run(["systemctl", "show", "--value", `--property=${name}`, unit])).out.trim()
  const json = async (...words: string[]) => JSON.parse(await went(freehold(...words, "--json"))) as Record<string, string>
  const visit = async () => {
    writeFileSync(join(folder, "ca.pem"), (await debian.nearby(["curl", "-s", "http://127.0.0.1:8080/ca.pem"])).out)
    return (
      await debian.nearby(["curl", "-sS", "--cacert", join(folder, "ca.pem"), "--connect-to", "::127.0.0.1:443", `https://${hostname}/`])
    ).out
  }
  const serial = async () =>
    (
      await debian.nearby([
        "sh",
        "-c",
        `openssl s_client -connect 127.0.0.1:443 -servername ${hostname} </dev/null 2>/dev/null | openssl x509 -noout -serial`,
      ])
    ).out

  test("a dry run says everything and does nothing", async () => {
    const before = readdirSync(at("etc")).sort()
    const said = await went(install("freehold-0", "--dry-run"))
    expect(said).toContain(`would do  the program ${own}\n`)
    expect(said).toContain("nothing was changed")
    expect(readdirSync(at("etc")).sort()).toEqual(before)
    expect(existsSync(at(own))).toBe(false)
  })

  test("a port that another service holds is named with who holds it, and nothing is done", async () => {
    await went(debian.run(["systemd-run", "--unit=other-web", "/opt/busybox", "httpd", "-f", "-p", "443", "-h", "/opt/www"]))
    await waitUntil(async () => (await debian.nearby(["curl", "-s", "http://127.0.0.1:443/"])).code === 0, { what: "the other web server" })
    const { code, err } = await install("freehold-0")
    expect(code).toBe(1)
    expect(err).toMatch(/^error: port 443 is held by \S+ \(process \d+, other-web.service\): "systemctl disable --now other-web.service"/)
    expect(err).toContain("--https-listen")
    expect(existsSync(at("etc/freehold"))).toBe(false)
    await went(debian.run(["systemctl", "stop", "other-web"]))
  })

  test("it installs a service that is not root, and every step says how it is taken back", async () => {
    mkdirSync(at("etc/credstore"), { mode: 0o700, recursive: true })
    writeFileSync(at("etc/credstore/freehold.admin_password"), password, { mode: 0o600 })
    const settings = ["--base-domain", "house.home.arpa", "--admin-username", "ada", "--allow-upstreams=127.0.0.0/8"]
    const said = await went(install("freehold-0", ...settings))
    expect(said.match(/^done /gm)?.length).toBe(said.match(/^ +undo: \S/gm)?.length)
    expect(said).toContain("To undo all of it and keep the data: freehold uninstall")
    expect(said).toContain("The daily backup has no key yet")
    expect(await property("ActiveState")).toBe("active")
    const status = readFileSync(`/proc/${await hostPid()}/status`, "utf8")
    const account = /^freehold:x:(\d+):/m.exec(readFileSync(at("etc/passwd"), "utf8"))?.[1]
    expect(/^Uid:\s+(\d+)\s+(\d+)/m.exec(status)?.slice(1)).toEqual([account, account] as never)
    // CAP_NET_BIND_SERVICE, and nothing else that it has or could get.
    expect(/^CapEff:\s+(\S+)/m.exec(status)?.[1]).toBe("0000000000000400")
    expect(/^CapBnd:\s+(\S+)/m.exec(status)?.[1]).toBe("0000000000000400")
    expect(statSync(at("var/lib/freehold")).mode & 0o777).toBe(0o700)
    expect(statSync(at("etc/freehold/freehold.toml")).mode & 0o777).toBe(0o640)
  })

  /** The service's main process as this machine numbers it: the one that runs the program in that root. */
  const hostPid = async (): Promise<string> => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const link = (name: string) => {
        try {
          return readlinkSync(`/proc/${pid}/${name}`)
        } catch {
          return ""
        }
      }
      const text = await Bun.file(`/proc/${pid}/cmdline`)
        .text()
        .catch(() => "")
      if (link("root") === debian.root && text.startsWith(`${own}\0serve`)) return pid
      if (text.startsWith(`${own}\0serve`) && (await nsPid(pid)) === (await property("MainPID"))) return pid
    }
    throw new Error("freehold does not run")
  }
  const nsPid = async (pid: string) => /^NSpid:.*\s(\d+)$/m.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1]

  test("it answers for a mapped name over HTTPS, with a certificate of its own authority", async () => {
    await went(debian.run([own, "login", "--username", "ada", "--password-stdin"], { input: `${password}\n` }))
    const { id = "" } = await json("containers", "create", "--name", "app", "--address", "127.0.0.1", "--port-map", "80=8200")
    await went(freehold("mappings", "add", hostname, "--container", id, "--port", "80", "--wait"))
    await waitUntil(async () => (await visit()) === "at home\n", { what: "the mapping to answer" })
  })

  test("a second run changes nothing and says so", async () => {
    const before = [await property("MainPID"), await property("InvocationID")]
    const said = await went(freehold("install"))
    expect(said).toContain("Nothing was changed: Freehold")
    expect(said).not.toContain("done ")
    expect([await property("MainPID"), await property("InvocationID")]).toEqual(before)
    const other = await install("freehold-0", "--base-domain", "elsewhere.home.arpa")
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('put base_domain = "elsewhere.home.arpa" into it') as never })
  })

  test.each(services)("%s is hardened", async (unit) => {
    const { out } = await debian.run(["systemd-analyze", "security", "--no-pager", unit])
    expect(Number(/Overall exposure level for \S+: ([0-9.]+)/.exec(out)?.[1])).toBeLessThan(2)
  })

  test("the backup timer's service says that it has no key, and with one makes a backup that can be restored", async () => {
    expect(await property("ActiveState", "freehold-backup.timer")).toBe("active")
    expect(await debian.run(["systemctl", "start", "freehold-backup.service"])).toMatchObject({ code: 1 })
    const log = await went(debian.run(["journalctl", "--unit=freehold-backup", "--output=cat"]))
    expect(log).toContain('no backup was made, for it has no key: "freehold install --backup-recipient age1..." gives it one')
    const unwell = await freehold("doctor", "--json")
    expect(unwell.out).toContain("no backup was made, for it has no key")
    // By the name that it had before.
    writeFileSync(at("etc/credstore/freehold.backup_recipients"), `${recipient}\n`, { mode: 0o600 })
    await went(debian.run(["systemctl", "start", "freehold-backup.service"]))
    expect(readdirSync(at("var/backups/freehold")).filter((name) => name.endsWith(".age"))).toHaveLength(1)

    await went(freehold("install", "--backup-recipient", recipient))
    expect(readdirSync(at("etc/credstore")).filter((name) => name.includes("backup"))).toEqual(["freehold.backup_recipient"])
    await went(debian.run(["systemctl", "start", "freehold-backup.service"]))
    const made = readdirSync(at("var/backups/freehold")).find((name) => name.endsWith(".age")) ?? ""
    expect(made).toMatch(/^freehold-\d{8}T\d{6}Z\.age$/)
    writeFileSync(at("root/key.txt"), identity, { mode: 0o600 })
    const checked = await went(freehold("restore", `/var/backups/freehold/${made}`, "--check", "--identity-file", "/root/key.txt"))
    expect(checked).toContain("1 mappings")
    expect(checked).toContain("it can be restored")
    rmSync(at("root/key.txt"))
  })

  test("the server makes backups by itself, with the key that the timer has", async () => {
    const file = at("etc/freehold/freehold.toml")
    const before = readFileSync(file, "utf8")
    const backUp = async (to: string) => {
      writeFileSync(file, before.replace('#backup_to = ""', `backup_to = "${to}"`))
      await went(debian.run(["systemctl", "restart", "freehold"]))
      return freehold("backups", "run", "--wait")
    }
    expect(await went(backUp("/var/backups/freehold"))).toMatch(/^\/var\/backups\/freehold\/freehold-\d{8}T\d{6}Z\.age is there/)
    mkdirSync(at("srv/elsewhere"), { mode: 0o777 })
    expect(await backUp("/srv/elsewhere")).toMatchObject({ code: 1, err: expect.stringContaining("ReadWritePaths=") as never })
    writeFileSync(file, before)
    await went(debian.run(["systemctl", "restart", "freehold"]))
  })

  test("a machine that has nothing but a backup and its configuration goes on as the old one", async () => {
    const before = await serial()
    await went(debian.run(["systemctl", "stop", "freehold"]))
    await went(debian.run(["systemctl", "start", "freehold-backup"]))
    await went(debian.run(["mv", "/var/lib/freehold", "/var/lib/old"]))
    writeFileSync(at("root/key.txt"), identity, { mode: 0o600 })
    await went(freehold("restore", "/var/backups/freehold", "--identity-file", "/root/key.txt"))
    await went(freehold("install"))
    rmSync(at("root/key.txt"))
    expect(await visit()).toBe("at home\n")
    expect(await serial()).toBe(before)
    await went(debian.run(["rm", "-r", "/var/lib/old"]))
  })

  test("an upgrade keeps certificates and names, and going back brings the store from before", async () => {
    const before = await serial()
    bring(await buildNewerVersion(folder, "0.9.0", "CREATE TABLE later (id INTEGER)"), "freehold-9")
    const said = await went(install("freehold-9"))
    expect(said).toContain(`done      the program ${own}\n`)
    expect(said).toContain("done      freehold.service runs this version\n")
    expect((await freehold("version")).out).toBe("freehold 0.9.0\n")
    expect(await visit()).toBe("at home\n")
    expect(await serial()).toBe(before)
    expect(readdirSync(at("var/lib/freehold/before-upgrade"))).toEqual([expect.stringMatching(/^before-9999-later\.\d{8}T\d{6}Z\.db$/)])

    const refused = await freehold("install", "--rollback")
    expect(refused.code).toBe(1)
    expect(refused.err).toContain("Freehold 0.9.0 has upgraded the store (9999-later)")
    expect(refused.err).toContain("--restore-store")
    expect(await visit()).toBe("at home\n")

    const back = await went(freehold("install", "--rollback", "--restore-store"))
    expect(back).toContain("The store is that of ")
    expect((await freehold("version")).out).not.toContain("0.9.0")
    expect(await visit()).toBe("at home\n")
    expect(await serial()).toBe(before)
    expect(await property("ActiveState")).toBe("active")
  })

  test("an upgrade that fails says why, and the version before starts on the store as it was", async () => {
    bring(await buildNewerVersion(folder, "0.9.1", "INSERT INTO nowhere VALUES (1)"), "freehold-9")
    const failed = await install("freehold-9")
    expect(failed.code).toBe(1)
    expect(failed.err).toContain(
      "freehold.service did not start: the store could not be upgraded (9999-later) and is as it was before: no such table: nowhere",
    )
    expect(failed.err).toContain('"freehold install --rollback"')
    expect(await visit()).toBe("")
    await went(freehold("install", "--rollback"))
    expect(await visit()).toBe("at home\n")
  })

  test("uninstall keeps the data, and a later install goes on with it", async () => {
    const said = await went(freehold("uninstall"))
    expect(said).toContain("Kept: /var/lib/freehold, /var/backups/freehold, /etc/freehold/freehold.toml")
    expect(existsSync(at(own))).toBe(false)
    expect(await debian.run(["systemctl", "cat", "freehold.service"])).toMatchObject({ code: 1 })
    expect((await debian.run(["systemctl", "--failed", "--no-legend"])).out).toBe("")
    expect(readdirSync(at("etc/systemd/system/multi-user.target.wants"))).not.toContain("freehold.service")
    expect(await went(debian.run(["/opt/freehold-0", "uninstall"]))).toContain("Nothing was changed: Freehold is not installed here.")
    await went(install("freehold-0"))
    expect(await visit()).toBe("at home\n")
  })

  test("a purge wants a typed word, and leaves nothing but backups", async () => {
    const backups = () => readdirSync(at("var/backups/freehold")).filter((name) => name.endsWith(".age"))
    const made = backups()
    const refused = await debian.run([own, "uninstall", "--purge"], { input: "yes\n" })
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("nothing was changed") as never })
    expect(await visit()).toBe("at home\n")
    const said = await went(debian.run([own, "uninstall", "--purge"], { input: "delete everything\n" }))
    expect(said).toContain("Kept: /var/backups/freehold.\n")
    for (const path of [
      "var/lib/freehold",
      "etc/freehold",
      "etc/credstore/freehold.admin_password",
      own,
      "etc/systemd/system/freehold.service",
    ])
      expect([path, existsSync(at(path))]).toEqual([path, false])
    expect(readFileSync(at("etc/passwd"), "utf8")).not.toContain("freehold")
    expect(readFileSync(at("etc/group"), "utf8")).not.toContain("freehold")
    expect(made.length).toBeGreaterThan(0)
    expect(backups()).toEqual(made)
  })
})

const noImage = process.getuid?.() === 0 ? ["systemctl", "systemd-sysusers"].find((name) => findProgram(name) === undefined) : "root"

test.skipIf(noImage !== undefined)(
  `an image is prepared without starting anything${noImage ? ` (skipped: no ${noImage})` : ""}`,
  async () => {
    const image = await temporaryFolder("image")
    mkdirSync(join(image.path, "etc"))
    const run = async (...words: string[]) => runProgram([await binary(), ...words, "--root", image.path])
    try {
      const first = await run("install", "--base-domain", "cloud.example.com", "--containers")
      expect(first).toMatchObject({ code: 0, err: "" })
      const list = (path: string) => readdirSync(join(image.path, path)).filter((name) => name.includes("freehold"))
      expect(list("etc/systemd/system/multi-user.target.wants")).toEqual(["freehold.service"])
      expect(list("etc/systemd/system/timers.target.wants")).toEqual(["freehold-backup.timer"])
      expect(readdirSync(join(image.path, "etc/systemd/system/freehold.service.d"))).toEqual(["containers.conf"])
      expect(readFileSync(join(image.path, "etc/freehold/freehold.toml"), "utf8")).toContain('\nbase_domain = "cloud.example.com"\n')
      expect((await run("install", "--containers")).out).toContain(`Nothing was changed: Freehold`)
      expect(await run("uninstall")).toMatchObject({ code: 0, err: "" })
      expect([...list("usr/local/bin"), ...list("etc/systemd/system")]).toEqual(["freehold.service.d"])
    } finally {
      await image.remove()
    }
  },
)

test.each<[string, string[], number, string]>([
  ["a bad setting", ["--base-domain", "a b"], 2, "--base-domain must be a domain name"],
  ["a secret on the command line", ["--jwt-secret", "x".repeat(40)], 2, "is a secret: put it into /etc/credstore/freehold.jwt_secret"],
  ["a key that is none", ["--backup-recipient", "AGE-SECRET-KEY-1"], 2, "is a public key of age"],
  ["a folder that is not there", ["--root", "/nowhere"], 1, "there is no folder /nowhere"],
  ["what goes with another flag", ["--restore-store"], 2, "goes with --rollback"],
])("%s is refused with the reason", async (_, words, code, reason) => {
  if (process.getuid?.() !== 0) return
  const place = words.includes("--root") ? [] : ["--root", "/tmp"]
  const ending = await runProgram([await binary(), "install", ...words, ...place, "--dry-run"])
  expect(ending).toMatchObject({ code, err: expect.stringContaining(reason) as never })
})

test("who is not root, and a machine without systemd, are told what to do instead", async () => {
  const program = await binary()
  if (process.getuid?.() === 0) {
    const { code, err } = await runProgram(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", program, "install"], {
      folder: "/",
    })
    expect([code, err]).toEqual([1, expect.stringContaining("only root may do it: use sudo") as never])
  }
  if (existsSync("/run/systemd/system")) return
  const { code, err } = await runProgram([program, "install"])
  expect(code).toBe(1)
  expect(err).toContain(process.getuid?.() === 0 ? "this machine does not run systemd" : "only root may do it")
})
