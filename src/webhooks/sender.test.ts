import { afterEach, expect, test } from "bun:test"
import type { Socket } from "node:net"
import * as x509 from "@peculiar/x509"
import { answer, type Behaviour, hang, Receiver, TestCa } from "./receiver.fixture"
import { Sender } from "./sender"
import { TargetRule } from "./target-rule"

const ca = new TestCa()
const receivers: Receiver[] = []

afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop()
})

async function start(behave: Behaviour, certificateFor?: string | { cert: string; key: string }): Promise<Receiver> {
  const certificate = typeof certificateFor === "string" ? await ca.certificate(certificateFor) : certificateFor
  const receiver = await Receiver.start(behave, certificate)
  receivers.push(receiver)
  return receiver
}

/** Sends to hosts that lead to these addresses, with loopback allowed. */
async function post(href: string, options: { addresses?: string[]; roots?: string[]; limitMs?: number; signal?: AbortSignal } = {}) {
  const { addresses = ["127.0.0.1"], roots = [await ca.rootPem()], limitMs = 20_000, signal = new AbortController().signal } = options
  const rule = new TargetRule({ allow: () => ["127.0.0.0/8"], ownListeners: () => [], resolve: async () => addresses })
  const sender = new Sender({ rule, limitMs, extraRoots: async () => roots })
  return sender.post(href, { "Content-Type": "application/json", "X-CD-Timestamp": "1" }, '{"é":1}', signal)
}

const raw =
  (text: string, after: (socket: Socket) => void = () => {}): Behaviour =>
  (socket) => {
    socket.write(text)
    after(socket)
  }

test("one POST goes to the address that was checked, with the hostname in SNI and Host and the certificate verified", async () => {
  const receiver = await start(answer(204), "hooks.test")
  const outcome = await post(`https://hooks.test:${receiver.port}/in/box?a=b%20c`)
  expect(outcome).toMatchObject({ status: 204, error: null, reply: "" })
  const [request] = receiver.received
  expect(receiver.received).toHaveLength(1)
  expect(request).toMatchObject({ line: "POST /in/box?a=b%20c HTTP/1.1", body: '{"é":1}', serverName: "hooks.test" })
  expect(request?.headers).toMatchObject({ host: `hooks.test:${receiver.port}`, "content-length": "8", "x-cd-timestamp": "1" })
})

test("a certificate for another name is refused before anything is sent", async () => {
  const receiver = await start(answer(200), "other.test")
  const outcome = await post(`https://hooks.test:${receiver.port}/`)
  expect(outcome.status).toBeNull()
  expect(outcome.error).toStartWith("the certificate was refused: ")
  expect(receiver.received).toEqual([])
})

test("a certificate of a CA that nobody trusts is refused before anything is sent, whatever the environment says", async () => {
  const receiver = await start(answer(200), "hooks.test")
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"
  try {
    for (const roots of [[], [await new TestCa().rootPem()]]) {
      const outcome = await post(`https://hooks.test:${receiver.port}/`, { roots })
      expect(outcome.error).toStartWith("the certificate was refused: ")
    }
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
  }
  expect(receiver.received).toEqual([])
})

test("a URL with an address needs a certificate for that address", async () => {
  const named = await start(answer(200), "hooks.test")
  expect((await post(`https://127.0.0.1:${named.port}/`)).error).toStartWith("the certificate was refused: ")
  expect(named.received).toEqual([])
  const certificate = await certificateForLoopback()
  const receiver = await start(answer(200), certificate)
  expect(await post(`https://127.0.0.1:${receiver.port}/`, { roots: [certificate.cert] })).toMatchObject({ status: 200, error: null })
  expect(receiver.received[0]?.headers.host).toBe(`127.0.0.1:${receiver.port}`)
})

test("no proxy of the environment is asked, who would look the name up again", async () => {
  const [proxy, receiver] = [await start(answer(502)), await start(answer(200), "hooks.test")]
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]
  const before = names.map((name) => process.env[name])
  for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`
  try {
    expect(await post(`https://hooks.test:${receiver.port}/`)).toMatchObject({ status: 200, error: null })
  } finally {
    for (const [index, name] of names.entries()) {
      const value = before[index]
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  expect(proxy.connections).toBe(0)
})

test.each([200, 201, 202, 204, 299])("%p is a success", async (status) => {
  const receiver = await start(answer(status))
  expect(await post(`http://hooks.test:${receiver.port}/`)).toMatchObject({ status, error: null })
})

test.each([400, 401, 404, 410, 429, 500, 503])("%p is a failure", async (status) => {
  const receiver = await start(answer(status))
  expect(await post(`http://hooks.test:${receiver.port}/`)).toMatchObject({ status, error: `the receiver answered ${status}` })
})

test.each([301, 302, 303, 307, 308])("a redirect (%p) to somewhere private is not followed, and is a failure", async (status) => {
  const inside = await start(answer(200))
  const receiver = await start(answer(status, `Location: http://127.0.0.1:${inside.port}/secret`), "hooks.test")
  const outcome = await post(`https://hooks.test:${receiver.port}/`)
  expect(outcome).toMatchObject({ status, error: `the receiver answered ${status}: redirects are not followed` })
  expect(inside.connections).toBe(0)
})

const dripping =
  (first: string, drop: string): Behaviour =>
  (socket) => {
    socket.write(first)
    const timer = setInterval(() => socket.write(drop), 5)
    socket.on("close", () => clearInterval(timer))
  }

test.each<[string, Behaviour, number | null]>([
  ["says nothing", hang, null],
  ["writes its head byte by byte", dripping("HTTP/1.1 200 OK\r\nX-A: ", "x"), null],
  ["writes its body byte by byte", dripping("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x"), 200],
  ["never ends a body without a length", raw("HTTP/1.1 200 OK\r\n\r\nok"), 200],
  ["only ever says that it is about to answer", dripping("", "HTTP/1.1 103 Early Hints\r\n\r\n"), null],
])("a receiver that %s is a failure when the time is up", async (_name, behave, status) => {
  const receiver = await start(behave)
  expect(await post(`http://hooks.test:${receiver.port}/`, { limitMs: 300 })).toMatchObject({
    status,
    error: "no whole answer within 0.3 s",
  })
})

test("a receiver that never finishes the handshake is a failure when the time is up", async () => {
  const receiver = await start(hang)
  const outcome = await post(`https://hooks.test:${receiver.port}/`, { limitMs: 300 })
  expect(outcome).toMatchObject({ status: null, error: "no whole answer within 0.3 s" })
})

test("a name that takes for ever to look up is a failure when the time is up", async () => {
  const rule = new TargetRule({ allow: () => [], ownListeners: () => [], resolve: () => new Promise(() => {}) })
  const sender = new Sender({ rule, limitMs: 100, extraRoots: async () => [] })
  const outcome = await sender.post("https://hooks.test/", {}, "{}", new AbortController().signal)
  expect(outcome).toMatchObject({ status: null, error: "no whole answer within 0.1 s" })
})

test.each<[string, Behaviour, number | null, string]>([
  [
    "promises more than it sends",
    (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
    200,
    "the answer broke off",
  ],
  [
    "ends in the middle of a chunk",
    (socket) => void socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok"),
    200,
    "the answer broke off",
  ],
  [
    "resets after its 200",
    raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", (socket) => setTimeout(() => socket.resetAndDestroy(), 20)),
    200,
    "the answer broke off",
  ],
  ["resets at once", (socket) => void socket.resetAndDestroy(), null, "the receiver cut the connection"],
  ["hangs up at once", (socket) => void socket.end(), null, "the receiver cut the connection"],
  ["switches protocols", raw("HTTP/1.1 101 So\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), null, "which no webhook asked for"],
  ["speaks something else", raw("SSH-2.0-x\r\n"), null, "Parse Error"],
  ["sends a header without end", dripping("HTTP/1.1 200 OK\r\n", `X: ${"y".repeat(4000)}\r\n`), null, "the receiver's header is too large"],
])("a receiver that %s is a failure", async (_name, behave, status, error) => {
  const receiver = await start(behave)
  const outcome = await post(`http://hooks.test:${receiver.port}/`)
  expect(outcome.status).toBe(status)
  expect(outcome.error).toInclude(error)
})

test("of a huge answer a little is read and the beginning kept; its status counts", async () => {
  let sent = 0
  const receiver = await start((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    const block = Buffer.alloc(65_536, "a\u0000\u001b")
    const more = () => {
      while (!socket.destroyed && socket.write(block)) sent += block.length
    }
    socket.on("drain", more)
    more()
  })
  const outcome = await post(`http://hooks.test:${receiver.port}/`)
  expect(outcome).toMatchObject({ status: 200, error: null })
  expect(outcome.reply).toBe("a\ufffd\ufffd".repeat(342).slice(0, 1024))
  // What it holds in buffers at either end, and not what it would like to send.
  expect(sent).toBeLessThan(64 * 1024 * 1024)
})

test("an answer is kept as it was sent, not unpacked", async () => {
  const receiver = await start((socket) => void socket.end("HTTP/1.1 500 So\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nno\nzi"))
  expect((await post(`http://hooks.test:${receiver.port}/`)).reply).toBe("no\nzi")
})

test("where nobody listens at the first address, the next one of the same look-up is tried", async () => {
  const receiver = await start(answer(200))
  const addresses = ["127.0.0.9", "127.0.0.1"]
  expect(await post(`http://hooks.test:${receiver.port}/`, { addresses })).toMatchObject({ status: 200, error: null })
  const outcome = await post(`http://hooks.test:${receiver.port}/`, { addresses: ["127.0.0.9"] })
  expect(outcome).toMatchObject({ status: null, error: "nobody listens there" })
})

test("a receiver that heard us is not tried again at another address", async () => {
  const receiver = await start((socket) => void socket.resetAndDestroy())
  await post(`http://hooks.test:${receiver.port}/`, { addresses: ["127.0.0.1", "127.0.0.1"] })
  expect(receiver.received).toHaveLength(1)
})

test("a refused target is an outcome, and nothing is connected to", async () => {
  const receiver = await start(answer(200))
  const rule = new TargetRule({ allow: () => [], ownListeners: () => [], resolve: async () => ["127.0.0.1"] })
  const sender = new Sender({ rule, limitMs: 5000, extraRoots: async () => [] })
  const outcome = await sender.post(`https://hooks.test:${receiver.port}/`, {}, "{}", new AbortController().signal)
  expect(outcome).toMatchObject({ status: null, error: expect.stringContaining("leads to a loopback address") })
  expect(receiver.connections).toBe(0)
})

test("a name whose address changes between the check and the connection changes nothing: it is looked up once", async () => {
  const receiver = await start(answer(200), "hooks.test")
  let lookUps = 0
  const resolve = async () => (lookUps++ === 0 ? ["127.0.0.1"] : ["127.0.0.2"])
  const rule = new TargetRule({ allow: () => ["127.0.0.1/32"], ownListeners: () => [], resolve })
  const sender = new Sender({ rule, limitMs: 5000, extraRoots: async () => [await ca.rootPem()] })
  const send = () => sender.post(`https://hooks.test:${receiver.port}/`, {}, "{}", new AbortController().signal)
  expect((await send()).error).toBeNull()
  expect(lookUps).toBe(1)
  // At the next try it is looked up anew, and refused.
  expect((await send()).error).toInclude("leads to a loopback address")
  expect(receiver.connections).toBe(1)
})

test("an end from outside is no outcome", async () => {
  const receiver = await start(hang)
  const abort = new AbortController()
  const sending = post(`http://hooks.test:${receiver.port}/`, { signal: abort.signal })
  while (receiver.received.length === 0) await Bun.sleep(2)
  abort.abort(new Error("the house closes"))
  await expect(sending).rejects.toThrow("the house closes")
})

async function certificateForLoopback(): Promise<{ cert: string; key: string }> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=loopback",
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  })
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY")
  return { cert: certificate.toString("pem"), key }
}
