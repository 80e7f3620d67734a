import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type DnsimpleStandIn, dnsimpleAccount, startDnsimple } from "../../test/lab/providers/dnsimple"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { dnsimple } from "./dnsimple"
import type { DnsProvider } from "./provider"

const credential = "dnsimple_a_3f9aKq2mZx7TbY0wLr5Hd8"

providerContract({
  adapter: dnsimple,
  start: startDnsimple,
  credential,
  wrongCredential: "dnsimple_a_nobodys",
  foreignZoneId: `${dnsimpleAccount}/foreign.test`,
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only DNSimple has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: DnsimpleStandIn
  let provider: DnsProvider
  const zone = { id: `${dnsimpleAccount}/example.test`, name: "example.test" }
  const signal = () => AbortSignal.timeout(20_000)

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startDnsimple({ server, zones: ["example.test"], foreignZones: [], credential })
    provider = dnsimple.open(credential, { baseUrl: standIn.url })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a user's token finds the zone in whichever account has it", async () => {
    standIn.asUser(true)
    expect(await provider.findZone("www.example.test", signal())).toMatchObject(zone)
    standIn.asUser(false)
  })

  test("a secondary zone is not found", async () => {
    standIn.secondary.add("example.test")
    expect(await provider.findZone("www.example.test", signal())).toBeUndefined()
    standIn.secondary.clear()
  })

  test("a token that is limited to a zone finds it behind names that it may not see, and is denied where that is all", async () => {
    standIn.outOfScope.add("a.www.example.test").add("www.example.test")
    expect(await provider.findZone("a.www.example.test", signal())).toMatchObject(zone)
    standIn.outOfScope.add("example.test")
    const fault = await provider.findZone("www.example.test", signal()).catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "denied", message: expect.stringContaining("Required Scope") })
    standIn.outOfScope.clear()
  })

  test("records that DNSimple keeps for others are no part of a set", async () => {
    const text = { name: "", type: "TXT", content: '"ALIAS for other.test"', parent_id: 7, system_record: false }
    standIn.managed.push(text, { ...text, content: '"of the system"', parent_id: null, system_record: true })
    expect(await provider.readSet(zone, "example.test", "TXT", signal())).toBeUndefined()
    await provider.replaceSet(zone, { name: "example.test", type: "TXT", ttlSeconds: 3600, values: ["ours"] }, signal())
    expect((await provider.readSet(zone, "example.test", "TXT", signal()))?.values).toEqual(["ours"])
    expect(standIn.calls.filter(({ method }) => method !== "GET").map(({ method }) => method)).toEqual(["POST"])
    standIn.managed.length = 0
  })
})
