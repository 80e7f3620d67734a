import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type Appliance, startAppliance } from "../e2e/appliance"
import type { Mapping, Person } from "../e2e/person"
import { type DnsLab, dnsLabObstacle, startDns } from "../lab/dns"
import { type DnsBehaviour, type DnsDeed, type DnsFront, startDnsFront } from "../lab/dns-front"
import { typeNumbers } from "../../src/dns/rdata"
import { CLASS_IN, rcodes } from "../../src/dns/wire"

const obstacle = await dnsLabObstacle()
const zone = "customer.test"
/** What a look-up takes at most, and what a busy machine may add. */
const lookupLimitMs = 10_000
const slackMs = 3_000

describe.skipIf(obstacle !== undefined)(`name servers that fail${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let dns: DnsLab
  /** Before the first and the second name server of the zone; the world is led to them. */
  let one: DnsFront
  let two: DnsFront
  let house: Appliance
  let ada: Person
  let container: string
  let upstream: Bun.Server<undefined>

  beforeAll(async () => {
    dns = await startDns({ zones: [zone] })
    one = await startDnsFront(dns.spareAddress(30), dns.addresses.ns1)
    two = await startDnsFront(dns.spareAddress(31), dns.addresses.ns2)
    for (const [name, { address }] of Object.entries({ ns1: one, ns2: two })) {
      await dns.delegate("del", `${name}.${zone}`, "A")
      await dns.delegate("add", `${name}.${zone}`, "A", address)
    }
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    // Nobody but the test asks for a check.
    const settings = { FREEHOLD_DNS_ROOTS: dns.roots, FREEHOLD_VERIFY_INTERVAL: "1h", FREEHOLD_DNS_RECURSIVES: "none" }
    house = await startAppliance({ address: dns.spareAddress(20), settings })
    ada = await house.login()
    container = await ada.external("app", { "8080": upstream.port ?? 0 })
    await ada.map("web.home.arpa", container)
    await pageIsThere()
  })
  afterAll(async () => {
    await house?.stop()
    await upstream?.stop(true)
    await one?.stop()
    await two?.stop()
    await dns?.stop()
  })

  const pageIsThere = async () => {
    const from = performance.now()
    expect(await house.curl("https://web.home.arpa/", { args: ["--insecure"] })).toMatchObject({ code: 0, status: 200 })
    expect(performance.now() - from).toBeLessThan(2_000)
  }
  const behave = (first: DnsBehaviour, second: DnsBehaviour = first) => {
    one.behave(first)
    two.behave(second)
  }
  const claim = async (label: string, options: { published: boolean }): Promise<Mapping> => {
    behave(() => "pass")
    const mapping = await ada.map(`${label}.${zone}`, container)
    if (options.published) await dns.publish("both", mapping.verify_name, "TXT", mapping.verify_token)
    return mapping
  }
  /** One check, in which visitors are served, and which ends within the limit of a look-up. */
  const verify = async (mapping: Mapping) => {
    const from = performance.now()
    const [answer] = await Promise.all([ada.verify(mapping.id), pageIsThere()])
    expect(performance.now() - from).toBeLessThan(lookupLimitMs + slackMs)
    return answer
  }
  const pendingWith = async (mapping: Mapping, words: string | RegExp) => {
    const { status, detail } = await verify(mapping)
    expect(status).toBe("pending")
    expect(detail).toMatch(words)
    expect((await ada.mapping(mapping.id)).detail).toBe(detail!)
    // 35: the handshake is refused.
    expect((await house.curl(`https://${mapping.domain}/`, { args: ["--insecure"] })).code).toBe(35)
  }
  const after =
    (ms: number): DnsBehaviour =>
    async (): Promise<DnsDeed> => {
      await Bun.sleep(ms)
      return "pass"
    }
  const txt = (name: string, value: string) => ({ name, type: typeNumbers.TXT, class: CLASS_IN, ttl: 60, value })
  const isProof = (mapping: Mapping, question: { name: string; type: number }) =>
    question.name === mapping.verify_name && question.type === typeNumbers.TXT

  test("lossy: with half of all queries lost a name is verified, within a few checks", async () => {
    const mapping = await claim("lossy", { published: true })
    behave(() => (Math.random() < 0.5 ? "silence" : "pass"))
    let checks = 1
    while ((await verify(mapping)).status !== "verified") expect(++checks).toBeLessThan(10)
  }, 120_000)

  for (const [what, behaviour] of Object.entries<DnsBehaviour>({
    "refuses every question": ({ instead }) => instead({ rcode: rcodes.REFUSED, authoritative: false }),
    "does not know the zone": ({ instead }) => instead({ rcode: rcodes.SERVFAIL, authoritative: false }),
    "does not answer": () => "silence",
  })) {
    test(`lame: one server that ${what} does not keep the other from proving the name`, async () => {
      const mapping = await claim(`lame${what.replaceAll(" ", "")}`, { published: true })
      behave(behaviour, () => "pass")
      expect(await verify(mapping)).toEqual({ status: "verified" })
    })
  }

  test("lame: where no server is of use, it is said of each what it did", async () => {
    const mapping = await claim("alllame", { published: true })
    behave(
      ({ instead }) => instead({ rcode: rcodes.REFUSED, authoritative: false }),
      () => "silence",
    )
    await pendingWith(mapping, /ns1\.customer\.test refused to answer; ns2\.customer\.test could not be reached/)
    behave(() => "pass")
    expect(await verify(mapping)).toEqual({ status: "verified" })
  })

  test("hijacked: what a server says without authority proves nothing, not even the token", async () => {
    const mapping = await claim("noauthority", { published: false })
    const lie: DnsBehaviour = ({ question, instead }) =>
      isProof(mapping, question)
        ? instead({ authoritative: false, recursionAvailable: true, answers: [txt(mapping.verify_name, mapping.verify_token)] })
        : "pass"
    behave(lie)
    await pendingWith(mapping, "answered without authority for the zone")
  })

  test("hijacked: the token from another address than the one that was asked proves nothing", async () => {
    const mapping = await claim("wrongaddress", { published: false })
    behave(({ question, instead, fromElsewhere }) => {
      if (!isProof(mapping, question)) return "pass"
      fromElsewhere(instead({ answers: [txt(mapping.verify_name, mapping.verify_token)] }))
      return "silence"
    })
    await pendingWith(mapping, "could not be reached")
  })

  test("hijacked: the token at another name, and in answer to another question, proves nothing", async () => {
    const mapping = await claim("othername", { published: false })
    behave(
      ({ question, instead }) =>
        isProof(mapping, question) ? instead({ answers: [txt(`_other.${zone}`, mapping.verify_token)] }) : "pass",
      ({ question, instead }) => {
        if (!isProof(mapping, question)) return "pass"
        const other = { name: `_other.${zone}`, type: question.type, class: question.class }
        return instead({ questions: [other], answers: [txt(mapping.verify_name, mapping.verify_token)] })
      },
    )
    await pendingWith(
      mapping,
      /ns1\.customer\.test answered that the name has no TXT record; ns2\.customer\.test sent an answer that cannot be read/,
    )
  })

  test("hijacked: a server that lies does not keep the one that is right from proving the name", async () => {
    const mapping = await claim("oneliar", { published: true })
    behave(
      ({ question, instead }) =>
        isProof(mapping, question) ? instead({ answers: [txt(question.name, "edd-verify-of-somebody-else")] }) : "pass",
      () => "pass",
    )
    expect(await verify(mapping)).toEqual({ status: "verified" })
  })

  test("hijacked: a server that denies whatever it is asked is shown with what it said beside the other", async () => {
    const mapping = await claim("denier", { published: false })
    await dns.publish(2, mapping.verify_name, "TXT", "edd-verify-of-somebody-else")
    behave(
      ({ instead }) => instead({ rcode: rcodes.NXDOMAIN }),
      () => "pass",
    )
    await pendingWith(mapping, /ns1\.customer\.test answered NXDOMAIN; ns2\.customer\.test answered a TXT record with another value/)
  })

  test("hijacked: NXDOMAIN rewritten to a page of advertisements is no proof, and no name that is gone stands as proven", async () => {
    const mapping = await claim("rewritten", { published: false })
    const advertisement: DnsBehaviour = ({ question, instead }) =>
      instead({
        authoritative: false,
        recursionAvailable: true,
        answers: [{ ...txt(question.name, ""), type: typeNumbers.A, value: "192.0.2.1" }],
      })
    behave(advertisement)
    await pendingWith(mapping, "answered without authority for the zone")
    behave(({ question, instead }) => instead({ answers: [{ ...txt(question.name, ""), type: typeNumbers.A, value: "192.0.2.1" }] }))
    await pendingWith(mapping, "has no TXT record")
  })

  test("slow: answers that come just in time are taken, and a look-up lasts no longer than its limit", async () => {
    const mapping = await claim("slow", { published: true })
    behave(after(1_000))
    expect(await verify(mapping)).toEqual({ status: "verified" })
    const late = await claim("late", { published: true })
    behave(after(4_000))
    await pendingWith(late, "could not be reached")
  })

  test("slow: an answer that drips over TCP ends with its time, and is said", async () => {
    const mapping = await claim("drip", { published: true })
    behave(({ question, overTcp, instead }) => {
      if (overTcp) return "drip"
      return isProof(mapping, question) ? instead({ truncated: true }) : "pass"
    })
    await pendingWith(mapping, "could not be reached")
    behave(() => "pass")
    expect(await verify(mapping)).toEqual({ status: "verified" })
  })

  test("a flood of answers is not read for ever", async () => {
    const mapping = await claim("flood", { published: true })
    behave(({ question, instead, fromElsewhere }) => {
      if (!isProof(mapping, question)) return "pass"
      for (let n = 0; n < 500; n++) fromElsewhere(instead({ answers: [txt(question.name, `${n}`)] }))
      return "pass"
    })
    expect(await verify(mapping)).toEqual({ status: "verified" })
  })
})
