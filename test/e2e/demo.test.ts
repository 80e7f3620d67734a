import { afterAll, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const binary = join(import.meta.dir, "../../dist/freehold")
const folder = mkdtempSync(join(tmpdir(), "freehold-demo-test-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(args: string[], environment: Record<string, string> = {}) {
  const child = Bun.spawn([binary, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: folder, ...environment },
    stdout: "pipe",
    stderr: "pipe",
  })
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  return { out, err, code }
}

test("freehold demo --once tells the whole story, exits 0 and leaves nothing behind", async () => {
  const { out, err, code } = await run(["demo", "--once"])
  expect(err).toBe("")
  expect(code).toBe(0)
  const story = [
    "sign in",
    "register the application",
    "map app.demo.test: pending",
    "refused, no certificate",
    "NXDOMAIN",
    "_edd-verify.app.demo.test",
    "verify: verified",
    "issued",
    "HTTP/1.1 200",
    "Hello from the application",
    "certificate for DNS:app.demo.test",
    "in all",
  ]
  let from = 0
  for (const words of story) {
    const at = out.indexOf(words, from)
    expect(at, `${words} after position ${from} of:\n${out}`).toBeGreaterThanOrEqual(0)
    from = at
  }
  expect([...new Bun.Glob("freehold-demo-*").scanSync({ cwd: folder, onlyFiles: false })]).toEqual([])
})

test("without --once it stays up with the story's page, and Ctrl-C ends it and removes its folder", async () => {
  const child = Bun.spawn([binary, "demo"], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? "", HOME: folder, TMPDIR: folder },
    stdout: "pipe",
    stderr: "pipe",
  })
  let out = ""
  const reader = child.stdout.getReader()
  const decoder = new TextDecoder()
  while (!out.includes("https://app.demo.test/")) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`it ended: ${out}${await new Response(child.stderr).text()}`)
    out += decoder.decode(value)
  }
  const [, api] = /API (http:\S+),/.exec(out) ?? []
  const [, password] = /password (\S+)/.exec(out) ?? []
  const signedIn = await fetch(`${api}/api/login`, { method: "POST", body: JSON.stringify({ username: "demo", password }) })
  expect(signedIn.status).toBe(200)
  const [, https] = /HTTPS (\d+),/.exec(out) ?? []
  await Bun.write(join(folder, "ca.pem"), await (await fetch(`${api}/ca.pem`)).text())
  const curl = [
    "curl",
    "-sS",
    "--cacert",
    join(folder, "ca.pem"),
    "--connect-to",
    `app.demo.test:443:127.0.0.1:${https}`,
    "https://app.demo.test/",
  ]
  expect(Bun.spawnSync(curl).stdout.toString()).toBe("Hello from the application behind Freehold.\n")
  child.kill("SIGINT")
  expect(await child.exited).toBe(0)
  expect([...new Bun.Glob("freehold-demo-*").scanSync({ cwd: folder, onlyFiles: false })]).toEqual([])
})

test("a taken port is replaced by a free one, and said", async () => {
  const blocker = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const blockers = [8080, 8443].map((port) => {
    try {
      return Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } })
    } catch {
      return undefined // Somebody else holds it, which serves as well.
    }
  })
  const { out, code } = await run(["demo", "--once"])
  for (const one of [blocker, ...blockers]) one?.stop(true)
  expect(code).toBe(0)
  expect(out).toContain("port 8080 is taken, using ")
  expect(out).toContain("port 8443 is taken, using ")
})

test("version, help and a wrong command answer as a shell expects", async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8")) as { version: string }
  expect((await run(["version"])).out).toContain(version)
  const help = await run(["help"])
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("mappings") as never])
  const wrong = await run(["frobnicate"])
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('"frobnicate" is not a command') as never])
  const flag = await run(["serve", "--colour", "blue"])
  expect([flag.code, flag.err]).toEqual([2, "error: --colour is not a setting of Freehold\n"])
  expect(existsSync(join(folder, "freehold-data"))).toBe(false)
})

test("a .env file beside the binary's working folder changes nothing", async () => {
  await Bun.write(join(folder, ".env"), "FREEHOLD_DNS_PORT=nonsense\n")
  const { code, err } = await run(["serve", "--data-dir", join(folder, "data"), "--api-listen", "nonsense"])
  expect([code, err]).toEqual([2, expect.stringContaining("--api-listen must be") as never])
})

test("the systemd unit is sound and hardened", async () => {
  const unit = readFileSync(join(import.meta.dir, "../../systemd/freehold.service"), "utf8")
  const path = join(folder, "freehold.service")
  // The unit names the installed binary and its user, which a test machine does not have.
  await Bun.write(path, unit.replace("/usr/local/bin/freehold", binary).replaceAll("=freehold\n", "=daemon\n"))
  const analyze = (args: string[]) => Bun.spawnSync(["systemd-analyze", ...args], { stdout: "pipe", stderr: "pipe" })
  const faults = () => {
    const { exitCode, stderr } = analyze(["verify", path])
    const lines = stderr.toString().split("\n")
    return [exitCode, lines.filter((line) => line.includes("freehold.service") || line.includes("containers.conf"))]
  }
  expect(faults()).toEqual([0, []])
  const score = /level for freehold.service: ([0-9.]+) /.exec(analyze(["security", "--offline=true", path]).stdout.toString())?.[1]
  expect(Number(score)).toBeLessThanOrEqual(2.5)
  const dropIn = readFileSync(join(import.meta.dir, "../../systemd/freehold-containers.conf"), "utf8")
  await Bun.write(`${path}.d/containers.conf`, dropIn)
  expect(faults()).toEqual([0, []])
  await Bun.write(`${path}.d/containers.conf`, "[Service]\nNoSuchSetting=yes\n")
  expect(faults()[1]).not.toEqual([])
})
