import { afterAll, describe, expect, test } from "bun:test"
import { dnsLabObstacle, startDns } from "../../test/lab/dns"
import { startUnbound, unboundObstacle } from "../../test/lab/unbound"
import type { DnsLookup, RecordType } from "../dns/lookup"
import { askRecursive } from "../dns/recursive"
import { Resolver } from "../dns/resolver"
import { Propagation, type RecordReport, shows, type WantedRecord, type WantedType } from "./propagation"
import { driftCause, duration } from "./propagation-words"

const wanted = (host: string, type: WantedType, value: string, priority?: number): WantedRecord => ({
  host,
  type,
  value,
  ttl: 300,
  ...(priority === undefined ? {} : { priority }),
})

test.each<[WantedType, string, string[], boolean]>([
  ["A", "198.51.100.4", ["203.0.113.9", "198.51.100.4"], true],
  ["A", "198.51.100.4", ["198.51.100.40"], false],
  ["AAAA", "2001:DB8:0::1", ["2001:db8::1"], true],
  ["CNAME", "Edge.Platform.test.", ["edge.platform.test"], true],
  ["CNAME", "edge.platform.test", ["xedge.platform.test"], false],
  ["TXT", "token", ["v=spf1 -all", '"token"'], true],
  ["TXT", "token", ["token2"], false],
  ["TXT", "Token", ["token"], false],
  ["MX", "Mail.test.", ["10 mail.test"], true],
  ["MX", "mail.test", ["20 mail.test"], false],
  ["SRV", "0 5 443 host.test.", ["0 5 443 host.test"], true],
  ["CAA", "0 ISSUE letsencrypt.org", ['0 issue "letsencrypt.org"'], true],
  ["CAA", '0 issue "letsencrypt.org"', ['128 issue "letsencrypt.org"'], false],
  ["A", "198.51.100.4", [], false],
])("%s %p in %p: %p", (type, value, values, expected) => {
  expect(shows(wanted("a.test", type, value, type === "MX" ? 10 : undefined), values)).toBe(expected)
})

test.each([
  [0, "0 seconds"],
  [1, "1 second"],
  [89, "89 seconds"],
  [2460, "41 minutes"],
  [7200, "2 hours"],
])("%p seconds are %s", (seconds, words) => {
  expect(duration(seconds)).toBe(words)
})

const seen = (record: WantedRecord, values: string[], propagated: boolean, outcome: "answer" | "unreachable" = "answer"): RecordReport => ({
  record,
  propagated,
  observed_value: values.length === 0 ? null : values.join(", "),
  authorities: [{ server: "ns1.test", address: "192.0.2.1", outcome, values, matches: propagated }],
  recursives: [],
  explanation: "",
})

test("drift is told by what is there now, and only of what was there before", () => {
  const [a, txt] = [wanted("a.test", "A", "198.51.100.4"), wanted("_x.a.test", "TXT", "token")]
  const fine = [seen(a, ["198.51.100.4"], true)]
  expect(driftCause(fine, fine)).toBeUndefined()
  expect(driftCause(fine, [seen(a, ["203.0.113.9"], false)])).toBe("A record now 203.0.113.9, ours is 198.51.100.4")
  expect(driftCause(undefined, [seen(a, [], false)])).toBe("A record is gone, ours is 198.51.100.4")
  expect(driftCause(fine, [seen(a, [], false, "unreachable")])).toBeUndefined()
  expect(driftCause(fine, [seen(a, ["203.0.113.9"], false), seen(txt, [], false)])).toBe(
    "A record of a.test now 203.0.113.9, ours is 198.51.100.4",
  )
})

const obstacle = (await dnsLabObstacle()) ?? unboundObstacle()

// Skipped where Knot and Unbound are not installed, or port 53 of a loopback address is not ours.
describe.skipIf(obstacle !== undefined)("with two name servers of Knot and a cache of Unbound", async () => {
  if (obstacle !== undefined) return
  const dns = await startDns({ zones: ["customer.test", "platform.test", "flat.test", "limp.test"] })
  const unbound = await startUnbound(dns.roots)
  const resolver = new Resolver({ roots: [{ name: "root", address: dns.roots, port: 53 }] })
  const nobody = { address: dns.spareAddress(30), port: 53 }
  const asked: string[] = []
  const counting: DnsLookup = { lookup: (name, type) => (asked.push(`${type} ${name}`), resolver.lookup(name, type)) }
  const propagation = new Propagation({
    dns: counting,
    recursives: () => [unbound, nobody],
    askRecursive: (where, name: string, type: RecordType) => askRecursive(where, name, type, { timeoutMs: 2000, attempts: 1 }),
  })
  const judge = async (record: WantedRecord) => (await propagation.judge([record]))[0]!
  const resolverName = `127.0.0.1:${unbound.port}`
  afterAll(async () => {
    resolver.stop()
    await unbound.stop()
    await dns.stop()
  })

  test("a record on one of two servers has not reached the world, and on both it has", async () => {
    const record = wanted("www.customer.test", "A", "198.51.100.4")
    await dns.publish(1, record.host, "A", record.value)
    const half = await judge(record)
    expect([half.propagated, half.observed_value, half.explanation]).toEqual([
      false,
      null,
      `Not every name server shows the A record of www.customer.test yet: ns2.customer.test (${dns.addresses.ns2}) has none.`,
    ])
    await dns.publish(2, record.host, "A", record.value)
    const whole = await judge(record)
    expect([whole.propagated, whole.observed_value]).toEqual([true, record.value])
    expect(whole.authorities.map(({ server, outcome, values, matches }) => [server, outcome, values, matches]).sort()).toEqual([
      ["ns1.customer.test", "answer", [record.value], true],
      ["ns2.customer.test", "answer", [record.value], true],
    ])
  })

  test("a cache that still has the old record is told with the time left, and does not hold the record back", async () => {
    const record = wanted("moved.customer.test", "A", "198.51.100.4")
    await dns.publish("both", record.host, "A", "203.0.113.9")
    expect(await judge(record)).toMatchObject({ propagated: false, observed_value: "203.0.113.9" })
    await dns.remove("both", record.host, "A")
    await dns.publish("both", record.host, "A", record.value)
    const report = await judge(record)
    expect(report.propagated).toBe(true)
    const cached = report.recursives.find(({ resolver }) => resolver === resolverName)
    expect(cached).toMatchObject({ outcome: "answer", values: ["203.0.113.9"], matches: false })
    expect(cached?.ttl_left).toBeGreaterThan(3000)
    expect(report.recursives.find(({ resolver }) => resolver === nobody.address)).toMatchObject({ outcome: "unreachable", ttl_left: null })
    expect(report.explanation).toMatch(
      new RegExp(
        `^Every name server that answers shows the A record of moved.customer.test. ${resolverName} still has the old A record 203.0.113.9 for (60|59|58) minutes.$`,
      ),
    )
  })

  test("a cache that remembers that there was nothing is told too", async () => {
    const record = wanted("late.customer.test", "CNAME", "edge.platform.test")
    await judge(record)
    await dns.publish("both", record.host, "CNAME", record.value)
    expect((await judge(record)).explanation).toMatch(/still remembers for \d+ minutes that there was no such record\.$/)
  })

  test("a flattened apex counts while its addresses are those of the target", async () => {
    for (const address of ["198.51.100.4", "198.51.100.5"]) await dns.publish("both", "edge.platform.test", "A", address)
    await dns.publish("both", "edge.platform.test", "AAAA", "2001:db8::4")
    for (const address of ["198.51.100.5", "198.51.100.4"]) await dns.publish("both", "flat.test", "A", address)
    const record = wanted("flat.test", "CNAME", "edge.platform.test")
    expect((await judge(record)).propagated).toBe(false)
    await dns.publish("both", "flat.test", "AAAA", "2001:db8::4")
    const report = await judge(record)
    expect([report.propagated, report.observed_value]).toEqual([true, "edge.platform.test"])
    expect(report.recursives[0]).toMatchObject({ outcome: "answer", matches: true })
    const lost = await judge(wanted("flat.test", "CNAME", "edge.nowhere"))
    expect([lost.propagated, driftCause(undefined, [lost])]).toEqual([false, undefined])
    await dns.publish(2, "flat.test", "A", "203.0.113.9")
    expect((await judge(record)).authorities.map(({ server, matches }) => [server, matches]).sort()).toEqual([
      ["ns1.flat.test", true],
      ["ns2.flat.test", false],
    ])
  })

  test("a server that does not serve the zone is told, and holds nothing back", async () => {
    const record = wanted("www.limp.test", "TXT", "here")
    await dns.delegate("add", "limp.test", "NS", "ns3.limp.test")
    await dns.delegate("add", "ns3.limp.test", "A", dns.addresses.root)
    await dns.publish("both", record.host, "TXT", "other")
    await dns.publish("both", record.host, "TXT", "here")
    const report = await judge(record)
    expect([report.propagated, report.explanation]).toEqual([
      true,
      `Every name server that answers shows the TXT record of www.limp.test; ns3.limp.test (${dns.addresses.root}) does not serve the zone.`,
    ])
  })

  test("a zone of which no server answers is not propagated, and says why", async () => {
    await dns.delegate("add", "dead.test", "NS", "ns1.dead.test")
    await dns.delegate("add", "ns1.dead.test", "A", dns.addresses.root)
    expect(await judge(wanted("www.dead.test", "A", "198.51.100.4"))).toMatchObject({
      propagated: false,
      observed_value: null,
      explanation:
        "None of the 1 name-server addresses of dead.test gave a usable answer: it does not serve dead.test: it only refers to the servers of test.",
    })
  })

  test("reports come in the order asked, and records of one name share their look-ups", async () => {
    asked.length = 0
    const records = ["198.51.100.1", "198.51.100.2", "198.51.100.3"].map((value) => wanted("many.customer.test", "A", value))
    const mail = wanted("many.customer.test", "MX", "mx.customer.test", 10)
    await dns.publish("both", "many.customer.test", "A", "198.51.100.2")
    await dns.publish("both", "many.customer.test", "MX", "10 mx.customer.test")
    const reports = await propagation.judge([...records, mail])
    expect(reports.map(({ record, propagated }) => [record.value, propagated])).toEqual([
      ["198.51.100.1", false],
      ["198.51.100.2", true],
      ["198.51.100.3", false],
      ["mx.customer.test", true],
    ])
    expect(asked).toEqual(["A many.customer.test", "MX many.customer.test"])
  })
})
