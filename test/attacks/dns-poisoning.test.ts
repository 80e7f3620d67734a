import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { typeNumbers } from "../../src/dns/rdata"
import { decodeMessage, type DnsRecord, encodeMessage, type Message, message } from "../../src/dns/wire"
import { mayListen } from "../lab/ports"
import { type DnsLab, dnsLabObstacle, startDns } from "../lab/dns"
import { type AttackedHouse, houseObstacle, startAttackedHouse } from "./attacked-house"
import type { Mapping } from "../e2e/person"

const obstacle = houseObstacle ?? (await dnsLabObstacle())
const rr = (name: string, type: keyof typeof typeNumbers, value: string, ttl = 3600): DnsRecord => ({
  name,
  type: typeNumbers[type],
  class: 1,
  ttl,
  value,
})

type Send = (bytes: Uint8Array) => void
/** What a server does at a query: it sends what it likes, as often as it likes, from its own port. */
type Script = (query: Message, send: Send) => void

describe.skipIf(obstacle !== undefined)(`a name server that lies to our resolver${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let dns: DnsLab
  let attacked: AttackedHouse
  let container: string
  let script: Script = () => {}
  let evil: string
  const heard: { name: string; port: number; id: number }[] = []
  const sockets: { close(): void }[] = []
  let byStander: Bun.udp.Socket<"buffer">

  beforeAll(async () => {
    dns = await startDns({ zones: ["customer.test", "victim.test"] })
    evil = dns.spareAddress(66)
    if (!(await mayListen(evil, 53))) throw new Error(`port 53 of ${evil} is taken`)
    sockets.push(
      await Bun.udpSocket({
        hostname: evil,
        port: 53,
        socket: {
          data(own, bytes, port, address) {
            const query = decodeMessage(bytes)
            heard.push({ name: query.questions[0]?.name ?? "", port, id: query.id })
            script(query, (reply) => own.send(reply, port, address))
          },
          error: () => {},
        },
      }),
    )
    // Whoever sends from elsewhere: the same machine by another port.
    byStander = await Bun.udpSocket({ hostname: evil, port: 0, socket: { data: () => {}, error: () => {} } })
    sockets.push(byStander)
    await dns.delegate("add", "evil.test", "NS", "ns.evil.test")
    await dns.delegate("add", "ns.evil.test", "A", evil)
    attacked = await startAttackedHouse({
      settings: { FREEHOLD_DNS_ROOTS: dns.roots, FREEHOLD_VERIFY_INTERVAL: "10m", FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.0/8" },
    })
    container = await attacked.ada.external("app", { "8080": 9 })
  })
  afterAll(async () => {
    await attacked?.stop()
    for (const socket of sockets) socket.close()
    await dns?.stop()
  })

  const to = (query: Message, said: Partial<Message>) =>
    encodeMessage(message({ id: query.id, response: true, authoritative: true, questions: query.questions, ...said }))
  const denied = (query: Message) =>
    to(query, { rcode: 3, authorities: [rr("evil.test", "SOA", "ns.evil.test hostmaster.evil.test 1 3600 600 604800 3600")] })
  const claims = new Map<string, Mapping>()
  const claim = async (domain: string) => {
    const mapping = claims.get(domain) ?? (await attacked.ada.map(domain, container))
    claims.set(domain, mapping)
    return mapping
  }
  const verify = async (domain: string) => attacked.ada.verify((await claim(domain)).id)

  test("the lie is heard at all: its own name it may prove", async () => {
    const { verify_name, verify_token } = await claim("own.evil.test")
    script = (query, send) =>
      send(
        query.questions[0]?.name === verify_name && query.questions[0].type === 16
          ? to(query, { answers: [rr(verify_name, "TXT", verify_token)] })
          : denied(query),
      )
    expect(await verify("own.evil.test")).toEqual({ status: "verified" })
  })

  const astray: [string, (query: Message, proof: DnsRecord) => Uint8Array][] = [
    ["every other id", (query, proof) => to(query, { id: query.id ^ 0xffff, answers: [proof] })],
    [
      "another question",
      (query, proof) =>
        to(query, { questions: [{ ...query.questions[0]!, name: "other.evil.test", spelled: "other.evil.test" }], answers: [proof] }),
    ],
    ["another type", (query, proof) => to(query, { questions: [{ ...query.questions[0]!, type: 1 }], answers: [proof] })],
    ["another class", (query, proof) => to(query, { questions: [{ ...query.questions[0]!, class: 3 }], answers: [proof] })],
    ["no question", (query, proof) => to(query, { questions: [], answers: [proof] })],
    ["two questions", (query, proof) => to(query, { questions: [query.questions[0]!, query.questions[0]!], answers: [proof] })],
    ["a query in the place of an answer", (query, proof) => to(query, { response: false, answers: [proof] })],
  ]
  test.each(astray)("an answer with %s is no answer, however often it comes", async (_what, forge) => {
    const domain = `${Bun.hash(_what)}.evil.test`
    const { verify_name, verify_token } = await claim(domain)
    script = (query, send) => {
      if (query.questions[0]?.name === verify_name) for (let n = 0; n < 20; n++) send(forge(query, rr(verify_name, "TXT", verify_token)))
      send(denied(query))
    }
    expect((await verify(domain)).status).toBe("pending")
  })

  test("the right answer from another port is not taken", async () => {
    const { verify_name, verify_token } = await claim("port.evil.test")
    script = (query, send) => {
      const last = heard.at(-1)
      const forged = to(query, { answers: [rr(verify_name, "TXT", verify_token)] })
      if (last !== undefined) for (let n = 0; n < 20; n++) byStander.send(forged, last.port, "127.0.0.1")
      setTimeout(() => send(denied(query)), 30)
    }
    expect((await verify("port.evil.test")).status).toBe("pending")
  })

  test("a flood of guessed ids from the right place ends the question instead of winning it", async () => {
    const { verify_name, verify_token } = await claim("flood.evil.test")
    script = (query, send) => {
      if (query.questions[0]?.name !== verify_name) return send(denied(query))
      for (let n = 1; n < 3000; n++) send(to(query, { id: (query.id + n) & 0xffff, answers: [rr(verify_name, "TXT", verify_token)] }))
    }
    expect((await verify("flood.evil.test")).status).toBe("pending")
  })

  test("ports and ids of queries cannot be foretold", () => {
    expect(heard.length).toBeGreaterThan(20)
    const spread = (values: number[]) => new Set(values).size / values.length
    expect(spread(heard.map(({ id }) => id))).toBeGreaterThan(0.9)
    expect(spread(heard.map(({ port }) => port))).toBeGreaterThan(0.5)
    const steps = heard.slice(1).map(({ id }, at) => (id - heard[at]!.id) & 0xffff)
    expect(spread(steps)).toBeGreaterThan(0.8)
  })

  const poison: [string, (victim: string, proof: DnsRecord) => Partial<Message>][] = [
    ["additional records", (_, proof) => ({ additionals: [proof, rr("ns1.victim.test", "A", evil), rr("ns2.victim.test", "A", evil)] })],
    ["answers for it", (_, proof) => ({ answers: [proof, rr("victim.test", "NS", "ns.evil.test")] })],
    ["authority for it", () => ({ authorities: [rr("victim.test", "NS", "ns.evil.test")], additionals: [rr("ns.evil.test", "A", evil)] })],
    ["authority for the top", () => ({ authorities: [rr("test", "NS", "ns.evil.test")], additionals: [rr("ns.evil.test", "A", evil)] })],
    ["authority for the root", () => ({ authorities: [rr("", "NS", "ns.evil.test")], additionals: [rr("ns.evil.test", "A", evil)] })],
    [
      "a delegation to its servers with other addresses",
      () => ({
        authoritative: false,
        authorities: [rr("x.evil.test", "NS", "ns1.victim.test")],
        additionals: [rr("ns1.victim.test", "A", evil)],
      }),
    ],
    [
      "a delegation to the top's servers with other addresses",
      () => ({ authoritative: false, authorities: [rr("x.evil.test", "NS", "ns.nic.test")], additionals: [rr("ns.nic.test", "A", evil)] }),
    ],
  ]
  test.each(poison)("%s about somebody else's zone change nothing there", async (what, forge) => {
    const victim = `${Bun.hash(what)}.victim.test`
    const { verify_name, verify_token } = await claim(victim)
    const proof = rr(verify_name, "TXT", verify_token)
    script = (query, send) =>
      send(query.questions[0]?.name.endsWith("victim.test") ? to(query, { answers: [proof] }) : to(query, forge(victim, proof)))
    // The resolver comes by the evil zone, and takes home what it can; then it is asked about the victim.
    for (const bait of ["a.x.evil.test", "b.evil.test", "evil.test"]) await verify(bait).catch(() => undefined)
    const before = heard.length
    expect((await verify(victim)).status).toBe("pending")
    // Not one question about the victim went to the liar.
    expect(heard.slice(before).filter(({ name }) => name.endsWith("victim.test"))).toEqual([])
  })

  test("an alias leads to the victim's own servers, whose word counts, and not the liar's", async () => {
    const { verify_name, verify_token } = await claim("alias.evil.test")
    script = (query, send) =>
      send(to(query, { answers: [rr(verify_name, "CNAME", "proof.victim.test"), rr("proof.victim.test", "TXT", verify_token)] }))
    expect((await verify("alias.evil.test")).status).toBe("pending")
  })

  test("a thousand name servers, a loop of aliases and referrals without end are left within the time", async () => {
    let n = 0
    for (const [domain, said] of [
      [
        "servers.evil.test",
        (query: Message) =>
          to(query, {
            authoritative: false,
            authorities: Array.from({ length: 400 }, (_, at) => rr("servers.evil.test", "NS", `n${at}.victim.test`)),
          }),
      ],
      ["loop.evil.test", (query: Message) => to(query, { answers: [rr(query.questions[0]!.name, "CNAME", `l${n++ % 2}.loop.evil.test`)] })],
      [
        "deep.evil.test",
        (query: Message) =>
          to(query, {
            authoritative: false,
            authorities: [rr(query.questions[0]!.name, "NS", "ns.evil.test")],
            additionals: [rr("ns.evil.test", "A", evil)],
          }),
      ],
    ] as const) {
      const before = heard.length
      script = (query, send) => send(said(query))
      const began = performance.now()
      expect((await verify(domain)).status).toBe("pending")
      expect([domain, performance.now() - began < 25_000, heard.length - before < 600]).toEqual([domain, true, true])
    }
  }, 90_000)

  test("after all of it the house still finds what is true", async () => {
    const { verify_name, verify_token } = await claim("true.victim.test")
    await dns.publish("both", verify_name, "TXT", verify_token)
    expect(await verify("true.victim.test")).toEqual({ status: "verified" })
  })
})
