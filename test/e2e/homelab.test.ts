import { afterAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { findProgram } from "../lab/dns"
import { freePort } from "../lab/ports"
import { acceptsConnections, type LabProcess, runCommand, startProcess, temporaryFolder } from "../lab/process"

const page = readFileSync(join(import.meta.dir, "../../docs/HOMELAB.md"), "utf8")
const snippet = (language: string) => new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "m").exec(page)?.[1] ?? ""
const missing = ["unbound", "dnsmasq", "kdig"].find((name) => findProgram(name) === undefined)

// The snippets of docs/HOMELAB.md, as they stand there, in the real servers.
describe.skipIf(missing !== undefined)(`split horizon${missing ? ` (skipped: ${missing} is not installed)` : ""}`, () => {
  const undo: (() => Promise<unknown>)[] = []
  afterAll(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  const start = async (name: string, write: (file: string, port: number) => string, command: (file: string, port: number) => string[]) => {
    const folder = await temporaryFolder(name)
    undo.push(() => folder.remove())
    const port = await freePort()
    const file = join(folder.path, "conf")
    await writeFile(file, write(file, port))
    const server: LabProcess = await startProcess({
      name,
      command: command(file, port),
      ready: () => acceptsConnections("127.0.0.1", port),
    })
    undo.push(() => server.stop())
    return async (hostname: string, type = "A") =>
      (await runCommand(["kdig", "@127.0.0.1", "-p", String(port), "+short", hostname, type])).trim()
  }

  test("Unbound leads the names, and all below them, into the house", async () => {
    expect(snippet("unbound")).toContain("192.168.1.10")
    const ask = await start(
      "unbound",
      (_, port) =>
        `server:\n  chroot: ""\n  username: ""\n  pidfile: ""\n  use-syslog: no\n  interface: 127.0.0.1@${port}\n  do-ip6: no\nremote-control:\n  control-enable: no\n${snippet("unbound")}`,
      (file) => ["unbound", "-d", "-p", "-c", file],
    )
    for (const name of ["cloud.example.com", "net.cloud.example.com", "app.example.com"]) expect(await ask(name)).toBe("192.168.1.10")
    expect(await ask("app.example.com", "AAAA")).toBe("")
  })

  test("dnsmasq does the same, and has no way around by IPv6", async () => {
    expect(snippet("dnsmasq")).toContain("192.168.1.10")
    const ask = await start(
      "dnsmasq",
      () => snippet("dnsmasq"),
      (file, port) => [
        "dnsmasq",
        "--keep-in-foreground",
        `--conf-file=${file}`,
        `--port=${port}`,
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--no-resolv",
        "--no-hosts",
        "--pid-file",
        "--user=root",
      ],
    )
    for (const name of ["cloud.example.com", "net.cloud.example.com", "app.example.com"]) expect(await ask(name)).toBe("192.168.1.10")
    expect(await ask("app.example.com", "AAAA")).toBe("")
  })

  test("the settings that the page names exist", async () => {
    const known = readFileSync(join(import.meta.dir, "../../src/settings.ts"), "utf8")
    const named = new Set([...page.matchAll(/FREEHOLD_([A-Z0-9_]+)/g)].map(([, name]) => (name ?? "").toLowerCase()))
    expect(named.size).toBeGreaterThan(5)
    for (const name of named) expect(known).toContain(`  ${name}:`)
  })
})
