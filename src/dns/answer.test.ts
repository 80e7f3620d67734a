import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "node:net"
import { answer } from "./answer"
import { encodeQuery, exchange } from "./exchange"
import { DnsListener } from "./listener"
import { typeNumbers } from "./rdata"
import { decodeMessage, encodeMessage, message } from "./wire"
import { AuthoritativeZone } from "./zone"

const big = "y".repeat(3000)

function build(): AuthoritativeZone {
  const zone = new AuthoritativeZone({ origin: "Demo.test.", nameServers: ["ns1.demo.test"], contact: "admin.demo.test" })
  zone.set("ns1.demo.test", "A", ["127.0.0.1"])
  zone.set("app.demo.test", "AAAA", ["::1"])
  zone.set("app.demo.test", "CAA", ['0 issue "ca.example"'])
  zone.set("big.demo.test", "TXT", [big])
  zone.set("a.deep.demo.test", "TXT", ["deep"])
  zone.set("www.demo.test", "CNAME", ["app.demo.test"])
  zone.set("away.demo.test", "CNAME", ["example.org"])
  zone.set("lost.demo.test", "CNAME", ["nowhere.demo.test"])
  zone.set("ping.demo.test", "CNAME", ["pong.demo.test"])
  zone.set("pong.demo.test", "CNAME", ["ping.demo.test"])
  return zone
}

const zone = build()
const question = (name: string, type: number) => ({ name, type, class: 1 })
function ask(name: string, type: number, transport: "udp" | "tcp" = "udp", edns = true) {
  return decodeMessage(answer(encodeQuery(77, question(name, type), edns), [zone], { transport })!)
}

test.each<[string, keyof typeof typeNumbers, number, string[], boolean]>([
  ["demo.test", "NS", 0, ["ns1.demo.test"], false],
  ["app.demo.test", "AAAA", 0, ["::1"], false],
  ["app.demo.test", "CAA", 0, ['0 issue "ca.example"'], false],
  ["app.demo.test", "A", 0, [], true],
  ["deep.demo.test", "TXT", 0, [], true],
  ["none.demo.test", "A", 3, [], true],
  ["www.demo.test", "AAAA", 0, ["app.demo.test", "::1"], false],
  ["www.demo.test", "CNAME", 0, ["app.demo.test"], false],
  ["away.demo.test", "A", 0, ["example.org"], false],
  ["lost.demo.test", "A", 3, ["nowhere.demo.test"], true],
  ["ping.demo.test", "A", 0, ["pong.demo.test", "ping.demo.test"], false],
])("%s %s is answered with code %d and %p", (name, type, rcode, values, hasSoa) => {
  const reply = ask(name, typeNumbers[type])
  expect(reply).toMatchObject({ id: 77, response: true, authoritative: true, recursionAvailable: false, rcode })
  expect(reply.answers.map(({ value }) => value)).toEqual(values)
  expect(reply.authorities.map(({ type: number }) => number)).toEqual(hasSoa ? [typeNumbers.SOA] : [])
})

test.each<[string, Uint8Array, number | undefined]>([
  ["a name outside", encodeQuery(1, question("example.org", 1), true), 5],
  ["a transfer", encodeQuery(1, question("demo.test", 252), true), 5],
  ["another class", encodeQuery(1, { name: "demo.test", type: 1, class: 3 }, true), 5],
  ["an update", encodeMessage(message({ id: 1, opcode: 5, questions: [question("demo.test", 6)] })), 4],
  ["no question", encodeMessage(message({ id: 1 })), 1],
  ["two questions", encodeMessage(message({ id: 1, questions: [question("demo.test", 1), question("demo.test", 2)] })), 1],
  ["garbage behind a header", Uint8Array.from([0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0xff]), 1],
  [
    "EDNS of a later version",
    encodeMessage(message({ id: 1, questions: [question("demo.test", 1)], edns: { udpSize: 4096, version: 1 } })),
    16,
  ],
  ["a response", encodeMessage(message({ id: 1, response: true, questions: [question("demo.test", 1)] })), undefined],
  ["less than a header", new Uint8Array(11), undefined],
])("%s gets its own code", (_what, query, rcode) => {
  const reply = answer(query, [zone], { transport: "udp" })
  expect(reply && decodeMessage(reply).rcode).toBe(rcode)
})

test("the question is echoed in its spelling", () => {
  const query = encodeMessage(message({ questions: [{ ...question("app.demo.test", 28), spelled: "aPP.Demo.TEST" }] }))
  expect(decodeMessage(answer(query, [zone], { transport: "udp" })!).questions[0]?.spelled).toBe("aPP.Demo.TEST")
})

test("an answer that does not fit the client's datagram is cut, and whole over TCP", () => {
  expect(ask("big.demo.test", 16)).toMatchObject({ truncated: true, answers: [] })
  expect(ask("big.demo.test", 16, "udp", false)).toMatchObject({ truncated: true, answers: [] })
  expect(ask("big.demo.test", 16, "tcp").answers[0]?.value).toBe(big)
})

test.each<[string, Parameters<AuthoritativeZone["set"]>, string]>([
  ["a name outside", ["example.org", "A", ["192.0.2.1"]], "invalid"],
  ["a bad address", ["x.demo.test", "A", ["192.0.2"]], "invalid"],
  ["a bad CAA", ["x.demo.test", "CAA", ["issue"]], "invalid"],
  ["a wildcard", ["*.demo.test", "A", ["192.0.2.1"]], "invalid"],
  ["a delegation", ["sub.demo.test", "NS", ["ns1.demo.test"]], "invalid"],
  ["a label too long", [`${"x".repeat(64)}.demo.test`, "A", ["192.0.2.1"]], "invalid"],
  ["a CNAME beside others", ["app.demo.test", "CNAME", ["x.demo.test"]], "conflict"],
  ["others beside a CNAME", ["www.demo.test", "A", ["192.0.2.1"]], "conflict"],
  ["a CNAME at the zone's own name", ["demo.test", "CNAME", ["x.demo.test"]], "conflict"],
])("%s cannot be set", (_what, given, code) => {
  expect(() => build().set(...given)).toThrow(expect.objectContaining({ code }))
})

test("records come and go, empty names with them, and the serial rises", () => {
  const changed = build()
  const before = changed.soa.value
  expect(changed.remove("a.deep.demo.test", "TXT")).toBe(true)
  expect(changed.remove("a.deep.demo.test", "TXT")).toBe(false)
  expect(changed.exists("deep.demo.test")).toBe(false)
  expect(changed.soa.value).not.toBe(before)
})

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test("six thousand mutated packets are answered or refused, never a throw", () => {
  const random = seeded(54)
  const pick = (below: number) => Math.floor(random() * below)
  const seeds = ["app.demo.test", "big.demo.test", "www.demo.test"].flatMap((name) => [
    encodeQuery(5, question(name, 16), true),
    answer(encodeQuery(5, question(name, 28), true), [zone], { transport: "tcp" })!,
    answer(encodeQuery(5, question(name, 6), true), [zone], { transport: "tcp" })!,
  ])
  const counts = { answered: 0, silent: 0, decoded: 0, malformed: 0 }
  for (let round = 0; round < 6000; round++) {
    let packet = Uint8Array.from(seeds[pick(seeds.length)]!)
    for (let change = pick(6); change >= 0; change--) packet[pick(Math.min(packet.length, 120))] = random() < 0.3 ? 0xc0 : pick(256)
    if (random() < 0.3) packet = packet.slice(0, pick(packet.length))
    const reply = answer(packet, [zone], { transport: random() < 0.5 ? "udp" : "tcp" })
    counts[reply ? "answered" : "silent"]++
    if (reply) decodeMessage(reply)
    try {
      // What was decoded can be written again: no value slips through that is not of its type.
      encodeMessage(decodeMessage(packet))
      counts.decoded++
    } catch (error) {
      expect(error).toMatchObject({ name: "WireError" })
      counts.malformed++
    }
  }
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(100)
})

const listener = new DnsListener({ zones: () => [zone], idleTimeoutMs: 300, maxConnections: 2 })
let port = 0
beforeAll(async () => {
  port = (await listener.start({ host: "127.0.0.1", port: 0 })).port
})
afterAll(() => listener.stop())

const patience = { timeoutMs: 2000, attempts: 1, signal: new AbortController().signal }

test("the listener serves both transports on one port", async () => {
  const to = { server: "ns1.demo.test", address: "127.0.0.1", port }
  const small = await exchange(to, question("app.demo.test", 28), patience)
  const large = await exchange(to, question("big.demo.test", 16), patience)
  expect(small).toMatchObject({ kind: "message", message: { answers: [{ value: "::1" }] } })
  expect(large).toMatchObject({ kind: "message", message: { truncated: false, answers: [{ value: big }] } })
})

test("idle TCP clients are sent away, and those above the limit at once", async () => {
  const own = new DnsListener({ zones: () => [zone], idleTimeoutMs: 300, maxConnections: 2 })
  const at = await own.start({ host: "127.0.0.1", port: 0 })
  const dials = Array.from({ length: 3 }, () => connect({ host: "127.0.0.1", port: at.port }))
  const started = performance.now()
  const waits = await Promise.all(
    dials.map((socket) => new Promise<number>((done) => socket.on("close", () => done(performance.now() - started)))),
  )
  expect(waits.filter((wait) => wait < 250)).toHaveLength(1)
  expect(waits.filter((wait) => wait >= 250 && wait < 2000)).toHaveLength(2)
  await own.stop()
})

test("two queries in one TCP segment get two answers", async () => {
  const socket = connect({ host: "127.0.0.1", port })
  const query = encodeQuery(3, question("app.demo.test", 28), true)
  const framed = Buffer.concat([Buffer.from([0, query.length]), query])
  socket.write(Buffer.concat([framed, framed]))
  let received = Buffer.alloc(0)
  socket.on("data", (chunk: Buffer) => (received = Buffer.concat([received, chunk])))
  await new Promise((done) => socket.on("close", done))
  const first = received.readUInt16BE(0)
  expect(received.length).toBe(2 * (first + 2))
})

test("a taken port is a conflict", async () => {
  const second = new DnsListener({ zones: () => [] })
  expect(second.start({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "conflict" })
})
