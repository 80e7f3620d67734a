import { afterAll, describe, expect, test } from "bun:test"
import { dnsLabObstacle, startDns } from "../../test/lab/dns"
import { startUnbound, unboundObstacle } from "../../test/lab/unbound"
import type { DnsLookup } from "../dns/lookup"
import { typeNumbers } from "../dns/rdata"
import { Resolver } from "../dns/resolver"
import { decodeMessage, type DnsRecord, encodeMessage, message, rcodes } from "../dns/wire"
import { Preflight } from "./preflight"
import { type PreflightInput, type PreflightIssuer, preflightReply } from "./report"

const letsEncrypt: PreflightIssuer = {
  name: "Let's Encrypt",
  caaIdentities: ["letsencrypt.org"],
  challengeTypes: ["tls-alpn-01", "http-01"],
}
const zeroSsl: PreflightIssuer = { name: "ZeroSSL", caaIdentities: ["sectigo.com"], challengeTypes: ["http-01"] }
const ours = "198.51.100.4"
const target = "edge.platform.test"

test("where DNS cannot be asked the verdict says so, and never ready", async () => {
  const silent: DnsLookup = { lookup: () => new Promise(() => {}) }
  const report = await new Preflight({ dns: silent, timeLimitMs: 20 }).check({
    hostname: "app.customer.test",
    wants: { addresses: [ours], cnameTarget: target },
    issuers: [letsEncrypt],
  })
  expect(report).toMatchObject({ verdict: "warning", issuer: null, findings: [{ code: "dns_unreachable" }] })
  expect(report.sentence).toBe(
    "DNS could not be asked about app.customer.test, so nothing is known about it: DNS was asked for 0.02 seconds and had not answered by then.",
  )
})

const obstacle = await dnsLabObstacle()

// Skipped where Knot is not installed, or port 53 of a loopback address is not ours.
describe.skipIf(obstacle !== undefined)("against Knot", async () => {
  if (obstacle !== undefined) return
  const dns = await startDns({
    zones: ["customer.test", "platform.test", "limp.test", "bare.test", "caa.test"],
    signedZones: ["signed.test", "bogus.test"],
  })
  const resolver = new Resolver({ roots: [{ name: "root", address: dns.roots, port: 53 }] })
  const lookups: string[] = []
  const counting: DnsLookup = {
    lookup: (name, type, options) => {
      lookups.push(`${type} ${name}`)
      return resolver.lookup(name, type, options)
    },
  }
  await dns.publish("both", target, "A", ours)
  const odd = await serveOddZone(dns.spareAddress(20))
  await dns.delegate("add", "odd.test", "NS", "ns1.odd.test")
  await dns.delegate("add", "ns1.odd.test", "A", dns.spareAddress(20))
  afterAll(async () => {
    odd.close()
    resolver.stop()
    await dns.stop()
  })

  const check = (hostname: string, more: Partial<PreflightInput> = {}, now?: () => number) =>
    new Preflight({ dns: counting, now }).check({
      hostname,
      wants: { addresses: [ours], cnameTarget: target },
      issuers: [letsEncrypt, zeroSsl],
      ...more,
    })
  const codes = async (hostname: string, more: Partial<PreflightInput> = {}) =>
    (await check(hostname, more)).findings.map(({ code }) => code)

  test("a name that leads here and that nobody forbids is ready, for a bounded number of look-ups", async () => {
    await dns.publish("both", "good.customer.test", "CNAME", target)
    lookups.length = 0
    const report = await check("good.customer.test", {}, () => 1_700_000_000_000)
    expect(preflightReply(report)).toEqual({
      verdict: "ready",
      sentence: "good.customer.test leads here, and Let's Encrypt may certify it.",
      fix: null,
      findings: [],
      issuer: "Let's Encrypt",
      checked_at: "2023-11-14T22:13:20.000Z",
    })
    expect(lookups.length).toBeLessThan(20)
    expect(new Set(lookups).size).toBe(lookups.length)
  })

  test("an A record here with an AAAA elsewhere names the record that has to go", async () => {
    await dns.publish("both", "aaaa.customer.test", "A", ours)
    await dns.publish("both", "aaaa.customer.test", "AAAA", "2001:db8::1")
    const { verdict, sentence, fix, findings } = await check("aaaa.customer.test")
    expect([verdict, findings.map(({ code }) => code)]).toEqual(["blocked", ["stale_aaaa"]])
    expect(sentence).toBe(
      "aaaa.customer.test has an AAAA record (2001:db8::1) that leads to another server, while its A record leads here.",
    )
    expect(fix).toBe(
      "Delete the AAAA record of aaaa.customer.test (2001:db8::1): visitors and the certificate authority who prefer IPv6 would reach another server.",
    )
    expect(findings[0]?.evidence).toContain(`ns1.customer.test (${dns.addresses.ns1}) on AAAA aaaa.customer.test: 2001:db8::1`)
    expect((await check("aaaa.customer.test", { wants: { addresses: [ours, "2001:DB8:0::1"], cnameTarget: target } })).verdict).toBe(
      "ready",
    )
  })

  test("an address elsewhere is said with the change that leads here", async () => {
    await dns.publish("both", "wrong.customer.test", "A", "203.0.113.9")
    const wrong = await check("wrong.customer.test")
    expect([wrong.verdict, wrong.sentence]).toEqual([
      "blocked",
      `wrong.customer.test leads to 203.0.113.9 and not to this server (${ours}).`,
    ])
    expect(wrong.fix).toBe(
      `Delete the A record of wrong.customer.test (203.0.113.9). Add a CNAME record: wrong.customer.test to ${target}.`,
    )
    await dns.publish("both", "wrong.customer.test", "A", ours)
    expect((await check("wrong.customer.test")).fix).toBe("Delete the A record of wrong.customer.test with 203.0.113.9.")
  })

  test("a name without any address says which record to add, at the apex another", async () => {
    const sub = await check("none.customer.test")
    expect([sub.sentence, sub.fix]).toEqual([
      "none.customer.test leads nowhere: it has neither an A, an AAAA nor a CNAME record.",
      `Add a CNAME record: none.customer.test to ${target}.`,
    ])
    const apex = await check("customer.test")
    expect([apex.findings.map(({ code }) => code), apex.fix]).toEqual([
      ["points_nowhere"],
      `Give customer.test an A record with ${ours}, or an ALIAS record to ${target} where the DNS provider has that.`,
    ])
  })

  test("a private address is said to be one, unless it is ours", async () => {
    await dns.publish("both", "home.customer.test", "A", "192.168.1.7")
    expect(await codes("home.customer.test")).toEqual(["private_address"])
    expect(await codes("home.customer.test", { wants: { addresses: ["192.168.1.7"], cnameTarget: target } })).toEqual([])
  })

  test("a CNAME that leads nowhere, and one that leads in a circle", async () => {
    await dns.publish("both", "chain.customer.test", "CNAME", "gone.platform.test")
    const chain = await check("chain.customer.test")
    expect([chain.findings[0]?.code, chain.sentence, chain.fix]).toEqual([
      "cname_chain_broken",
      "The CNAME record of chain.customer.test leads to gone.platform.test, which does not exist.",
      `Change the CNAME record of chain.customer.test from gone.platform.test to ${target}.`,
    ])
    await dns.publish("both", "loop1.customer.test", "CNAME", "loop2.customer.test")
    await dns.publish("both", "loop2.customer.test", "CNAME", "loop1.customer.test")
    const loop = await check("loop1.customer.test")
    expect([loop.findings[0]?.code, loop.sentence]).toEqual([
      "loop",
      "The CNAME records of loop1.customer.test lead in a circle, so it has no address: loop2.customer.test leads back to it.",
    ])
  })

  test("a CDN in front is named, by its addresses and by its name", async () => {
    await dns.publish("both", "orange.customer.test", "A", "104.21.3.4")
    const byAddress = await check("orange.customer.test")
    expect([byAddress.verdict, byAddress.findings.map(({ code }) => code)]).toEqual(["warning", ["cdn_in_front"]])
    expect(byAddress.sentence).toStartWith("orange.customer.test is behind Cloudflare (104.21.3.4): ")
    expect(byAddress.fix).toContain("grey cloud")
    const onlyAlpn = await check("orange.customer.test", { issuers: [{ ...letsEncrypt, challengeTypes: ["tls-alpn-01"] }] })
    expect(onlyAlpn.verdict).toBe("blocked")
    await dns.publish("both", "front.customer.test", "CNAME", "d1.cloudfront.net")
    const byName = await check("front.customer.test")
    expect(byName.sentence).toBe(
      "The CNAME record of front.customer.test leads to d1.cloudfront.net at Amazon CloudFront, which does not exist.",
    )
  })

  test("records beside which no CNAME can stand are a warning while there is none", async () => {
    await dns.publish("both", "mail.customer.test", "MX", "10 mx.customer.test")
    const { findings } = await check("mail.customer.test")
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([
      ["points_nowhere", "blocked"],
      ["cname_conflict", "warning"],
    ])
    expect(findings[1]?.fix).toBe(
      `Give mail.customer.test an A record with ${ours} instead of a CNAME record, or delete its MX records first.`,
    )
  })

  test("a CNAME beside other records, and one at the apex, are told where a server gives them out", async () => {
    const beside = await check("both.odd.test")
    expect([beside.findings[0]?.code, beside.findings[0]?.severity]).toEqual(["cname_conflict", "blocked"])
    expect(beside.sentence).toBe(
      `both.odd.test has a CNAME record (${target}) and beside it TXT, which may not be: resolvers take the one or the other.`,
    )
    const apex = await check("odd.test")
    expect(apex.findings.map(({ code }) => code)).toContain("cname_conflict")
    expect(apex.sentence).toStartWith(`odd.test has a CNAME record (${target}) beside the NS and SOA records of the zone`)
  })

  test("CAA is found up the tree, and the issuer that it allows is taken", async () => {
    await dns.publish("both", "app.sub.caa.test", "CNAME", target)
    await dns.publish("both", "caa.test", "CAA", '0 issue "sectigo.com"')
    const second = await check("app.sub.caa.test")
    expect([second.verdict, second.issuer, second.sentence]).toEqual([
      "ready",
      "ZeroSSL",
      "app.sub.caa.test leads here, and ZeroSSL may certify it.",
    ])
    expect(second.findings.map(({ code, severity }) => [code, severity])).toEqual([["caa_forbids", "notice"]])
    const blocked = await check("app.sub.caa.test", { issuers: [letsEncrypt] })
    expect([blocked.verdict, blocked.issuer, blocked.sentence, blocked.fix]).toEqual([
      "blocked",
      null,
      'The CAA record of caa.test (0 issue "sectigo.com") does not allow Let\'s Encrypt to certify app.sub.caa.test, and app.sub.caa.test inherits it.',
      'Add the CAA record 0 issue "letsencrypt.org" to caa.test.',
    ])
    const labelled = await check("app.sub.caa.test", {
      issuers: [{ ...zeroSsl, name: "https://acme.zerossl.com/v2/DV90", label: "ZeroSSL" }],
    })
    expect([labelled.issuer, labelled.sentence]).toEqual([
      "https://acme.zerossl.com/v2/DV90",
      "app.sub.caa.test leads here, and ZeroSSL may certify it.",
    ])
    // A record nearer by is the only one that counts.
    await dns.publish("both", "sub.caa.test", "CAA", '0 issue "letsencrypt.org; validationmethods=dns-01"')
    const method = await check("app.sub.caa.test", { issuers: [letsEncrypt] })
    expect([method.sentence, method.fix]).toEqual([
      'The CAA record of sub.caa.test (0 issue "letsencrypt.org; validationmethods=dns-01") lets Let\'s Encrypt certify app.sub.caa.test by other means only than tls-alpn-01 and http-01, and app.sub.caa.test inherits it.',
      "Add one of tls-alpn-01 and http-01 to the validationmethods of the CAA record of sub.caa.test, or leave that parameter out.",
    ])
    await dns.publish("both", "app.sub.caa.test.caa.test", "CAA", '0 issue ";"')
    expect((await check("sub.caa.test", { issuers: [{ ...letsEncrypt, challengeTypes: ["dns-01"] }], wildcard: true })).issuer).toBe(
      "Let's Encrypt",
    )
  })

  test("behind a CNAME the CAA records of its target count, and that is said", async () => {
    await dns.publish("both", "own.platform.test", "A", ours)
    await dns.publish("both", "own.platform.test", "CAA", '0 issue "sectigo.com"')
    await dns.publish("both", "alias.customer.test", "CNAME", "own.platform.test")
    const { sentence, fix } = await check("alias.customer.test", { issuers: [letsEncrypt] })
    expect([sentence, fix]).toEqual([
      'The CAA record of own.platform.test (0 issue "sectigo.com") does not allow Let\'s Encrypt to certify alias.customer.test, and alias.customer.test has it by its CNAME record.',
      'Add the CAA record 0 issue "letsencrypt.org" to own.platform.test.',
    ])
  })

  test("servers that allow different issuers allow none but those in both", async () => {
    await dns.publish("both", "torn.customer.test", "A", ours)
    await dns.publish(1, "torn.customer.test", "CAA", '0 issue "sectigo.com"')
    await dns.publish(2, "torn.customer.test", "CAA", '0 issue "letsencrypt.org"')
    expect((await check("torn.customer.test")).issuer).toBeNull()
  })

  test("servers that fail when they are asked for CAA block every authority", async () => {
    const { verdict, sentence, issuer } = await check("servfail.odd.test")
    expect([verdict, issuer, sentence]).toEqual([
      "blocked",
      null,
      "The name servers of odd.test do not answer when they are asked for the CAA records of servfail.odd.test; certificate authorities then refuse to certify servfail.odd.test.",
    ])
  })

  test("servers that disagree are told with what each says", async () => {
    await dns.publish(1, "apart.customer.test", "A", ours)
    const report = await check("apart.customer.test")
    expect([report.verdict, report.sentence]).toEqual([
      "warning",
      `The name servers of customer.test disagree about the A record of apart.customer.test: ns1.customer.test says ${ours}; ns2.customer.test says there is none.`,
    ])
  })

  test("a server that does not serve the zone, and name servers that the zone does not name", async () => {
    await dns.publish("both", "www.limp.test", "A", ours)
    await dns.delegate("add", "limp.test", "NS", "ns3.limp.test")
    await dns.delegate("add", "ns3.limp.test", "A", dns.addresses.root)
    const { verdict, findings } = await check("www.limp.test")
    expect([verdict, findings.map(({ code }) => code)]).toEqual(["warning", ["lame_server", "parent_child_ns_mismatch"]])
    expect(findings[0]?.sentence).toBe(
      "ns3.limp.test does not serve limp.test, although limp.test is delegated to it: some look-ups will be slow or fail.",
    )
    expect(findings[1]?.sentence).toBe(
      "The name servers of limp.test differ between the registrar and the zone itself: the registrar has ns3.limp.test, which the zone does not name.",
    )
  })

  test("a domain that is not delegated, and one whose servers all refuse", async () => {
    const none = await check("app.nonesuch.test")
    expect([none.findings.map(({ code }) => code), none.sentence]).toEqual([
      ["no_delegation"],
      "nonesuch.test is not delegated: the name servers of test do not know it.",
    ])
    await dns.delegate("add", "dead.test", "NS", "ns1.dead.test")
    await dns.delegate("add", "ns1.dead.test", "A", dns.addresses.root)
    const dead = await check("app.dead.test")
    expect([dead.verdict, dead.sentence]).toEqual([
      "blocked",
      "None of the name servers of dead.test (ns1.dead.test) answers for it, so nobody finds app.dead.test.",
    ])
  })

  test("an ownership record at the bare name, and one whose name was completed twice, are found", async () => {
    const ask = { ownershipName: "_customdomain-challenge.own.customer.test" }
    await dns.publish("both", "own.customer.test", "A", ours)
    await dns.publish("both", "own.customer.test", "TXT", "cd-verify-0123")
    const bare = await check("own.customer.test", ask)
    expect([bare.findings.map(({ code }) => code), bare.sentence]).toEqual([
      ["challenge_at_wrong_name"],
      "The TXT record that proves who owns own.customer.test stands at own.customer.test, and is looked for at _customdomain-challenge.own.customer.test.",
    ])
    expect(bare.fix).toEndWith("enter only _customdomain-challenge.own.")
    expect(await codes("own.customer.test", { ...ask, ownershipValue: "cd-verify-9999" })).toEqual([])
    await dns.remove("both", "own.customer.test", "TXT")
    await dns.publish("both", `${ask.ownershipName}.customer.test`, "TXT", "cd-verify-0123")
    expect((await check("own.customer.test", { ...ask, ownershipValue: "cd-verify-0123" })).sentence).toContain(
      "stands at _customdomain-challenge.own.customer.test.customer.test,",
    )
    await dns.publish("both", ask.ownershipName, "TXT", "cd-verify-0123")
    expect(await codes("own.customer.test", ask)).toEqual([])
  })

  test("DNSSEC: a chain that holds is no finding, and signatures that ran out are one", async () => {
    await dns.publish("both", "app.signed.test", "A", ours)
    for (const signer of await dns.signersOf("signed.test")) await dns.delegate("add", "signed.test", "DS", signer)
    expect((await check("app.signed.test")).findings).toEqual([])
    const later = await check("app.signed.test", {}, () => Date.now() + 30 * 86_400_000)
    expect([later.verdict, later.findings.map(({ code }) => code)]).toEqual(["blocked", ["dnssec_broken"]])
    expect(later.sentence).toMatch(
      /^DNSSEC of signed\.test is broken: the signature of ns1\.signed\.test \(\S+\) over its DNSKEY expired on \d{4}-\d\d-\d\d \d\d:\d\d UTC\./,
    )
    expect((await check("app.signed.test", {}, () => Date.now() - 30 * 86_400_000)).sentence).toContain("over its DNSKEY begins only on")
  })

  test("DNSSEC: a DS of another key, and one of a zone that is not signed", async () => {
    await dns.publish("both", "app.bogus.test", "A", ours)
    const [signer = ""] = await dns.signersOf("bogus.test")
    await dns.delegate(
      "add",
      "bogus.test",
      "DS",
      signer.replace(/.{4}$/, (end) => (end === "0000" ? "1111" : "0000")),
    )
    const wrong = await check("app.bogus.test")
    expect(wrong.sentence).toStartWith("DNSSEC of bogus.test is broken: no DS record at the parent fits a DNSKEY of ns1.bogus.test (")
    expect(wrong.fix).toBe("Delete the DS record of bogus.test at the registrar, or enter the one that belongs to its present keys.")
    await dns.publish("both", "app.bare.test", "A", ours)
    await dns.delegate("add", "bare.test", "DS", signer)
    expect((await check("app.bare.test")).sentence).toStartWith(
      "DNSSEC of bare.test is broken: the parent has a DS record for it, and ns1.bare.test (",
    )
  })

  test("a wildcard is asked for by its own name, and needs no record at the name above", async () => {
    await dns.publish("both", "*.wild.customer.test", "CNAME", target)
    const report = await check("wild.customer.test", { wildcard: true })
    expect([report.verdict, report.sentence]).toEqual(["ready", "*.wild.customer.test leads here, and Let's Encrypt may certify it."])
    await dns.publish("both", "wild.customer.test", "CAA", '0 issue "letsencrypt.org"')
    await dns.publish("both", "wild.customer.test", "CAA", '0 issuewild ";"')
    const forbidden = await check("wild.customer.test", { wildcard: true })
    expect([forbidden.issuer, forbidden.fix]).toEqual([null, 'Add the CAA record 0 issuewild "letsencrypt.org" to wild.customer.test.'])
  })
})

// Skipped where Unbound is not installed either.
describe.skipIf((obstacle ?? unboundObstacle()) !== undefined)("where port 53 is closed and Unbound is asked over HTTPS", () => {
  test("what leads here is ready, and what is wrong is found, with the zone looked for by its NS records", async () => {
    const dns = await startDns({ zones: ["customer.test", "platform.test", "other.test"] })
    const unbound = await startUnbound(dns.roots)
    const relay = relayOverHttp(unbound)
    const doh = `http://127.0.0.1:${relay.port}/dns-query`
    const closed = { name: "root", address: dns.spareAddress(40), port: 53 }
    const resolver = new Resolver({ roots: [closed], doh, queryTimeoutMs: 200 })
    const preflight = new Preflight({ dns: resolver })
    const check = (hostname: string) =>
      preflight.check({ hostname, wants: { addresses: [ours], cnameTarget: target }, issuers: [letsEncrypt] })
    try {
      await dns.publish("both", target, "A", ours)
      await dns.publish("both", "good.customer.test", "CNAME", target)
      const good = await check("good.customer.test")
      expect([good.sentence, good.findings]).toEqual(["good.customer.test leads here, and Let's Encrypt may certify it.", []])
      await dns.publish("both", "other.test", "CAA", '0 issue ";"')
      await dns.publish("both", "other.test", "A", "203.0.113.9")
      const apex = await check("other.test")
      expect(apex.findings.map(({ code }) => code)).toEqual(["caa_forbids", "wrong_address"])
      expect(apex.findings[1]?.fix).toContain("ALIAS")
      expect(apex.sentence).toBe('The CAA record of other.test (0 issue ";") forbids every certificate authority to certify other.test.')
    } finally {
      resolver.stop()
      await relay.stop(true)
      await unbound.stop()
      await dns.stop()
    }
  })
})

/** DNS over HTTP in front of a resolver that speaks UDP: octets in, octets out. */
function relayOverHttp(to: { address: string; port: number }) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const query = await request.bytes()
      const { promise, resolve } = Promise.withResolvers<Buffer>()
      const socket = await Bun.udpSocket({
        connect: { hostname: to.address, port: to.port },
        socket: { data: (_own, bytes) => resolve(Buffer.from(bytes)), error: () => {} },
      })
      socket.send(query)
      const answer = await promise
      socket.close()
      return new Response(new Uint8Array(answer), { headers: { "content-type": "application/dns-message" } })
    },
  })
}

/** A name server as real ones are that check nothing: CNAMEs where none may be, and failures for CAA. */
async function serveOddZone(address: string) {
  const rr = (name: string, type: keyof typeof typeNumbers, value: string): DnsRecord => ({
    name,
    type: typeNumbers[type],
    class: 1,
    ttl: 60,
    value,
  })
  const records = [
    rr("odd.test", "SOA", "ns1.odd.test admin.test 1 2 3 4 60"),
    rr("odd.test", "NS", "ns1.odd.test"),
    rr("odd.test", "CNAME", target),
    rr("both.odd.test", "CNAME", target),
    rr("both.odd.test", "TXT", "v=spf1 -all"),
    rr("servfail.odd.test", "A", ours),
  ]
  return Bun.udpSocket({
    hostname: address,
    port: 53,
    socket: {
      data(own, bytes, fromPort, fromAddress) {
        const query = decodeMessage(bytes)
        const [asked] = query.questions
        const named = records.filter(({ name }) => name === asked?.name)
        const exact = named.filter(({ type }) => type === asked?.type)
        const answers = exact.length > 0 ? exact : named.filter(({ type }) => type === typeNumbers.CNAME)
        const fails = asked?.type === typeNumbers.CAA && asked.name.startsWith("servfail")
        const rcode = fails ? rcodes.SERVFAIL : named.length > 0 ? rcodes.NOERROR : rcodes.NXDOMAIN
        own.send(
          encodeMessage(
            message({
              id: query.id,
              response: true,
              authoritative: true,
              questions: query.questions,
              answers: fails ? [] : answers,
              rcode,
            }),
          ),
          fromPort,
          fromAddress,
        )
      },
      error: () => {},
    },
  })
}
