import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { connect } from "node:net"
import { ChallengeZone } from "./challenge-zone"
import { DnsListener } from "./listener"
import { PlatformZone } from "./platform-zone"
import { typeNumbers } from "./rdata"
import { decodeMessage, encodeMessage, type Message, message } from "./wire"

// What Zonemaster's test cases and the compliance set of DNS Flag Day 2019 ask of a delegated zone, each under the name it has there, over both transports.

const base = "cloud.example.test"
const platform = new PlatformZone({
  origin: base,
  issuers: ["ca.example"],
  challengeTarget: (host) => `id-${host.length}.acme.${base}`,
})
platform.serve([base, `net.${base}`, `x.y.${base}`], ["127.0.0.1", "::1"])
const { zone } = platform
const challenges = new ChallengeZone({ origin: `acme.${base}`, nameServers: [`ns.${base}`], contact: `hostmaster.${base}` })
const listener = new DnsListener({ zones: () => [zone, challenges.zone] })
let port = 0
beforeAll(async () => void ({ port } = await listener.start({ host: "127.0.0.1", port: 0 })))
afterAll(() => listener.stop())

type Transport = "udp" | "tcp"
const transports = ["udp", "tcp"] as const

/** One packet, and the octets of its answer. */
function send(packet: Uint8Array, transport: Transport): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const timer = setTimeout(() => reject(new Error("no answer")), 5000)
  if (transport === "tcp") {
    let received = Buffer.alloc(0)
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet])),
    )
    socket.on("error", reject)
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      resolve(received.subarray(2))
      socket.destroy()
    })
  } else {
    void Bun.udpSocket({
      hostname: "127.0.0.1",
      connect: { hostname: "127.0.0.1", port },
      socket: {
        data: (socket, answer) => {
          resolve(Buffer.from(answer))
          socket.close()
        },
      },
    }).then((socket) => socket.send(packet))
  }
  return promise.finally(() => clearTimeout(timer))
}

type Query = {
  name: string
  type?: number
  class?: number
  flags?: number
  opt?: { size?: number; version?: number; flags?: number; options?: string }
}

/** A query to the last octet, which the codec of the server would not write. */
function packet({ name, type = 6, class: queryClass = 1, flags = 0, opt }: Query): Uint8Array {
  const plain = Buffer.from(
    encodeMessage(message({ id: 4242, questions: [{ name: name.toLowerCase(), spelled: name, type, class: queryClass }] })),
  )
  plain.writeUInt16BE(flags, 2)
  if (!opt) return plain
  const data = Buffer.from(opt.options ?? "", "hex")
  const record = Buffer.alloc(11)
  record.writeUInt16BE(41, 1)
  record.writeUInt16BE(opt.size ?? 1232, 3)
  record[6] = opt.version ?? 0
  record.writeUInt16BE(opt.flags ?? 0, 7)
  record.writeUInt16BE(data.length, 9)
  plain.writeUInt16BE(1, 10)
  return Buffer.concat([plain, record, data])
}

const ask = async (query: Query, transport: Transport = "udp"): Promise<Message> => decodeMessage(await send(packet(query), transport))
const valuesOf = (reply: Message) => reply.answers.map(({ value }) => value)
const { A, AAAA, NS, SOA, TXT, CNAME, CAA } = typeNumbers

describe.each(transports)("over %s", (transport) => {
  test("CONNECTIVITY, BASIC02: the server answers for both zones with authority, and offers no recursion", async () => {
    for (const name of [base, `acme.${base}`]) {
      const reply = await ask({ name, flags: 0x0100 }, transport)
      expect(reply).toMatchObject({ rcode: 0, authoritative: true, recursionAvailable: false, recursionDesired: true, truncated: false })
      expect(reply.answers).toHaveLength(1)
    }
  })

  test("NAMESERVER01, NAMESERVER07: a name of others is refused, without a referral upwards", async () => {
    for (const name of ["example.org", "", "test", "example.test", `not${base}`]) {
      const reply = await ask({ name, type: A, flags: 0x0100 }, transport)
      expect(reply).toMatchObject({ rcode: 5, authoritative: false, answers: [], authorities: [], additionals: [] })
    }
  })

  test("NAMESERVER03: no transfer, whole or incremental", async () => {
    for (const type of [252, 251]) expect(await ask({ name: base, type }, transport)).toMatchObject({ rcode: 5, answers: [] })
  })

  test("NAMESERVER08, NAMESERVER09: the case of a name does not matter, and is given back", async () => {
    const name = "NeT.cLoUd.ExAmPlE.tEsT"
    const reply = await ask({ name, type: A }, transport)
    expect(reply.questions[0]?.spelled).toBe(name)
    expect(valuesOf(reply)).toEqual(["127.0.0.1"])
  })

  test("opcodes other than a query are not implemented, and other classes refused", async () => {
    for (const opcode of [1, 2, 4, 5, 6, 15])
      expect(await ask({ name: base, flags: opcode << 11 }, transport)).toMatchObject({ rcode: 4, opcode })
    for (const queryClass of [3, 254, 255]) expect((await ask({ name: base, type: TXT, class: queryClass }, transport)).rcode).toBe(5)
  })

  test("NODATA and NXDOMAIN are told apart, also where only names below exist, with the SOA record to remember them by", async () => {
    for (const [name, type, rcode] of [
      [`net.${base}`, TXT, 0],
      [`y.${base}`, A, 0],
      [`_acme-challenge.y.${base}`, A, 3],
      [`none.${base}`, A, 3],
      [`below.net.${base}`, A, 3],
      [`none.acme.${base}`, TXT, 3],
    ] as const) {
      const reply = await ask({ name, type }, transport)
      expect([name, reply.rcode, reply.answers]).toEqual([name, rcode, []])
      const [soa] = reply.authorities
      expect(soa).toMatchObject({ type: SOA, name: name.includes("acme.cloud") ? `acme.${base}` : base })
      // RFC 2308 section 3: the lesser of the record's own TTL and its last field.
      expect(soa?.ttl).toBe(Number(soa?.value.split(" ").at(-1)))
    }
  })

  test("a CNAME is followed from one of our zones into the other", async () => {
    const name = `_acme-challenge.net.${base}`
    const id = `id-${`net.${base}`.length}`
    expect(await ask({ name, type: TXT }, transport)).toMatchObject({ rcode: 3, authoritative: true })
    const takeDown = [challenges.put(id, "one"), challenges.put(id, "two")]
    expect(valuesOf(await ask({ name, type: TXT }, transport))).toEqual([`${id}.acme.${base}`, "one", "two"])
    expect(valuesOf(await ask({ name, type: CNAME }, transport))).toEqual([`${id}.acme.${base}`])
    for (const down of takeDown) down()
    const gone = await ask({ name, type: TXT }, transport)
    expect([gone.rcode, valuesOf(gone), gone.authorities[0]?.name]).toEqual([3, [`${id}.acme.${base}`], `acme.${base}`])
  })

  test("DS of a zone within ours is denied by the zone above it", async () => {
    const reply = await ask({ name: `acme.${base}`, type: 43 }, transport)
    expect([reply.rcode, reply.authorities[0]?.name]).toEqual([0, base])
    expect((await ask({ name: base, type: 43 }, transport)).authorities[0]?.name).toBe(base)
  })

  test("ANY is answered with one set (RFC 8482)", async () => {
    const reply = await ask({ name: `net.${base}`, type: 255 }, transport)
    expect(new Set(reply.answers.map(({ type }) => type)).size).toBe(1)
  })

  describe("the set of DNS Flag Day", () => {
    const answered = { rcode: 0, authoritative: true }
    test("dns, edns: with EDNS comes EDNS, without it none", async () => {
      expect((await ask({ name: base }, transport)).edns).toBeUndefined()
      expect(await ask({ name: base, opt: {} }, transport)).toMatchObject({ ...answered, edns: { version: 0, udpSize: 1232 } })
    })

    test("edns1, edns1opt: another version is BADVERS, version 0 offered, and nothing answered", async () => {
      for (const options of ["", "fde90000"]) {
        const reply = await ask({ name: base, opt: { version: 1, options } }, transport)
        expect(reply).toMatchObject({ rcode: 16, edns: { version: 0 }, answers: [] })
      }
    })

    test("ednsopt, optlist: options that are not known are ignored and not given back", async () => {
      for (const options of ["fde90000", "000300000008000400010000000a00080123456789abcdef"]) {
        const reply = await send(packet({ name: base, opt: { options } }), transport)
        expect(decodeMessage(reply)).toMatchObject({ ...answered, answers: [{ type: SOA }] })
        // An OPT record without data is the end of the packet.
        expect(reply.subarray(-2).toString("hex")).toBe("0000")
      }
    })

    test("ednsflags: flags that are not known are not given back, and DO is", async () => {
      for (const [flags, given] of [
        [0x0080, 0],
        [0x7fff, 0],
        [0x8000, 0x8000],
        [0xffff, 0x8000],
      ] as const) {
        const reply = await send(packet({ name: base, opt: { flags } }), transport)
        expect(reply.readUInt16BE(reply.length - 4)).toBe(given)
      }
    })
  })
})

describe("the zone", () => {
  const soaOf = async (name: string) => valuesOf(await ask({ name }))[0]!.split(" ")

  test.each([base, `acme.${base}`])("ZONE01 to ZONE10: the SOA record of %s is one, and sane", async (name) => {
    const [primary, contact, ...numbers] = await soaOf(name)
    const [serial, refresh, retry, expire, minimum] = numbers.map(Number) as [number, number, number, number, number]
    expect(valuesOf(await ask({ name, type: NS }))).toContain(primary!)
    expect(contact).toBe(`hostmaster.${base}`)
    expect(serial).toBeGreaterThan(Date.UTC(2026, 0) / 1000)
    expect(serial).toBeLessThan(2 ** 32)
    expect(refresh).toBeGreaterThanOrEqual(14_400)
    expect(retry).toBeGreaterThanOrEqual(3600)
    expect(retry).toBeLessThan(refresh)
    expect(expire).toBeGreaterThanOrEqual(604_800)
    expect(expire).toBeGreaterThan(refresh)
    // A challenge must not be denied for longer than it takes to put it up; the platform's names are as Zonemaster wants them.
    expect(minimum).toBe(name === base ? 300 : 0)
  })

  test.each([base, `acme.${base}`])(
    "DELEGATION, NAMESERVER06: the name servers of %s have addresses here, no CNAME, and answer",
    async (name) => {
      const reply = await ask({ name, type: NS })
      expect(valuesOf(reply)).toEqual([`ns.${base}`])
      expect(reply.additionals.map(({ type, value }) => [type, value])).toEqual([
        [A, "127.0.0.1"],
        [AAAA, "::1"],
      ])
      expect(valuesOf(await ask({ name: `ns.${base}`, type: CNAME }))).toEqual([])
      expect(valuesOf(await ask({ name: `ns.${base}`, type: AAAA }))).toEqual(["::1"])
    },
  )

  test("CONSISTENCY: UDP and TCP say the same, octet for octet", async () => {
    for (const [name, type] of [
      [base, SOA],
      [base, NS],
      [base, CAA],
      [`net.${base}`, A],
      [`none.${base}`, A],
      [`y.${base}`, TXT],
      ["example.org", A],
    ] as const) {
      const query = packet({ name, type, opt: {} })
      expect(await send(query, "udp")).toEqual(await send(query, "tcp"))
    }
  })

  test("the CA that certifies the platform is the one that may", async () => {
    expect(valuesOf(await ask({ name: base, type: CAA }))).toEqual(['0 issue "ca.example"'])
  })
})

describe("size", () => {
  const long = Array.from({ length: 12 }, (_, index) => String(index).padEnd(200, "x"))
  let down: (() => void)[] = []
  beforeAll(() => void (down = long.map((value) => challenges.put("long", value))))
  afterAll(() => down.forEach((take) => take()))
  const name = `long.acme.${base}`

  test.each([
    ["without EDNS", undefined, 512],
    ["at 512", { size: 512 }, 512],
    ["at less than may be said", { size: 100 }, 512],
    ["at 1232", { size: 1232 }, 1232],
    ["at all there is", { size: 65_535 }, 1232],
  ] as const)(
    "NAMESERVER13, edns@512: an answer that does not fit %s is cut, with its OPT record, and whole over TCP",
    async (_, opt, limit) => {
      const query = packet({ name, type: TXT, opt })
      const reply = await send(query, "udp")
      expect(reply.length).toBeLessThanOrEqual(limit)
      expect(decodeMessage(reply)).toMatchObject({ truncated: true, answers: [], rcode: 0 })
      expect(decodeMessage(reply).edns?.version).toBe(opt === undefined ? undefined : 0)
      expect(valuesOf(decodeMessage(await send(query, "tcp")))).toEqual(long)
    },
  )
})

describe("bounds", () => {
  test("a flood over UDP is cut and left out, while TCP and other kinds go on", async () => {
    const own = new DnsListener({ zones: () => [zone], rate: { perSecond: 0.001, burst: 5 } })
    const at = await own.start({ host: "127.0.0.1", port: 0 })
    const replies: Message[] = []
    const { promise: denied, resolve } = Promise.withResolvers<void>()
    const client = await Bun.udpSocket({
      hostname: "127.0.0.1",
      connect: { hostname: "127.0.0.1", port: at.port },
      socket: {
        data: (_, answer) => {
          replies.push(decodeMessage(Buffer.from(answer)))
          if (replies.at(-1)?.rcode === 3) resolve()
        },
      },
    })
    for (let index = 0; index < 25; index++) client.send(packet({ name: base, opt: {} }))
    // Asked last, so that what came before has been answered or left out.
    client.send(packet({ name: `none.${base}`, type: A }))
    await denied
    const whole = replies.filter(({ answers }) => answers.length > 0)
    const slipped = replies.filter(({ truncated }) => truncated)
    expect([whole.length, slipped.length, replies.length]).toEqual([5, 10, 16])
    for (const reply of slipped) expect(reply).toMatchObject({ authoritative: true, questions: [{ name: base }], edns: { version: 0 } })
    client.close()
    await own.stop()
  })

  /** Everything that a TCP client gets for what it sends. */
  async function tcp(own: DnsListener, at: number, bytes: Uint8Array): Promise<Buffer> {
    const socket = connect(at, "127.0.0.1", () => socket.write(bytes))
    const chunks: Buffer[] = []
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.on("error", () => {})
    await new Promise((done) => socket.on("close", done))
    await own.stop()
    return Buffer.concat(chunks)
  }
  const framed = (query: Uint8Array) => Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query])

  test("pipelined queries are answered in order, and after so many the connection ends", async () => {
    const own = new DnsListener({ zones: () => [zone], maxQueries: 200, idleTimeoutMs: 10_000 })
    const at = await own.start({ host: "127.0.0.1", port: 0 })
    const names = Array.from({ length: 300 }, (_, index) => `n${index}.${base}`)
    const received = await tcp(own, at.port, Buffer.concat(names.map((name) => framed(packet({ name, type: A })))))
    const answered: string[] = []
    for (let from = 0; from < received.length; from += 2 + received.readUInt16BE(from)) {
      answered.push(decodeMessage(received.subarray(from + 2, from + 2 + received.readUInt16BE(from))).questions[0]!.name)
    }
    expect(answered).toEqual(names.slice(0, 200))
  })

  test("one network has so many connections, and no more", async () => {
    const own = new DnsListener({ zones: () => [zone], maxFromNetwork: 2, idleTimeoutMs: 10_000 })
    const at = await own.start({ host: "127.0.0.1", port: 0 })
    const sockets = Array.from({ length: 3 }, () => connect(at.port, "127.0.0.1"))
    const ended: number[] = []
    const gone = sockets.map((socket, index) => new Promise<void>((done) => socket.on("close", () => done(void ended.push(index)))))
    await Promise.race(gone)
    expect(ended).toHaveLength(1)
    const left = sockets.find((_, index) => index !== ended[0])!
    const answer = new Promise<Buffer>((resolve) => left.once("data", (chunk: Buffer) => resolve(chunk)))
    left.write(framed(packet({ name: base })))
    expect((await answer).length).toBeGreaterThan(12)
    await own.stop()
    await Promise.all(gone)
  })
})
