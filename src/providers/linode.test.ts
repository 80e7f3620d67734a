import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type LinodeStandIn, linodeDomainId, startLinode } from "../../test/lab/providers/linode"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { linode } from "./linode"
import type { DnsProvider, RecordSetType } from "./provider"

const credential = "d2f5a0c1b4e6978812ab34cd56ef7890d2f5a0c1b4e6978812ab34cd56ef7890"

providerContract({
  adapter: linode,
  start: startLinode,
  credential,
  wrongCredential: "0000a0c1b4e6978812ab34cd56ef7890",
  foreignZoneId: "9000000",
  besides: ["a CAA"],
  unsupported: ["SRV"],
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only Linode has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: LinodeStandIn
  let provider: DnsProvider
  const zone = { id: String(linodeDomainId(0)), name: "example.test" }
  const signal = () => AbortSignal.timeout(20_000)
  const replace = (name: string, type: RecordSetType, values: string[], ttlSeconds = 3600) =>
    provider.replaceSet(zone, { name, type, ttlSeconds, values }, signal())
  const ttlOf = async (name: string) => (await server.sets("example.test")).find((set) => set.name === name)?.ttlSeconds

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startLinode({ server, zones: ["example.test"], foreignZones: [], credential })
    provider = linode.open(credential, { baseUrl: standIn.url })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a domain that gets its records from elsewhere is not found", async () => {
    standIn.slaves.add("example.test")
    expect(await provider.findZone("www.example.test", signal())).toBeUndefined()
    standIn.slaves.clear()
    expect(await provider.findZone("www.example.test", signal())).toEqual(zone)
  })

  test("SRV records right below the domain are written, read and removed", async () => {
    const name = "_xmpp._tcp.example.test"
    for (const values of [["0 5 5222 xmpp.mail.test"], ["1 5 5222 xmpp.mail.test", "1 6 5223 xmpp.mail.test"], []]) {
      await replace(name, "SRV", values)
      expect(await server.ask(name, "SRV")).toEqual(values)
      expect((await provider.readSet(zone, name, "SRV", signal()))?.values.sort() ?? []).toEqual(values)
    }
  })

  test("CAA records without flags are written, read and removed, and one with flags is refused before anything changes", async () => {
    const name = "caa.example.test"
    const first = ['0 issue "ca.test"', '0 issuewild ";"']
    await replace(name, "CAA", first)
    const fault = await replace(name, "CAA", ['0 issue "other.test"', '128 iodef "mailto:a@ca.test"']).catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "refused" })
    expect(await server.ask(name, "CAA")).toEqual(first)
    expect((await provider.readSet(zone, name, "CAA", signal()))?.values.sort()).toEqual(first)
    await replace(name, "CAA", [])
    expect(await server.ask(name, "CAA")).toEqual([])
  })

  test.each([
    [1, 300],
    [1900, 300],
    [2000, 3600],
    [5_000_000, 2_419_200],
  ])("a TTL of %d seconds becomes %d, and the set is then left as it is", async (asked, step) => {
    const name = `ttl${asked}.example.test`
    await replace(name, "A", ["192.0.2.1"], asked)
    expect(await ttlOf(name)).toBe(step)
    const writes = standIn.writes()
    await replace(name, "A", ["192.0.2.1"], asked)
    expect(standIn.writes()).toBe(writes)
  })

  test("a record that was made with another TTL than asked for gets the right one", async () => {
    standIn.forgetTtl(true)
    await replace("forgotten.example.test", "A", ["192.0.2.1"], 7200)
    expect(await ttlOf("forgotten.example.test")).toBe(7200)
    standIn.forgetTtl(false)
  })

  test("a mail exchanger that is none is an empty target there", async () => {
    await replace("null.example.test", "MX", ["0 ."])
    expect((await provider.readSet(zone, "null.example.test", "MX", signal()))?.values).toEqual(["0 ."])
    expect(JSON.parse(standIn.calls.findLast(({ method }) => method === "POST")?.body ?? "{}")).toMatchObject({ target: "" })
  })
})
