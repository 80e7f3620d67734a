import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type Route53StandIn, route53ZoneId, startRoute53 } from "../../test/lab/providers/route53"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import type { DnsProvider, EditableZone } from "./provider"
import { RecordWriter } from "./record-writer"
import { ApiAnswer } from "./http-api"
import { route53 } from "./route53"
import { judgeErrorDocument } from "./route53-xml"

const credential = "AKIDEXAMPLE0EXAMPLE0:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

providerContract({
  adapter: route53,
  start: startRoute53,
  credential,
  wrongCredential: "AKIDEXAMPLE0EXAMPLE0:wJalrXUtnFEMI/K7MDENG+notTheOneXAMPLEKEY",
  secrets: credential.split(":"),
  malformed: ["AKIDEXAMPLE", "AKIDEXAMPLE:secret:nowhere", "AKIDEXAMPLE::eu-west-1", "AK/ID:secret"],
  foreignZoneId: route53ZoneId("foreign.test"),
  namesNoWait: true,
  atomic: true,
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only Route 53 has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: Route53StandIn
  let provider: DnsProvider
  let zone: EditableZone
  const signal = () => AbortSignal.timeout(20_000)
  const name = "www.example.test"

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startRoute53({ server, zones: ["example.test"], foreignZones: [], credential })
    provider = route53.open(credential, { baseUrl: standIn.url })
    zone = (await provider.findZone(name, signal()))!
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("private zones of the same name are passed over, and two public ones are not chosen between", async () => {
    const further = Array.from({ length: 130 }, (_, index) => ({ id: `ZA${index}`, name: "example.test", isPrivate: true }))
    standIn.furtherZones.push(...further)
    expect((await provider.findZone(name, signal()))?.id).toBe(route53ZoneId("example.test"))
    standIn.furtherZones.push({ id: "ZZ", name: "example.test", isPrivate: false })
    const fault = await provider.findZone(name, signal()).catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "refused", message: expect.stringContaining("2 public hosted zones named example.test") })
    standIn.furtherZones.length = 0
  })

  test("the name servers of a zone are told", () => {
    expect(zone.nameServers).toEqual(["ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk"])
  })

  test.each([
    ["an alias", "<AliasTarget><HostedZoneId>Z2</HostedZoneId><DNSName>lb.test.</DNSName></AliasTarget>"],
    ["a record with a routing policy", "<SetIdentifier>a</SetIdentifier><Weight>1</Weight><TTL>60</TTL>"],
  ])("where %s stands, nothing is read, written or put in its place, and the message says why", async (what, xml) => {
    standIn.special.push({ zone: "example.test", name, type: "A", xml })
    const address = { name, type: "A", ttlSeconds: 300, values: ["192.0.2.1"] } as const
    const writes = standIn.writes()
    for (const work of [
      () => provider.readSet(zone, name, "A", signal()),
      () => provider.replaceSet(zone, { ...address, values: [...address.values] }, signal()),
      () => provider.replaceSet(zone, { ...address, values: [] }, signal()),
      () => new RecordWriter(provider).pointHost(zone, [{ name, type: "CNAME", ttlSeconds: 300, values: ["ingress.test"] }], signal()),
    ]) {
      const fault = await work().catch((error: unknown) => error)
      expect(fault).toMatchObject({ reason: "refused", message: expect.stringContaining(`www.example.test has ${what} of type A`) })
    }
    expect(standIn.writes()).toBe(writes)
    expect(await provider.readSet(zone, name, "TXT", signal())).toBeUndefined()
    standIn.special.length = 0
  })

  test("a set that somebody else changes meanwhile is not removed, and a repeat is worth it", async () => {
    const set = { name: "race.example.test", type: "A" as const, ttlSeconds: 300, values: ["192.0.2.1"] }
    await provider.replaceSet(zone, set, signal())
    standIn.meanwhile(() => server.change("example.test", () => [{ ...set, values: ["192.0.2.7"] }]))
    const fault = await provider.replaceSet(zone, { ...set, values: [] }, signal()).catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "unreachable" })
    expect(await server.ask(set.name, "A")).toEqual(["192.0.2.7"])
    await provider.replaceSet(zone, { ...set, values: [] }, signal())
    expect(await server.ask(set.name, "A")).toEqual([])
  })

  test("a text with characters outside ASCII is written in the provider's own escapes, and read again", async () => {
    const text = "größe; 8 °C"
    await provider.replaceSet(zone, { name, type: "TXT", ttlSeconds: 300, values: [text] }, signal())
    expect(standIn.calls.at(-1)?.body).toContain("gr\\303\\266\\303\\237e")
    expect(await server.ask(name, "TXT")).toEqual([text])
    expect((await provider.readSet(zone, name, "TXT", signal()))?.values).toEqual([text])
    await provider.replaceSet(zone, { name, type: "TXT", ttlSeconds: 300, values: [] }, signal())
  })

  test("a call is signed for the one region that its partition signs for, whatever region the credential names", async () => {
    const regions = ["eu-central-1", "us-east-1", "ap-southeast-2"]
    for (const region of regions) {
      const opened = route53.open(`${credential}:${region}`, { baseUrl: standIn.url })
      expect((await opened.findZone(name, signal()))?.name).toBe("example.test")
    }
    // Signed for the region of that partition, which the stand-in of the usual one does not take.
    const china = route53.open(`${credential}:cn-north-1`, { baseUrl: standIn.url })
    expect(await china.findZone(name, signal()).catch((error: unknown) => error)).toMatchObject({ reason: "denied" })
  })
})

test.each([
  ["rate_limited", "<ErrorResponse><Error><Code>PriorRequestNotComplete</Code><Message>wait</Message></Error></ErrorResponse>"],
  [
    "unreachable",
    "<InvalidChangeBatch><Messages><Message>the values provided do not match the current values</Message></Messages></InvalidChangeBatch>",
  ],
  [
    "unreachable",
    "<ErrorResponse><Error><Code>InvalidChangeBatch</Code><Message>[it, but it was not found]</Message></Error></ErrorResponse>",
  ],
  ["denied", "<ErrorResponse><Error><Code>IncompleteSignature</Code><Message>no</Message></Error></ErrorResponse>"],
  [undefined, "<ErrorResponse><Error><Code>InvalidInput</Code><Message>no</Message></Error></ErrorResponse>"],
  [undefined, "half <a"],
])("an error is %p where the document is %s", (reason, text) => {
  expect(judgeErrorDocument(new ApiAnswer("Route 53", 400, new Headers(), text))?.reason).toBe(reason as never)
})
