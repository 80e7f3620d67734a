import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type PorkbunStandIn, startPorkbun } from "../../test/lab/providers/porkbun"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { porkbun } from "./porkbun"

const credential = "pk1_5c1f0a8e9b7d4c33:sk1_90ab12cd34ef56aa"

providerContract({
  adapter: porkbun,
  start: startPorkbun,
  credential,
  wrongCredential: "pk1_5c1f0a8e9b7d4c33:sk1_somebody_elses",
  secrets: credential.split(":"),
  malformed: ["pk1_alone", "pk1_a:", ":sk1_b"],
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only Porkbun has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: PorkbunStandIn
  const signal = () => AbortSignal.timeout(20_000)
  const zone = { id: "example.test", name: "example.test" }
  const fillers = Array.from({ length: 1000 }, (_, index) => `filler-${index}.test`)
  const open = (keys = credential) => porkbun.open(keys, { baseUrl: standIn.url })
  const faultOf = (work: Promise<unknown>) => work.catch((error: unknown) => error)

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startPorkbun({ server, zones: [...fillers, "example.test"], foreignZones: [], credential })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("domains beyond the first thousand are found", async () => {
    expect(await open().findZone("www.example.test", signal())).toMatchObject({ name: "example.test", minTtlSeconds: 600 })
  })

  test("a domain whose API access is off says so", async () => {
    standIn.closed.add("example.test")
    expect(await faultOf(open().findZone("www.example.test", signal()))).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("API access is switched off for example.test"),
    })
    expect(await faultOf(open().readSet(zone, "www.example.test", "A", signal()))).toMatchObject({
      reason: "denied",
      message: expect.stringContaining("not opted in"),
    })
    standIn.closed.clear()
  })

  test("a first key that is nobody's is denied as a second one is", async () => {
    expect(await faultOf(open("pk1_nobodys:sk1_x").findZone("www.example.test", signal()))).toMatchObject({ reason: "denied" })
  })

  test("addresses are not put beside an ALIAS, and other records are", async () => {
    standIn.aliases.push({ name: "example.test", content: "pixie.porkbun.test" })
    const set = { name: "example.test", type: "A" as const, ttlSeconds: 600, values: ["192.0.2.1"] }
    const writes = standIn.writes()
    expect(await faultOf(open().replaceSet(zone, set, signal()))).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("has an ALIAS record"),
    })
    expect(standIn.writes()).toBe(writes)
    await open().replaceSet(zone, { ...set, type: "TXT", values: ["beside"] }, signal())
    expect(await server.ask("example.test", "TXT")).toEqual(["beside"])
    standIn.aliases.length = 0
  })
})
