import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type NamecomStandIn, startNamecom } from "../../test/lab/providers/namecom"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { namecom } from "./namecom"
import type { DnsProvider } from "./provider"

const credential = "alice:4f1e0c9b8a7d6e5f"

providerContract({
  adapter: namecom,
  start: startNamecom,
  credential,
  wrongCredential: "alice:0000000000000000",
  secrets: ["4f1e0c9b8a7d6e5f", Buffer.from(credential).toString("base64")],
  malformed: ["alice", "alice:", ":4f1e"],
  unsupported: ["CAA"],
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only name.com has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: NamecomStandIn
  let provider: DnsProvider
  const zone = { id: "example.test", name: "example.test" }
  const signal = () => AbortSignal.timeout(20_000)
  const fillers = Array.from({ length: 1000 }, (_, index) => `filler-${index}.test`)

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startNamecom({ server, zones: [...fillers, "example.test"], foreignZones: [], credential })
    provider = namecom.open(credential, { baseUrl: standIn.url })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a domain on the second page is found", async () => {
    expect(await provider.findZone("www.example.test", signal())).toEqual({ ...zone, minTtlSeconds: 300 })
  })

  test("a domain that is served from elsewhere refuses changes, and the credential is not blamed", async () => {
    standIn.servedElsewhere.add("example.test")
    const set = { name: "www.example.test", type: "A" as const, ttlSeconds: 300, values: ["192.0.2.1"] }
    const fault = await provider.replaceSet(zone, set, signal()).catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "refused", message: expect.stringContaining("nameservers") })
    standIn.servedElsewhere.clear()
  })

  test("short text goes as it is, and text with quotes as quoted strings", async () => {
    const answers = (values: string[]) =>
      provider.replaceSet(zone, { name: "t.example.test", type: "TXT", ttlSeconds: 300, values }, signal()).then(() => {
        const writes = standIn.calls.filter(({ method }) => method === "POST" || method === "PUT")
        return (JSON.parse(writes.at(-1)?.body ?? "{}") as { answer: string }).answer
      })
    expect(await answers(["v=spf1 -all"])).toBe("v=spf1 -all")
    expect(await answers(['say "hi"'])).toBe('"say \\"hi\\""')
  })
})
