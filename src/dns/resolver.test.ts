import { afterEach, expect, test } from "bun:test"
import { DelegationCache } from "./delegations"
import { typeNumbers } from "./rdata"
import { Resolver, type ResolverOptions } from "./resolver"
import { decodeMessage, type DnsRecord, encodeMessage, type Message, message, rcodes } from "./wire"

const open: { close(): void }[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

type Script = (query: Message) => Partial<Message> | Uint8Array | undefined

/** A UDP name server that says what it is told to; `heard` counts the queries. */
async function serve(address: string, port: number, script: Script) {
  const heard: Message[] = []
  const socket = await Bun.udpSocket({
    hostname: address,
    port,
    socket: {
      data(own, bytes, fromPort, fromAddress) {
        const query = decodeMessage(bytes)
        heard.push(query)
        const said = script(query)
        if (!said) return
        const reply =
          said instanceof Uint8Array ? said : encodeMessage(message({ id: query.id, response: true, questions: query.questions, ...said }))
        own.send(reply, fromPort, fromAddress)
      },
      error: () => {},
    },
  })
  open.push(socket)
  return { port: socket.port, heard, close: () => socket.close() }
}

const rr = (name: string, type: keyof typeof typeNumbers, value: string, ttl = 60): DnsRecord => ({
  name,
  type: typeNumbers[type],
  class: 1,
  ttl,
  value,
})
const [ROOT, OLD, NEW] = ["127.0.55.1", "127.0.55.2", "127.0.55.3"] as const

/** The root refers `test` to one server, whose address can change; that server has everything below. */
async function world(leaf: Script, where = { address: OLD as string }) {
  const root = await serve(ROOT, 0, () => ({
    authorities: [rr("test", "NS", "ns.test")],
    additionals: [rr("ns.test", "A", where.address)],
  }))
  const server = await serve(OLD, root.port, leaf)
  return { root, server }
}

const resolver = (port: number, more: Partial<ResolverOptions> = {}) =>
  new Resolver({ roots: [{ name: "ns.root", address: ROOT, port }], port, queryTimeoutMs: 150, budgetMs: 3000, ...more })

const txt =
  (value: string): Script =>
  (query) => ({ authoritative: true, answers: query.questions[0]?.type === 16 ? [rr(query.questions[0].name, "TXT", value)] : [] })

test("a server without EDNS is asked without it", async () => {
  const { root, server } = await world((query) => (query.edns ? { rcode: rcodes.FORMERR, questions: [] } : txt("plain")(query)))
  const lookup = await resolver(root.port).lookup("a.test", "TXT")
  expect(lookup).toMatchObject({
    zone: "test",
    answers: [{ server: "ns.test", address: `${OLD}:${root.port}`, outcome: "answer", values: ["plain"] }],
  })
  expect(server.heard.map((query) => query.edns !== undefined)).toEqual([true, false, true, false])
})

test.each<[string, Script, string]>([
  [
    "garbage under the right id",
    (query) => Uint8Array.from([query.id >> 8, query.id & 255, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]),
    "malformed",
  ],
  ["an answer to another question", () => ({ authoritative: true, questions: [{ name: "b.test", type: 16, class: 1 }] }), "malformed"],
  ["another id", (query) => ({ id: query.id ^ 1, authoritative: true, answers: [rr("a.test", "TXT", "spoof")] }), "malformed"],
  ["no authority", () => ({ answers: [rr("a.test", "TXT", "cached")] }), "lame"],
  ["a referral upwards", () => ({ authorities: [rr("", "NS", "ns.root")] }), "lame"],
  ["a referral to its own zone", () => ({ authorities: [rr("test", "NS", "ns.test")] }), "lame"],
  ["SERVFAIL", () => ({ rcode: rcodes.SERVFAIL }), "servfail"],
  ["REFUSED", () => ({ rcode: rcodes.REFUSED }), "refused"],
  ["silence", () => undefined, "unreachable"],
])("%s is told for what it is", async (_what, script, outcome) => {
  const { root } = await world(script)
  const lookup = await resolver(root.port).lookup("a.test", "TXT")
  expect(lookup).toMatchObject({ via: "authoritative", zone: "test", answers: [{ outcome, values: [] }] })
  expect(lookup.problem).toStartWith("None of the 1 name-server addresses of test gave a usable answer")
})

test("records of other names are not taken for an answer", async () => {
  const { root } = await world(() => ({ authoritative: true, answers: [rr("b.test", "TXT", "not asked for")] }))
  expect((await resolver(root.port).lookup("a.test", "TXT")).answers).toMatchObject([{ outcome: "nodata", values: [] }])
})

test("glue from outside the referring zone is not believed", async () => {
  const { root } = await world(() => ({ authorities: [rr("a.test", "NS", "ns.example")], additionals: [rr("ns.example", "A", NEW)] }))
  const trap = await serve(NEW, root.port, txt("poison"))
  await resolver(root.port, { maxQueries: 60 }).lookup("a.test", "TXT")
  expect(trap.heard).toHaveLength(0)
})

test.each(["a.test", "test"])(
  "a kept delegation spares the root, is dropped when its servers fail, and no final answer is kept: %s",
  async (name) => {
    const where = { address: OLD as string }
    const { root, server } = await world(txt("old"), where)
    const own = resolver(root.port)
    await own.lookup(name, "TXT")
    await own.lookup(name, "TXT")
    expect(root.heard).toHaveLength(1)
    expect(server.heard.filter((query) => query.questions[0]?.type === 16)).toHaveLength(2)
    server.close()
    where.address = NEW
    await serve(NEW, root.port, txt("new"))
    expect((await own.lookup(name, "TXT")).answers).toMatchObject([{ values: ["new"] }])
    expect(root.heard).toHaveLength(2)
  },
)

test("delegations end with their TTL and the least used leaves first", () => {
  let now = 0
  const cache = new DelegationCache(2, () => now)
  for (const zone of ["a", "b"]) cache.put({ zone, servers: [], ttlSeconds: 60 })
  expect(cache.closest("x.y.a")?.zone).toBe("a")
  cache.put({ zone: "c", servers: [], ttlSeconds: 1e6 })
  expect([cache.size, cache.closest("b"), cache.closest("a")?.zone]).toEqual([2, undefined, "a"])
  now = 61_000
  expect([cache.closest("a"), cache.closest("c")?.zone]).toEqual([undefined, "c"])
  now = 16 * 60_000
  expect(cache.closest("c")).toBeUndefined()
})

test("CNAMEs without end stop at the limit, and so does a look-up without end at its budget", async () => {
  let hop = 0
  const { root } = await world((query) => {
    const asked = query.questions[0]!
    return { authoritative: true, answers: asked.type === 16 ? [rr(asked.name, "CNAME", `hop${++hop}.test`)] : [] }
  })
  expect((await resolver(root.port).lookup("a.test", "TXT")).problem).toBe("a.test leads through more than 8 CNAMEs.")
  expect((await resolver(root.port, { maxQueries: 5 }).lookup("a.test", "TXT")).problem).toContain("limit of 5 queries")
  const slow = await resolver(root.port, { budgetMs: 1 }).lookup("a.b.c.d.test", "TXT")
  expect(slow.problem).toMatch(/ran out of its 0.001 seconds|Port 53 seems closed/)
})

test("a name that DNS cannot hold is a problem, not a throw", async () => {
  const own = new Resolver({ roots: [{ name: "ns.root", address: ROOT, port: 9 }] })
  expect((await own.lookup(`${"a".repeat(64)}.test`, "TXT")).problem).toContain("more than 63 octets")
  expect((await own.lookup(Array(130).fill("a").join("."), "TXT")).problem).toContain("longer than 255 octets")
  own.stop()
  expect((await own.lookup("a.test", "TXT")).problem).toContain("stopped")
})

/** A recursive resolver over HTTP, as RFC 8484 has it. */
function serveDoh(script: (query: Message) => Partial<Message>, status = 200) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(req) {
      const query = decodeMessage(await req.bytes())
      expect([req.method, req.headers.get("content-type"), query.id, query.recursionDesired]).toEqual([
        "POST",
        "application/dns-message",
        0,
        true,
      ])
      const body = encodeMessage(message({ response: true, recursionAvailable: true, questions: query.questions, ...script(query) }))
      return new Response(body, { status, headers: { "content-type": "application/dns-message" } })
    },
  })
  open.push({ close: () => void server.stop(true) })
  return `http://127.0.0.1:${server.port}/dns-query`
}

test("where no root answers, the DoH resolver is asked and the answer marked", async () => {
  const silent = await serve(ROOT, 0, () => undefined)
  const doh = serveDoh(() => ({ answers: [rr("a.test", "CNAME", "b.test", 9), rr("b.test", "TXT", "over https", 9)] }))
  const lookup = await resolver(silent.port, { doh }).lookup("a.test", "TXT")
  expect(lookup).toMatchObject({
    via: "doh",
    zone: undefined,
    answers: [{ server: "127.0.0.1", outcome: "answer", values: ["over https"], name: "b.test", ttlSeconds: 9 }],
  })
  expect(lookup.problem).toBe(
    "Port 53 seems closed outward: the only root server did not answer; 127.0.0.1 was asked over HTTPS and its answer may be cached.",
  )
})

test("where somebody answers in the place of the roots, that is said and the DoH resolver is asked", async () => {
  const middlebox = await serve(ROOT, 0, () => ({ authoritative: false, recursionAvailable: true, rcode: rcodes.NXDOMAIN }))
  const intercepted = "Port 53 seems to be intercepted: the only root server did not answer with authority"
  expect((await resolver(middlebox.port).lookup("a.test", "TXT")).problem).toBe(`${intercepted}, and no DoH resolver is configured.`)
  const doh = serveDoh(() => ({ answers: [rr("a.test", "TXT", "over https", 9)] }))
  const lookup = await resolver(middlebox.port, { doh }).lookup("a.test", "TXT")
  expect(lookup).toMatchObject({ via: "doh", answers: [{ server: "127.0.0.1", values: ["over https"] }] })
})

test.each<[string, Partial<Message>, number, string]>([
  ["nxdomain", { rcode: rcodes.NXDOMAIN }, 200, "nxdomain"],
  ["nodata", {}, 200, "nodata"],
  ["servfail", { rcode: rcodes.SERVFAIL }, 200, "servfail"],
  ["another question", { questions: [{ name: "x", type: 1, class: 1 }] }, 200, "malformed"],
  ["HTTP 500", {}, 500, "unreachable"],
])("DoH that says %s", async (_what, reply, status, outcome) => {
  const silent = await serve(ROOT, 0, () => undefined)
  const lookup = await resolver(silent.port, { doh: serveDoh(() => reply, status) }).lookup("a.test", "TXT")
  expect(lookup.answers).toMatchObject([{ outcome, values: [] }])
})

test("without a DoH resolver a closed port 53 is said, and one dead zone is not taken for it", async () => {
  const silent = await serve(ROOT, 0, () => undefined)
  expect((await resolver(silent.port).lookup("a.test", "TXT")).problem).toContain("no DoH resolver is configured")
  silent.close()
  const { root } = await world(() => undefined)
  const lookup = await resolver(root.port, { doh: serveDoh(() => ({})) }).lookup("a.test", "TXT")
  expect([lookup.via, lookup.zone]).toEqual(["authoritative", "test"])
})
