import { afterEach, describe, expect, test } from "bun:test"
import { createServer, type Server } from "node:http"
import { connect } from "node:tls"
import { createChallengeCertificate } from "../acme/challenge-certificate"
import { type Log, silentLog } from "../log"
import type { AccessLine } from "./access-log"
import type { CertificatePair } from "./certificates"
import { selfSigned, until } from "./edge.fixture"
import { type Route, RouteTable, type Upstream } from "./route-table"
import { ThreadGroup, type ThreadGroupOptions } from "./thread-group"
import type { ThreadSettings } from "./thread-messages"
import type { RequestBatch } from "../traffic/requests"
import { TrafficCounters } from "./traffic-counters"

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const serve = (answer: Parameters<typeof createServer>[1]): Promise<Upstream> => {
  const server: Server = createServer(answer)
  undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve({ host: "127.0.0.1", port: typeof address === "object" && address ? address.port : 0 })
    }),
  )
}

const to = (host: string, upstream: Upstream): Route => ({ host, target: { kind: "upstream", upstream } })

/** A group of two threads with one routed name, `app.test`, and everything it told the main thread. */
async function setup(options: Partial<ThreadGroupOptions> = {}, answer: Parameters<typeof createServer>[1] = (_, res) => res.end("hello")) {
  const upstream = await serve(answer)
  const routes = new RouteTable()
  await routes.replace([to("app.test", upstream)])
  const asked: string[] = []
  const written: string[] = []
  const logged: { level: string; message: string; [field: string]: unknown }[] = []
  const workers: Worker[] = []
  const { cert, key } = await selfSigned()
  const certificate = { pair: { chainPem: cert, keyPem: key, notAfter: Date.now() + 3_600_000 } as CertificatePair }
  const settings: ThreadSettings = { maxConnections: 100, trustedProxies: [], isLogged: true, logLevel: "debug", holdMs: 10_000 }
  const traffic = new TrafficCounters()
  const at = (level: string) => (message: string, fields?: object) => void logged.push({ level, message, ...fields })
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
  const group = new ThreadGroup({
    count: 2,
    openThread: () => {
      const worker = new Worker(new URL("./edge-thread.ts", import.meta.url))
      workers.push(worker)
      return worker
    },
    routes,
    certificate: async (hostname) => {
      asked.push(hostname)
      if (hostname === "refused.test") throw new Error("refused.test is backing off")
      return certificate.pair
    },
    onRequests: () => {},
    write: async (lines) => void written.push(Buffer.from(lines).toString()),
    traffic,
    settings: () => settings,
    proxyProtocol: [],
    handshakeMs: 2000,
    bufferBytes: 2 ** 24,
    log,
    pausesMs: [20, 80],
    ...options,
  })
  undo.push(() => group.stop())
  const { port } = await group.start({ host: "127.0.0.1", port: 0 })
  const access = () =>
    written
      .join("")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as AccessLine)
  return { group, port, routes, upstream, asked, access, logged, workers, certificate, settings, traffic }
}

/** An answer of each thread, behind all that it was told before. */
const arrived = (group: ThreadGroup) => group.challenge("none.test", undefined)

type Visitor = { status: number; certificate: string; text: string }

/** A request over a connection of its own; rejects when it is refused. */
function visit(port: number, hostname = "app.test", alpn = "http/1.1"): Promise<Visitor> {
  const { promise, resolve, reject } = Promise.withResolvers<Visitor>()
  const socket = connect({ host: "127.0.0.1", port, servername: hostname, ALPNProtocols: [alpn], rejectUnauthorized: false })
  let text = ""
  let certificate = ""
  socket.setTimeout(5000, () => socket.destroy(new Error("it took too long")))
  socket.on("secureConnect", () => {
    certificate = socket.getPeerCertificate().fingerprint256
    socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`)
  })
  socket.on("data", (chunk: Buffer) => void (text += chunk.toString("latin1")))
  socket.on("error", reject)
  socket.on("close", () => resolve({ status: Number(text.slice(9, 12)), certificate, text }))
  return promise
}

/** Many visits, so that each thread has some: the kernel leaves one of two without any once in 2 ** 24 times. */
const visits = (port: number, hostname?: string) => Promise.all(Array.from({ length: 25 }, () => visit(port, hostname)))

describe("threads that share a port", () => {
  test("both serve, each asks once for a certificate, and lines and counts of both come together", async () => {
    const { group, port, asked, access, traffic } = await setup()
    const answers = await visits(port)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(asked).toEqual(["app.test", "app.test"])
    await traffic.gather()
    expect(traffic.current.tally("app.test")).toMatchObject({ requests: 25, status2xx: 25, bytesOut: 125 })
    await visit(port)
    await group.stop()
    expect(access().map(({ host, status, client }) => [host, status, client])).toEqual(
      Array.from({ length: 26 }, () => ["app.test", 200, "127.0.0.1"]),
    )
    expect(traffic.current.tally("app.test")).toMatchObject({ requests: 26 })
    await expect(visit(port)).rejects.toThrow()
  })

  test("a change of routes holds in every thread when it is done", async () => {
    const { port, routes, upstream } = await setup()
    for (let round = 0; round < 5; round++) {
      await routes.replace([to("app.test", upstream), to("new.test", upstream)])
      for (const { status } of await visits(port, "new.test")) expect(status).toBe(200)
      await routes.replace([to("app.test", upstream)])
      const gone = await Promise.allSettled(Array.from({ length: 25 }, () => visit(port, "new.test")))
      expect(gone.filter(({ status }) => status === "fulfilled")).toEqual([])
    }
  })

  test("watched names are told of by every thread, by one that starts later too, and by none when nobody watches any more", async () => {
    const told: RequestBatch[] = []
    const { group, port, workers, logged } = await setup({ onRequests: (batches) => void told.push(...batches) })
    const count = () => told.reduce((sum, { requests, leftOut }) => sum + requests.length + leftOut, 0)
    await visits(port)
    await group.watch(["app.test"])
    await visits(port)
    await until(() => count() === 25)
    expect(told[0]?.requests[0]).toMatchObject({ host: "app.test", path: "/", status: 200, client: "127.0.0.1" })
    workers[0]!.terminate()
    await until(() => logged.some(({ message }) => message === "a thread of the edge serves again"))
    await visits(port)
    await until(() => count() === 50)
    await group.watch([])
    await visits(port)
    await arrived(group)
    await Bun.sleep(300)
    expect(count()).toBe(50)
  })

  test("requests that wait for an application in any thread go on when its route is there, and no longer than the settings say", async () => {
    const { group, port, routes, upstream, settings, access } = await setup()
    await routes.replace([{ host: "app.test", target: { kind: "stopped", reason: "", awaitedUntil: Number.POSITIVE_INFINITY } }])
    const waiting = visits(port)
    // Nothing shows from outside that all of them wait; one that does not is refused by then.
    expect(await Promise.race([waiting, Bun.sleep(300)])).toBeUndefined()
    await routes.replace([to("app.test", upstream)])
    expect((await waiting).map(({ status }) => status)).toEqual(Array.from({ length: 25 }, () => 200))
    settings.holdMs = 1
    group.configure()
    await arrived(group)
    await routes.replace([{ host: "app.test", target: { kind: "stopped", reason: "", awaitedUntil: Number.POSITIVE_INFINITY } }])
    expect((await visits(port)).map(({ status }) => status)).toEqual(Array.from({ length: 25 }, () => 503))
    await group.stop()
    expect(
      access()
        .map(({ status }) => status)
        .sort(),
    ).toEqual([...Array.from({ length: 25 }, () => 200), ...Array.from({ length: 25 }, () => 503)])
  })

  test("a name without a certificate is refused, and a replaced certificate is the one that handshakes get", async () => {
    const { group, port, routes, upstream, asked, certificate, logged } = await setup()
    await routes.replace([to("app.test", upstream), to("refused.test", upstream)])
    await expect(visit(port, "refused.test")).rejects.toThrow()
    await until(() => logged.some(({ message }) => message === "handshake refused"))
    expect(logged.find(({ message }) => message === "handshake refused")).toMatchObject({ error: "refused.test is backing off" })
    const before = await visits(port)
    const { cert, key } = await selfSigned()
    certificate.pair = { ...certificate.pair, chainPem: cert, keyPem: key }
    expect((await visits(port)).every((one) => one.certificate === before[0]?.certificate)).toBe(true)
    group.forgetCertificate("app.test")
    await arrived(group)
    const after = await visits(port)
    expect(new Set(after.map((one) => one.certificate)).size).toBe(1)
    expect(after[0]?.certificate).not.toBe(before[0]?.certificate)
    expect(asked.filter((name) => name === "app.test")).toHaveLength(4)
  })

  test("a challenge is up in every thread when its promise resolves, in one that starts later too, and down when it is over", async () => {
    const { group, port, workers, logged } = await setup()
    await visits(port)
    await group.challenge("app.test", await createChallengeCertificate("app.test", "token.thumbprint", Date.now()))
    const certificates = async () => {
      const probes = Array.from({ length: 25 }, () => visit(port, "app.test", "acme-tls/1"))
      return new Set((await Promise.all(probes)).map((one) => one.certificate))
    }
    const seen = await certificates()
    expect(seen.size).toBe(1)
    workers[0]!.terminate()
    await until(() => workers.length === 3)
    await until(() => logged.some(({ message }) => message === "a thread of the edge serves again"))
    expect(await certificates()).toEqual(seen)
    await group.challenge("app.test", undefined)
    await expect(visit(port, "app.test", "acme-tls/1")).rejects.toThrow()
    expect((await visits(port)).every(({ status }) => status === 200)).toBe(true)
  })

  test("settings that change reach every thread", async () => {
    const { group, port, settings, access } = await setup({ count: 2 })
    await visits(port)
    await until(() => access().length === 25)
    settings.isLogged = false
    settings.trustedProxies = ["127.0.0.0/8"]
    group.configure()
    await arrived(group)
    await visits(port)
    settings.isLogged = true
    settings.maxConnections = 2
    group.configure()
    await arrived(group)
    // The visitors of before have left, which their threads may hear a moment later.
    await Bun.sleep(50)
    const held = Array.from({ length: 12 }, () => connect({ host: "127.0.0.1", port, servername: "app.test", rejectUnauthorized: false }))
    let [open, cut] = [0, 0]
    for (const socket of held) socket.on("secureConnect", () => open++).on("close", () => cut++)
    for (const socket of held) socket.on("error", () => {})
    await until(() => open + cut === 12)
    expect(open).toBeGreaterThan(0)
    expect(open).toBeLessThanOrEqual(2)
    for (const socket of held) socket.destroy()
    await Bun.sleep(600)
    expect(access().filter(({ status }) => status === 200)).toHaveLength(25)
  })

  test("a thread that dies leaves the others serving, is started again, and knows what changed meanwhile", async () => {
    const { group, port, workers, logged, routes, upstream } = await setup()
    workers[1]!.terminate()
    await until(() => group.size === 1)
    await routes.replace([to("app.test", upstream), to("new.test", upstream)])
    expect((await visits(port, "new.test")).every(({ status }) => status === 200)).toBe(true)
    await until(() => logged.some(({ message }) => message === "a thread of the edge serves again"))
    expect(logged).toContainEqual(expect.objectContaining({ level: "error", message: "a thread of the edge ended and is started again" }))
    expect(group.size).toBe(2)
    expect((await visits(port, "new.test")).every(({ status }) => status === 200)).toBe(true)
  })

  test("names of one wildcard share its certificate, its counts and, in a thread, one question", async () => {
    const { port, routes, upstream, asked, traffic, group } = await setup()
    await routes.replace([to("*.app.test", upstream), to("exact.app.test", upstream)])
    for (const name of ["one.app.test", "two.app.test", "exact.app.test"]) {
      for (const { status } of await visits(port, name)) expect(status).toBe(200)
    }
    expect(new Set(asked)).toEqual(new Set(["*.app.test", "exact.app.test"]))
    expect(asked).toHaveLength(4)
    await arrived(group)
    await traffic.gather()
    const counted = [...traffic.current.tallies()].map(({ host, requests }) => [host, requests])
    expect(Object.fromEntries(counted)).toEqual({ "*.app.test": 50, "exact.app.test": 25 })
    expect(visit(port, "a.b.app.test")).rejects.toThrow()
    await routes.replace([to("exact.app.test", upstream)])
    expect(visit(port, "one.app.test")).rejects.toThrow()
  })

  test("all threads may die again and again, and the pause between grows", async () => {
    const { group, port, workers, logged } = await setup()
    for (let round = 1; round <= 3; round++) {
      for (const worker of workers.slice(-2)) worker.terminate()
      const again = () => logged.filter(({ message }) => message === "a thread of the edge serves again").length
      await until(() => again() === 2 * round)
    }
    const pauses = logged.filter(({ level }) => level === "error").map(({ thread, pauseMs }) => `${thread} ${pauseMs}`)
    expect(pauses.sort()).toEqual(["0 20", "0 40", "0 80", "1 20", "1 40", "1 80"])
    expect(group.size).toBe(2)
    expect((await visit(port)).status).toBe(200)
  })

  test("a thread that cannot be started is tried again, and none is started twice", async () => {
    let opened = 0
    let first: Worker | undefined
    const { group, workers, logged } = await setup({
      openThread: () => {
        opened++
        const isBad = opened === 3 || opened === 4
        const code = new Blob(["throw new Error('not today')"], { type: "text/javascript" })
        const worker = new Worker(isBad ? URL.createObjectURL(code) : new URL("./edge-thread.ts", import.meta.url))
        first ??= worker
        return worker
      },
    })
    first?.terminate()
    await until(() => logged.some(({ message }) => message === "a thread of the edge serves again"))
    await Bun.sleep(200)
    expect([opened, group.size, workers.length]).toEqual([5, 2, 0])
    const faults = logged.filter(({ message }) => message === "a thread of the edge could not be started")
    expect(faults.map(({ error }) => String(error))).toEqual([
      expect.stringContaining("error: not today"),
      expect.stringContaining("error: not today"),
    ])
  })

  test("a thread that does not answer is ended, so that a change is not waited for without end", async () => {
    const deaf: Worker[] = []
    const { port, routes, upstream, logged } = await setup({
      answerMs: 1000,
      openThread: () => {
        const worker = new Worker(new URL("./edge-thread.ts", import.meta.url))
        const post = worker.postMessage.bind(worker)
        if (deaf.length === 0)
          worker.postMessage = (message: { request?: { kind: string } }) => message.request?.kind === "routes" || post(message, [])
        deaf.push(worker)
        return worker
      },
    })
    await routes.replace([to("app.test", upstream), to("new.test", upstream)])
    expect(logged.find(({ level }) => level === "error")?.error).toContain('did not answer "routes" within 1000 ms')
    for (const { status } of await visits(port, "new.test")) expect(status).toBe(200)
  })

  test("a drain lets requests under way finish, and starts nothing again", async () => {
    const held = Promise.withResolvers<void>()
    const { group, port, workers } = await setup({}, (_, res) => void held.promise.then(() => res.end("late")))
    const slow = visit(port)
    await Bun.sleep(200)
    const drained = group.drain(5000)
    await Bun.sleep(100)
    await expect(visit(port)).rejects.toThrow()
    held.resolve()
    expect((await slow).text).toContain("late")
    await drained
    await group.stop()
    expect([group.size, workers.length]).toEqual([0, 2])
  })

  test("a drain ends with its limit", async () => {
    const { group, port } = await setup({}, () => {})
    // Cut off, with or without a reset.
    const slow = visit(port).then(
      ({ status }) => status,
      () => 0,
    )
    await Bun.sleep(200)
    const began = performance.now()
    await group.drain(100)
    expect(performance.now() - began).toBeLessThan(8000)
    expect(await slow).toBe(0)
  })

  test("a port that is taken is refused, also where it is shared by others", async () => {
    const { port } = await setup()
    const opened: string[] = []
    const group = new ThreadGroup({
      count: 2,
      openThread: () => {
        opened.push("one")
        return new Worker(new URL("./edge-thread.ts", import.meta.url))
      },
      routes: new RouteTable(),
      certificate: () => Promise.reject(new Error("there is none")),
      onRequests: () => {},
      write: async () => {},
      traffic: new TrafficCounters(),
      settings: () => ({ maxConnections: 10, trustedProxies: [], isLogged: false, logLevel: "error", holdMs: 0 }),
      proxyProtocol: [],
      handshakeMs: 2000,
      bufferBytes: 2 ** 24,
      log: silentLog,
    })
    undo.push(() => group.stop())
    await expect(group.start({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "EADDRINUSE" })
    expect(opened).toEqual([])
  })

  test("an address that no thread can listen at is an error with its code, and no thread stays", async () => {
    const { group, workers } = await setup()
    await group.stop()
    await expect(group.start({ host: "192.0.2.1", port: 0 })).rejects.toMatchObject({ code: "EADDRNOTAVAIL" })
    expect([group.size, workers.length]).toEqual([0, 2])
  })
})
