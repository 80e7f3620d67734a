import { afterAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { connect } from "node:tls"
import { askServer, findProgram } from "../lab/dns"
import { loopbackBlock } from "../lab/ports"
import { waitUntil } from "../lab/process"
import { type Appliance, type Settings, startAppliance } from "./appliance"

const obstacle = findProgram("setpriv") ? undefined : "setpriv is not installed"
const hostname = "net.freehold.localhost"

describe.skipIf(obstacle !== undefined)(`signals${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  const undo: (() => unknown)[] = []
  afterAll(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  const start = async (settings: Settings = {}): Promise<Appliance> => {
    const house = await startAppliance({ address: (await loopbackBlock(8080, 1)).address(1), settings })
    undo.push(() => house.stop())
    return house
  }

  /** Writes the configuration file, sends SIGHUP and waits until the process has said this many times what came of it. */
  const reload = async (house: Appliance, text: string, said: string): Promise<void> => {
    const times = () => house.output().split(said).length - 1
    const before = times()
    await writeFile(house.configFile, text)
    process.kill(house.pid, "SIGHUP")
    await waitUntil(() => times() > before, { what: `freehold to write "${said}"` })
  }

  /** One TLS connection to the edge that is used again and again. */
  const visit = async (house: Appliance) => {
    const ca = (await house.api("GET", "/ca.pem")).text
    const socket = connect({ host: house.address, port: house.ports.https, servername: hostname, ca, ALPNProtocols: ["http/1.1"] })
    undo.push(() => socket.destroy())
    const seen = { text: "", closed: false }
    socket.on("data", (chunk: Buffer) => void (seen.text += chunk.toString("latin1")))
    socket.on("close", () => void (seen.closed = true))
    socket.on("error", () => {})
    return {
      isClosed: () => seen.closed,
      send: (text: string) => void socket.write(text),
      /** The status of the next answer, whose end is that of its body's text. */
      status: async (end: string): Promise<number> => {
        await waitUntil(() => seen.text.includes(end), { what: `an answer that ends in ${end}` })
        const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(seen.text)?.[1])
        seen.text = ""
        return status
      },
    }
  }
  /** Sends half a request, and waits until the application asks for the rest of it. */
  const sendHalf = async (visitor: Awaited<ReturnType<typeof visit>>) => {
    visitor.send(half)
    expect(await visitor.status("\r\n\r\n")).toBe(100)
  }
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`
  const body = JSON.stringify({ username: "ada", password: "wrong wrong wrong" })
  const half = `POST /api/login HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n${body.slice(0, 9)}`

  test("SIGHUP takes over what may change, names what may not, and no connection notices", async () => {
    const house = await start()
    const visitor = await visit(house)
    visitor.send(get("/healthz"))
    expect(await visitor.status("ok")).toBe(200)
    await house.said('"path":"/healthz"')
    const headers = { origin: "https://dash.example" }
    const allowed = async () => (await house.api("GET", "/healthz", { headers })).headers.get("access-control-allow-origin")
    expect(await allowed()).toBeNull()

    await sendHalf(visitor)
    const change = 'allowed_origins = ["https://dash.example"]\naccess_log = "off"\ndns_port = 5353\njwt_secret = "'
    await reload(house, `${change}${"s3cret".repeat(8)}"\n`, "settings that changed need a restart")
    expect(house.output()).toContain('"applied":["access_log","allowed_origins"]')
    expect(house.output()).toContain('"settings":["dns_port","jwt_secret"]')
    expect(house.output()).not.toContain("s3cret")
    expect(await allowed()).toBe("https://dash.example")
    visitor.send(body.slice(9))
    expect(await visitor.status("invalid credentials")).toBe(401)

    visitor.send(get("/while-off"))
    expect(await visitor.status("not found")).toBe(404)
    // The lines of the access log are handed over twice a second.
    await Bun.sleep(700)
    await reload(house, "", "settings were read again")
    expect(await allowed()).toBeNull()
    visitor.send(get("/on-again"))
    expect(await visitor.status("not found")).toBe(404)
    await house.said('"path":"/on-again"')
    expect(house.output()).not.toContain("/while-off")
    expect(visitor.isClosed()).toBe(false)
  })

  test.skipIf(!findProgram("kdig"))("SIGHUP changes the limits of the API and the addresses of the zone", async () => {
    const address = (await loopbackBlock(5300, 1)).address(1)
    // Roots that do not answer: nobody is to look for the record.
    const dns = { FREEHOLD_DNS_LISTEN: `${address}:5300`, FREEHOLD_DNS_ROOTS: address, FREEHOLD_DNS_PORT: "5353" }
    const house = await start({ ...dns, FREEHOLD_BASE_DOMAIN: "cloud.lan" })
    const limits = (most: number, ipv4: string) => `max_pending_mappings = ${most}\npublic_ipv4 = "${ipv4}"\n`
    await reload(house, limits(1, "192.0.2.5"), "settings were read again")
    expect(await askServer(address, "ingress.cloud.lan", "A", 5300)).toBe("192.0.2.5")
    const ada = await house.login()
    const container = await ada.external("web", { 8080: 9000 })
    const status = async (domain: string) =>
      (await ada.ask("POST", "/api/domain-mappings", { container_id: container, domain, target_port: 8080 })).status
    expect([await status("a.example.net"), await status("b.example.net")]).toEqual([201, 429])
    await reload(house, limits(2, "192.0.2.6"), "settings were read again")
    expect(house.output()).toContain('"applied":["public_ipv4","max_pending_mappings"]')
    expect(await askServer(address, "ingress.cloud.lan", "A", 5300)).toBe("192.0.2.6")
    expect([await status("b.example.net"), await status("c.example.net")]).toEqual([201, 429])
  })

  test("a file with a fault changes nothing, and the log says what is wrong with it", async () => {
    const house = await start()
    const lines = () => house.output().split("settings were read again").length - 1
    await reload(house, 'allowed_origins = "https://dash.example"', "settings were read again")
    for (const [text, fault] of [
      ["log_level = = 1", "is not TOML"],
      ['log_level = "loud"', "must be debug, info, warn or error"],
      ['log_level = "error"\nbse_domain = "x.example"', "is not a setting of Freehold"],
    ] as const) {
      await reload(house, text, "the settings were not read again, and those in force stay")
      expect(house.output()).toContain(fault)
    }
    const answer = await house.api("GET", "/healthz", { headers: { origin: "https://dash.example" } })
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://dash.example")

    // At the level "error" the word of success is not written any more, while that of a fault is.
    expect(lines()).toBe(1)
    await writeFile(house.configFile, 'log_level = "error"')
    process.kill(house.pid, "SIGHUP")
    await waitUntil(
      async () =>
        (await house.api("GET", "/healthz", { headers: { origin: "https://dash.example" } })).headers.get("access-control-allow-origin") ===
        null,
      {
        what: "the settings to be read",
      },
    )
    await reload(house, "log_level = = 1", "the settings were not read again, and those in force stay")
    expect(lines()).toBe(1)
  })

  test("SIGTERM waits for a request under way as long as the drain limit says", async () => {
    const house = await start({ FREEHOLD_DRAIN_LIMIT: "60s" })
    const visitor = await visit(house)
    await sendHalf(visitor)
    process.kill(house.pid, "SIGTERM")
    await house.said('"message":"stopping"')
    visitor.send(body.slice(9))
    expect(await visitor.status("invalid credentials")).toBe(401)
    await waitUntil(() => !existsSync(`/proc/${house.pid}`), { what: "the end" })
    expect(await house.end()).toBe(0)
  })

  test("SIGTERM does not wait longer than the drain limit, which may be changed while running", async () => {
    const house = await start()
    await reload(house, 'drain_limit = "200ms"', "settings were read again")
    const visitor = await visit(house)
    await sendHalf(visitor)
    const asked = performance.now()
    process.kill(house.pid, "SIGTERM")
    await waitUntil(() => !existsSync(`/proc/${house.pid}`), { what: "the end" })
    expect(performance.now() - asked).toBeLessThan(5000)
    expect(await house.end()).toBe(0)
  })

  test("a second SIGTERM ends it at once", async () => {
    const house = await start({ FREEHOLD_DRAIN_LIMIT: "60s" })
    const visitor = await visit(house)
    await sendHalf(visitor)
    process.kill(house.pid, "SIGTERM")
    await house.said('"message":"stopping"')
    // It waits for the request, as it was asked to.
    await Bun.sleep(200)
    expect(existsSync(`/proc/${house.pid}`)).toBe(true)
    process.kill(house.pid, "SIGTERM")
    await waitUntil(() => !existsSync(`/proc/${house.pid}`), { what: "the end" })
    expect(await house.end()).toBe(1)
  })
})
