import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startApp } from "../app"
import { ConfigError, readSettings } from "../config"
import { describeError } from "../errors"
import { LiveConfig } from "../live-config"
import { createLog } from "../log"
import { startDemoDns } from "./demo-dns"
import { startDemoPage } from "./demo-page"
import { tellStory } from "./demo-story"
import type { CommandIo } from "./io"
import { stopSignal } from "./serve"

const hostname = "app.demo.test"
const username = "demo"
/** As the document of the connect API names it; it is there in the demo alone. */
const demoKey = "sk_test_demo"

/** `freehold demo [--once]`: everything embedded, on unprivileged ports and in a folder that it removes. Exit code 1 when the story fails. */
export async function run(args: string[], io: CommandIo): Promise<number> {
  const once = args.includes("--once")
  const print = (line: string) => io.out(`${line}\n`)
  // Before anything is made, so that whatever was made is removed however early the end comes.
  const asked = stopSignal()
  const folder = mkdtempSync(join(tmpdir(), "freehold-demo-"))
  const undo: (() => Promise<unknown> | unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const ports = {
      api: await port(8080, print),
      https: await port(8443, print),
      http: await port(8081, print),
      dns: await port(8053, print),
      panel: await port(8054, print),
      page: await port(8055, print),
    }
    const dns = await startDemoDns(ports, { baseDomain: "freehold.localhost", address: "127.0.0.1" })
    undo.push(() => dns.stop())
    const greeting = "Hello from the application behind Freehold."
    const application = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(`${greeting}\n`) })
    undo.push(() => application.stop(true))
    const password = randomBytes(12).toString("base64url")
    const settings = {
      data_dir: folder,
      api_listen: `127.0.0.1:${ports.api}`,
      https_listen: `127.0.0.1:${ports.https}`,
      http_listen: `127.0.0.1:${ports.http}`,
      ssh_listen: "127.0.0.1:0",
      dns_roots: `127.0.0.1:${ports.dns}`,
      dns_port: String(ports.dns),
      // Nobody outside sees the demo's zones.
      dns_recursives: "none",
      public_ipv4: "127.0.0.1",
      default_origin: `http://127.0.0.1:${application.port}`,
      acme_directory: "internal",
      allow_upstreams: "127.0.0.0/8",
      admin_username: username,
      admin_password: password,
      log_level: "warn",
    }
    const flags = Object.entries(settings).flatMap(([key, value]) => [`--${key.replaceAll("_", "-")}`, value])
    const config = new LiveConfig(() => readSettings([...flags, ...args.filter((arg) => arg !== "--once")], {}))
    const app = await startApp(config, createLog(config.current.logLevel))
    undo.push(() => app.stop(1000))
    await app.seedDemo(username, demoKey, `http://127.0.0.1:${application.port}`)
    const api = `http://localhost:${ports.api}`
    const page = await startDemoPage({ api, key: demoKey, port: ports.page, panelPort: dns.panelPort })
    undo.push(() => page.stop())
    print(`Freehold demo: API ${api}, HTTPS ${ports.https}, HTTP ${ports.http}, DNS ${ports.dns}\n`)
    const story = tellStory({
      api: `http://127.0.0.1:${ports.api}`,
      httpsPort: app.ports.https,
      caPem: await app.rootPem(),
      hostname,
      username,
      password,
      application: { port: application.port ?? 0, greeting },
      publishTxt: dns.publishTxt,
      print,
    })
    if ((await Promise.race([story, asked])) !== undefined) return 1
    if (once) return 0
    print(`\nStill up; Ctrl-C ends it and removes ${folder}.`)
    print(`  user ${username}, password ${password}`)
    print(`  curl --cacert <(curl -s ${api}/ca.pem) --connect-to ${hostname}:443:127.0.0.1:${ports.https} https://${hostname}/`)
    print(`\nConnecting a customer's domain, with the API key ${demoKey}:`)
    print(`  curl -X POST ${api}/v1/applications -H "Authorization: Bearer ${demoKey}" -H "Content-Type: application/json" \\`)
    print(`    -d '{"name":"Acme Sites","origin_url":"http://127.0.0.1:${application.port}"}'`)
    print(`  A page that embeds the widget: ${page.url}`)
    print(`  The customer's DNS provider: http://localhost:${dns.panelPort}/ (zone customer.com), or by a script:`)
    print(`  curl -X POST http://localhost:${dns.panelPort}/records -d '{"name":"app.customer.com","type":"TXT","value":"…"}'`)
    await asked
    return 0
  } catch (error) {
    io.err(`error: ${describeError(error)}\n`)
    return error instanceof ConfigError ? 2 : 1
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

/** The wanted port, or a free one where it is taken, which is said. */
async function port(wanted: number, print: (line: string) => void): Promise<number> {
  const free = (await tryPort(wanted)) ?? (await tryPort(0))
  if (free === undefined) throw new Error("this machine has no free port")
  if (free !== wanted) print(`port ${wanted} is taken, using ${free}`)
  return free
}

function tryPort(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once("error", () => resolve(undefined))
    probe.listen(wanted, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined))
    })
  })
}
