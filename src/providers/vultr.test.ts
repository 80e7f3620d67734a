import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { startVultr, type VultrStandIn } from "../../test/lab/providers/vultr"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import type { DnsProvider } from "./provider"
import { vultr } from "./vultr"

const credential = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

providerContract({
  adapter: vultr,
  start: startVultr,
  credential,
  wrongCredential: "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210",
  cannotHold: [
    "a text with quotes and semicolons",
    "a text with backslashes",
    "a text with backslashes before quotes",
    "a text of more than 512 octets with quotes",
  ],
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only Vultr has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: VultrStandIn
  let provider: DnsProvider
  const zone = { id: "example.test", name: "example.test" }
  const fillers = Array.from({ length: 600 }, (_, index) => `filler-${index}.test`)
  const signal = () => AbortSignal.timeout(20_000)
  const faultOf = (work: Promise<unknown>) => work.catch((error: unknown) => error)

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startVultr({ server, zones: [...fillers, "example.test"], foreignZones: [], credential })
    provider = vultr.open(credential, { baseUrl: standIn.url })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a domain on a later page is found", async () => {
    expect(await provider.findZone("www.example.test", signal())).toEqual({ ...zone, minTtlSeconds: 120 })
  })

  test("a key whose access control keeps this server out is denied, and the message says so", async () => {
    standIn.letIn(false)
    expect(await faultOf(provider.findZone("www.example.test", signal()))).toMatchObject({
      reason: "denied",
      message: expect.stringContaining("Unauthorized IP address"),
    })
    standIn.letIn(true)
  })

  test.each(['say "hi"', "back\\slash"])("the text %s is refused, and nobody is asked", async (text) => {
    const calls = standIn.calls.length
    const set = { name: "www.example.test", type: "TXT" as const, ttlSeconds: 300, values: ["plain", text] }
    expect(await faultOf(provider.replaceSet(zone, set, signal()))).toMatchObject({ reason: "refused" })
    expect(standIn.calls.length).toBe(calls)
  })

  test("a further value with another TTL is added after those that are there have it too", async () => {
    const set = { name: "ttl.example.test", type: "A" as const, ttlSeconds: 300, values: ["192.0.2.1", "192.0.2.2"] }
    await provider.replaceSet(zone, set, signal())
    await provider.replaceSet(zone, { ...set, ttlSeconds: 600, values: [...set.values, "192.0.2.3"] }, signal())
    expect(await provider.readSet(zone, set.name, "A", signal())).toMatchObject({ ttlSeconds: 600 })
    expect(await server.ask(set.name, "A")).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
  })
})
