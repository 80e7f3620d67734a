import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createHash, randomBytes, X509Certificate } from "node:crypto"
import { waitUntil } from "../lab/process"
import { saidBy } from "./detail"
import type { Mapping, Person } from "./person"
import { type Stage, stageObstacle, startStage } from "./stage"
import { opcodes, openWebSocket } from "./websocket"

const hostname = "app.customer.test"
const obstacle = await stageObstacle({ pebble: true, podman: true })

// One story, told in order: each test starts where the one before it ended.
describe.skipIf(obstacle !== undefined)(`from a hostname to HTTPS${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let stage: Stage
  let ada: Person
  let container: string
  let mapping: Mapping

  beforeAll(async () => {
    // Long enough that the background worker is not the first to see a record that is asked for at once.
    stage = await startStage({ pebble: true, podman: true, prepare: async () => ({ FREEHOLD_VERIFY_INTERVAL: "3s" }) })
    await stage.point(hostname)
    ada = await stage.house.login()
    container = await ada.container("web", stage.podman.image)
  })
  afterAll(() => stage?.stop())

  const refused = async () => {
    expect(await stage.house.certificate(hostname)).toBeUndefined()
    const visit = await stage.house.curl(`https://${hostname}/`)
    // 35: the TLS handshake failed.
    expect(visit).toMatchObject({ code: 35, status: 0 })
  }
  const page = () => stage.house.curl(`https://${hostname}/`)
  const pageIs = async (status: number) => {
    let seen = 0
    const isSo = async () => (seen = (await page()).status) === status
    const limits = { limitMs: 15_000, everyMs: 100, what: `a ${status} over HTTPS` }
    await waitUntil(isSo, limits).catch((error: unknown) => {
      throw new Error(`${String(error)}; the last was ${seen}\n${stage.house.output()}`, { cause: error })
    })
  }

  test("the appliance is up, and says what it costs", async () => {
    const { residentMiB, binaryMiB } = await stage.house.sizes()
    console.log(`start: ${stage.house.startMs} ms`)
    console.log(`memory after the start: ${residentMiB} MiB`)
    console.log(`binary: ${binaryMiB} MiB`)
    // A busy machine's engine may be slow to answer for the first time.
    const health = async () => JSON.parse((await stage.house.api("GET", "/healthz")).text) as { status: string }
    await waitUntil(async () => (await health()).status === "ok", { what: "all to be well", limitMs: 30_000, everyMs: 200 })
  })

  test("a new mapping is pending and shows the record that would prove it", async () => {
    mapping = await ada.map(hostname, container)
    expect(mapping).toMatchObject({ domain: hostname, container_id: container, target_port: 8080, status: "pending" })
    expect(mapping.verify_name).toBe(`_edd-verify.${hostname}`)
    expect(mapping.verify_token).toMatch(/^edd-verify-[0-9a-f]{40}$/)
    expect(mapping).not.toContainKey("dns_automated")
  })

  test("an unproven name is refused at the handshake and unknown to plain HTTP, and no certificate is ordered", async () => {
    await refused()
    expect((await stage.house.curl(`http://${hostname}/`)).status).toBe(404)
    expect(stage.pebble.output()).not.toContain("/order-plz")
  })

  test("a check before the record is there says what each name server answered", async () => {
    const { status, detail } = await ada.verify(mapping.id)
    expect(status).toBe("pending")
    expect(detail).toContain(mapping.verify_name)
    for (const server of ["ns1.customer.test", "ns2.customer.test"]) expect(saidBy(detail, server)).toBe("answered NXDOMAIN")
  })

  test("a record on one of two name servers proves the name, and the certificate is there before any visitor", async () => {
    await stage.dns.publish(2, mapping.verify_name, "TXT", mapping.verify_token)
    const started = performance.now()
    expect(await ada.verify(mapping.id)).toEqual({ status: "verified" })
    const { status, certificate } = await ada.certified(mapping.id)
    const certified = performance.now()
    expect(status).toBe("verified")
    expect(Date.parse(certificate?.not_after ?? "")).toBeGreaterThan(Date.now() + 86_400_000)
    const visit = await stage.house.curl(`https://${hostname}/`)
    const answered = performance.now()
    expect(visit).toMatchObject({ code: 0, status: 200, text: "hello from busybox\n" })
    console.log(`verify to first byte: ${Math.round(answered - started)} ms`)
    console.log(`of which verify to certificate: ${Math.round(certified - started)} ms`)
    expect(await stage.dns.ask(stage.dns.addresses.ns1, mapping.verify_name, "TXT")).toBe("NXDOMAIN")
  })

  test("the certificate is Pebble's, for this name alone, with a P-256 key", async () => {
    const pem = await stage.house.certificate(hostname)
    const certificate = new X509Certificate(pem ?? "")
    expect(certificate.subjectAltName).toBe(`DNS:${hostname}`)
    expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: "prime256v1" })
    expect(certificate.issuer).toContain("Pebble")
    const known = new X509Certificate(await stage.pebble.rootCertificate())
    expect(known.subject).toContain("Pebble Root")
  })

  test("curl without Pebble's root does not trust it", async () => {
    // 60: the peer's certificate cannot be verified.
    expect((await stage.house.curl(`https://${hostname}/`, { trusted: "/etc/ssl/certs/ca-certificates.crt" })).code).toBe(60)
  })

  test("plain HTTP leads to HTTPS, with path and query", async () => {
    const { status, headers } = await stage.house.curl(`http://${hostname}/some/path?q=1`)
    expect(status).toBe(301)
    expect(headers.get("location")).toBe(`https://${hostname}:${stage.house.ports.https}/some/path?q=1`)
  })

  test("a request for another host on the connection of this name is misdirected", async () => {
    expect((await stage.house.curl(`https://${hostname}/`, { args: ["--header", "Host: other.customer.test"] })).status).toBe(421)
  })

  test("a missing page is the application's own 404", async () => {
    const { status, text } = await stage.house.curl(`https://${hostname}/no-such-page`)
    expect(status).toBe(404)
    expect(text).toContain("404 Not Found")
  })

  test("an upload of a mebibyte and a WebSocket pass to an application outside the engine", async () => {
    const upstream = startEcho()
    try {
      const name = "ws.customer.test"
      await stage.point(name)
      const outside = await ada.external("echo", { "8090": upstream.port })
      const other = await ada.map(name, outside, 8090)
      await stage.dns.publish("both", other.verify_name, "TXT", other.verify_token)
      await ada.mappingIs(other.id, "verified by the background worker", ({ status }) => status === "verified")
      await ada.certified(other.id)

      const body = randomBytes(1 << 20)
      const file = `${stage.house.home}/upload`
      await Bun.write(file, body)
      const upload = await stage.house.curl(`https://${name}/digest`, { args: ["--data-binary", `@${file}`, "--header", "Expect:"] })
      expect(upload).toMatchObject({ code: 0, status: 200, text: createHash("sha256").update(body).digest("hex") })

      const ca = await stage.pebble.rootCertificate()
      const socket = await openWebSocket({ address: stage.house.address, port: stage.house.ports.https, hostname: name, path: "/ws", ca })
      try {
        for (const [opcode, payload] of [
          [opcodes.text, Buffer.from("hello through the edge")],
          [opcodes.binary, randomBytes(300)],
          [opcodes.binary, randomBytes(200_000)],
        ] as const) {
          socket.send(opcode, payload)
          const echo = await socket.receive()
          expect(echo.opcode).toBe(opcode)
          expect(echo.payload.equals(payload)).toBe(true)
        }
        socket.send(opcodes.ping, Buffer.from("still there?"))
        expect(await socket.receive()).toEqual({ opcode: opcodes.pong, payload: Buffer.from("still there?") })
        socket.send(opcodes.close, Buffer.from([0x03, 0xe8]))
        expect((await socket.receive()).opcode).toBe(opcodes.close)
        await socket.closed()
      } finally {
        socket.destroy()
      }
      await ada.unmap(other.id)
    } finally {
      await upstream.stop()
    }
  })

  test("a stopped container leaves valid TLS and a 503, and its page is back when it is started", async () => {
    await ada.send("POST", `/compute/containers/${container}/stop`)
    await pageIs(503)
    expect(await page()).toMatchObject({ code: 0, status: 503 })
    await ada.send("POST", `/compute/containers/${container}/start`)
    await ada.containerIs(container, "running")
    await pageIs(200)
    expect((await page()).text).toBe("hello from busybox\n")
  })

  test("a container that is stopped behind our back is noticed too", async () => {
    const [id] = (await stage.podman.run("ps", "--quiet")).trim().split("\n")
    await stage.podman.run("stop", "--time", "2", id ?? "")
    await pageIs(503)
    await stage.podman.run("start", id ?? "")
    await pageIs(200)
  })

  test("a restart finds the container and its address again", async () => {
    const containers = await stage.podman.run("ps", "--quiet")
    await stage.house.restart()
    await pageIs(200)
    expect(await stage.podman.run("ps", "--quiet")).toBe(containers)
  })

  test("an engine that is away takes no page with it, and is heard again when it is back", async () => {
    const followed = () => stage.house.history().split("the container engine is followed").length
    const before = followed()
    await stage.podman.kill()
    expect(await page()).toMatchObject({ code: 0, status: 200 })
    await stage.podman.restart()
    expect(await page()).toMatchObject({ code: 0, status: 200 })
    // What stopped while the engine was not followed is started again, as after a restart of the machine.
    await waitUntil(async () => followed() > before, { limitMs: 15_000, everyMs: 50, what: "the engine to be followed again" })
    const [id] = (await stage.podman.run("ps", "--quiet")).trim().split("\n")
    await stage.podman.run("stop", "--time", "2", id ?? "")
    await pageIs(503)
    await stage.podman.run("start", id ?? "")
    await pageIs(200)
  })

  test("a deleted mapping is refused at the handshake and unknown to plain HTTP", async () => {
    await ada.unmap(mapping.id)
    await refused()
    expect((await stage.house.curl(`http://${hostname}/`)).status).toBe(404)
    expect((await ada.ask("POST", `/api/domain-mappings/${mapping.id}/verify`)).status).toBe(404)
  })

  test("no secret and no error stands in the log", () => {
    expect(stage.house.history()).not.toContain(ada.token)
    expect(stage.house.history()).not.toContain('"level":"error"')
  })
})

/** A real application on this machine: `/ws` echoes every message, `/digest` answers the SHA-256 of what it was sent. */
function startEcho(): { port: number; stop(): Promise<void> } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request, self) => {
      if (new URL(request.url).pathname === "/ws" && self.upgrade(request)) return undefined
      return new Response(
        createHash("sha256")
          .update(Buffer.from(await request.arrayBuffer()))
          .digest("hex"),
      )
    },
    websocket: { message: (socket, message) => void socket.send(message) },
  })
  return { port: server.port ?? 0, stop: () => server.stop(true) }
}
