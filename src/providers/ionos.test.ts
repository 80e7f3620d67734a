import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type IonosStandIn, ionosZoneId, startIonos } from "../../test/lab/providers/ionos"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { ionos } from "./ionos"
import type { DnsProvider } from "./provider"

const credential = "9f0c3a7be1d24c58.k3Jx_QmZ8vLr-T5wYd"

providerContract({
  adapter: ionos,
  start: startIonos,
  credential,
  wrongCredential: "9f0c3a7be1d24c58.somebody_elses",
  secrets: ["k3Jx_QmZ8vLr-T5wYd"],
  malformed: ["9f0c3a7be1d24c58", "9f0c3a7be1d24c58.", ".k3Jx", "a.b.c"],
  foreignZoneId: ionosZoneId("foreign.test"),
  namesNoWait: true,
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only IONOS has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: IonosStandIn
  let provider: DnsProvider
  const zone = { id: ionosZoneId("example.test"), name: "example.test" }
  const signal = () => AbortSignal.timeout(20_000)
  const replace = (name: string, ...values: string[]) => provider.replaceSet(zone, { name, type: "A", ttlSeconds: 3600, values }, signal())

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startIonos({ server, zones: ["example.test"], foreignZones: [], credential })
    provider = ionos.open(credential, { baseUrl: standIn.url })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a zone that gets its records from elsewhere is not found", async () => {
    standIn.slaves.add("example.test")
    expect(await provider.findZone("www.example.test", signal())).toBeUndefined()
    standIn.slaves.clear()
    expect(await provider.findZone("www.example.test", signal())).toMatchObject(zone)
  })

  test("a set is replaced by one call, however many values it has", async () => {
    await replace("one.example.test", "192.0.2.1", "192.0.2.2")
    const writes = standIn.writes()
    await replace("one.example.test", "192.0.2.3", "192.0.2.4", "192.0.2.5")
    expect(standIn.writes()).toBe(writes + 1)
  })

  test("records that are switched off are no part of a set, and stay when it changes or goes", async () => {
    const off = { zone: "example.test", name: "off.example.test", type: "A", content: "192.0.2.66", ttl: 600, prio: 0 }
    standIn.hidden.push(off)
    expect(await provider.readSet(zone, off.name, "A", signal())).toBeUndefined()
    await replace(off.name, "192.0.2.1")
    expect(standIn.hidden).toEqual([off])
    await replace(off.name)
    expect(standIn.hidden).toEqual([off])
    expect(await server.ask(off.name, "A")).toEqual([])
    // What is switched off and wanted would be there twice.
    await replace(off.name, "192.0.2.66")
    expect(standIn.hidden).toEqual([])
    expect((await provider.readSet(zone, off.name, "A", signal()))?.values).toEqual(["192.0.2.66"])
  })
})
