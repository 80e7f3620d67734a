import { describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { answer } from "../../src/dns/answer"
import { ChallengeZone } from "../../src/dns/challenge-zone"
import { DnsListener } from "../../src/dns/listener"
import { PlatformZone } from "../../src/dns/platform-zone"
import { encodeMessage, message } from "../../src/dns/wire"
import { dnsPacket } from "./dns-packets"
import { findingsOf } from "./dns-verdict"
import { Random } from "./random"

/** The gate's seed and counts: the same packets in every run, about ten seconds of them. */
const SEED = 5
const PACKETS = 30_000
const DATAGRAMS = 4000
const STREAMS = 300

const base = "cloud.test"
const origins = [base, `acme.${base}`, `a.acme.${base}`, `net.${base}`, `_acme-challenge.net.${base}`]
const platform = new PlatformZone({ origin: base, challengeTarget: () => `a.acme.${base}` })
platform.serve([base, `net.${base}`], ["192.0.2.1", "2001:db8::1"])
const challenges = new ChallengeZone({ origin: `acme.${base}`, nameServers: [`ns.${base}`], contact: `hostmaster.${base}` })
for (let index = 0; index < 12; index++) challenges.put("a", String(index).padEnd(200, "x"))
const zones = [platform.zone, challenges.zone]

type Respond = (query: Uint8Array, transport: "udp" | "tcp") => Uint8Array | undefined
const ours: Respond = (query, transport) => answer(query, zones, { transport })

/** What was found, by packet, and how many of the packets did what. */
function campaign(respond: Respond, count: number) {
  const found: string[] = []
  const counts = { rcodes: new Map<number, number>(), silent: 0, cut: 0 }
  for (let index = 0; index < count; index++) {
    const packet = dnsPacket(SEED, index, origins)
    const transport = index % 2 === 0 ? "udp" : "tcp"
    const reply = respond(packet.bytes, transport)
    if (!reply) counts.silent++
    else counts.rcodes.set(reply[3]! & 15, (counts.rcodes.get(reply[3]! & 15) ?? 0) + 1)
    if (reply && (reply[2]! & 2) !== 0) counts.cut++
    for (const finding of findingsOf(packet, reply, transport)) found.push(`${packet.name}: ${finding}`)
  }
  return { found, counts }
}

test(`${PACKETS} packets of seed ${SEED} are answered by the rules or not at all, and leave nothing behind`, () => {
  campaign(ours, 2000)
  Bun.gc(true)
  const before = process.memoryUsage().heapUsed
  const { found, counts } = campaign(ours, PACKETS)
  Bun.gc(true)
  expect(found).toEqual([])
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * 2 ** 20)
  // A generator that makes nothing but nonsense, or nothing but good queries, would find nothing.
  for (const rcode of [0, 1, 3, 4, 5]) expect([rcode, (counts.rcodes.get(rcode) ?? 0) > 500]).toEqual([rcode, true])
  expect(counts.silent).toBeGreaterThan(1000)
  expect(counts.cut).toBeGreaterThan(20)
})

describe("a server that breaks a rule is found out", () => {
  const changedBy =
    (change: (reply: Buffer, query: Uint8Array) => Uint8Array | undefined): Respond =>
    (query, transport) => {
      const reply = ours(query, transport)
      return reply && change(Buffer.from(reply), query)
    }
  const flagged = (octet: number, bit: number) =>
    changedBy((reply) => {
      reply[octet] = reply[octet]! | bit
      return reply
    })
  test.each<[string, Respond]>([
    ["a response was answered", (query, transport) => (query[2]! & 0x80 ? query : ours(query, transport))],
    ["less than a header was answered", (query, transport) => (query.length < 12 ? new Uint8Array(12) : ours(query, transport))],
    ["a query was not answered", changedBy((reply) => ((reply[3]! & 15) === 1 ? undefined : reply))],
    ["octets of 512", (query) => ours(query, "tcp")],
    ["the answer offers recursion", flagged(3, 0x80)],
    ["the answer has flags that are not ours", flagged(3, 0x20)],
    ["the answer is cut, and should not be", flagged(2, 0x02)],
    ["the answer has another id", changedBy((reply) => Buffer.concat([Buffer.from([reply[0]! ^ 1]), reply.subarray(1)]))],
    ["the answer cannot be read", changedBy((reply) => reply.subarray(0, Math.max(12, reply.length - 1)))],
  ])("%s", (rule, respond) => {
    expect(campaign(respond, 3000).found.some((finding) => finding.includes(rule))).toBe(true)
  })
})

describe("over the listener", () => {
  const start = async () => {
    const faults: unknown[] = []
    const bounds = { rate: { perSecond: 1e9, burst: 1e9 }, idleTimeoutMs: 300, maxFromNetwork: 64 }
    const listener = new DnsListener({ zones: () => zones, onFault: (fault) => faults.push(fault), ...bounds })
    return { listener, faults, port: (await listener.start({ host: "127.0.0.1", port: 0 })).port }
  }
  const query = message({ id: 0xaaaa, questions: [{ name: `net.${base}`, type: 1, class: 1 }] })
  const good = Buffer.from(encodeMessage(query))
  const isGood = (reply: Buffer) => reply.readUInt16BE(0) === 0xaaaa && reply.readUInt16BE(6) === 1

  test(`${DATAGRAMS} datagrams do not keep it from answering`, async () => {
    const { listener, faults, port } = await start()
    const end = Promise.withResolvers<void>()
    const client = await Bun.udpSocket({
      hostname: "127.0.0.1",
      connect: { hostname: "127.0.0.1", port },
      socket: { data: (_, reply) => void (reply.length > 12 && isGood(Buffer.from(reply)) && end.resolve()) },
    })
    for (let index = 0; index < DATAGRAMS; index++) {
      client.send(dnsPacket(SEED + 1, index, origins).bytes)
      // So that the kernel's queue is not what drops them.
      if (index % 50 === 0) await Bun.sleep(0)
    }
    const again = setInterval(() => client.send(good), 50)
    await end.promise
    clearInterval(again)
    client.close()
    expect(faults).toEqual([])
    await listener.stop()
  })

  test(`${STREAMS} TCP streams of packets, cut anywhere, do not either, and none stays open`, async () => {
    const { listener, faults, port } = await start()
    const stream = (index: number) => {
      const random = new Random(SEED + 2, index)
      const parts = Array.from({ length: 1 + random.below(5) }, (_, at) => {
        const { bytes } = dnsPacket(SEED + 2, index * 8 + at, origins)
        const length = Buffer.alloc(2)
        length.writeUInt16BE(random.oneIn(5) ? random.below(65_536) : bytes.length)
        return Buffer.concat([length, bytes])
      })
      const whole = Buffer.concat(parts)
      const cutAt = random.below(whole.length)
      return new Promise<void>((done) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.write(whole.subarray(0, cutAt))
          setImmediate(() => socket.write(whole.subarray(cutAt)))
        })
        socket.on("error", () => {})
        socket.on("data", () => {})
        socket.on("close", () => done())
      })
    }
    for (let from = 0; from < STREAMS; from += 50) await Promise.all(Array.from({ length: 50 }, (_, at) => stream(from + at)))
    const reply = await new Promise<Buffer>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.concat([Buffer.from([0, good.length]), good])))
      socket.on("data", (chunk: Buffer) => {
        resolve(chunk.subarray(2))
        socket.destroy()
      })
    })
    expect(isGood(reply)).toBe(true)
    expect(faults).toEqual([])
    await listener.stop()
  })
})
