import { generateKeyPairSync } from "node:crypto"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type GcpDnsStandIn, managedZoneName, startGcpDns } from "../../test/lab/providers/gcpdns"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { gcpdns } from "./gcpdns"

const newKey = (bits = 2048) =>
  generateKeyPairSync("rsa", { modulusLength: bits }).privateKey.export({ type: "pkcs8", format: "pem" }).toString()
const account = {
  type: "service_account",
  project_id: "shop-4711",
  private_key_id: "a1b2",
  private_key: newKey(),
  client_email: "dns@shop-4711.iam.gserviceaccount.com",
  token_uri: "http://127.0.0.1:1/not-asked",
}
const credential = JSON.stringify(account)
const ellipticKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString()

providerContract({
  adapter: gcpdns,
  start: startGcpDns,
  credential,
  wrongCredential: JSON.stringify({ ...account, private_key: newKey() }),
  secrets: [account.private_key],
  malformed: [
    "{}",
    '"text"',
    JSON.stringify({ ...account, private_key: "no key" }),
    JSON.stringify({ ...account, private_key: ellipticKey }),
    JSON.stringify({ ...account, managed_zone: 7 }),
    JSON.stringify({ ...account, project_id: undefined, client_email: "dns@elsewhere.test" }),
  ],
  foreignZoneId: managedZoneName("foreign.test"),
  namesNoWait: true,
  atomic: true,
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only Cloud DNS has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: GcpDnsStandIn
  const signal = () => AbortSignal.timeout(20_000)
  const name = "www.example.test"
  const open = (more: object = {}) => gcpdns.open(JSON.stringify({ ...account, ...more }), { baseUrl: standIn.url })

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startGcpDns({ server, zones: ["example.test"], foreignZones: [], credential })
  })
  beforeEach(() => {
    standIn.furtherZones.length = 0
    standIn.special.length = 0
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a token is asked for once, and anew once it is no longer taken", async () => {
    const provider = open()
    const before = standIn.granted()
    for (const _ of [1, 2, 3]) await provider.findZone(name, signal())
    expect(standIn.granted()).toBe(before + 1)
    standIn.revokeTokens()
    expect((await provider.findZone(name, signal()))?.name).toBe("example.test")
    expect(standIn.granted()).toBe(before + 2)
  })

  test("private zones are passed over, and two public ones are not chosen between unless the credential names one", async () => {
    // More than a page of them.
    const inside = Array.from({ length: 130 }, (_, index) => ({ name: `inside-${index}`, dnsName: "example.test.", visibility: "private" }))
    standIn.furtherZones.push(...inside)
    expect(await open().findZone(name, signal())).toEqual({
      id: "example-test",
      name: "example.test",
      nameServers: ["ns-cloud-a1.googledomains.com", "ns-cloud-a2.googledomains.com"],
    })
    standIn.furtherZones.push({ name: "second", dnsName: "example.test.", visibility: "public" })
    const fault = await open()
      .findZone(name, signal())
      .catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "refused", message: expect.stringContaining("managed_zone") })
    const chosen = open({ managed_zone: "second" })
    expect((await chosen.findZone(name, signal()))?.id).toBe("second")
    expect(await chosen.findZone("www.absent.test", signal())).toBeUndefined()
    const absent = await open({ managed_zone: "none" })
      .findZone(name, signal())
      .catch((error: unknown) => error)
    expect(absent).toMatchObject({ reason: "refused" })
  })

  test("the project is the one of the account where the credential names none", async () => {
    expect((await open({ project_id: undefined }).findZone(name, signal()))?.name).toBe("example.test")
    const other = await open({ project_id: "elsewhere" })
      .findZone(name, signal())
      .catch((error: unknown) => error)
    expect(other).toMatchObject({ reason: "denied" })
  })

  test("where a routing policy stands, nothing is read or written, and the message says why", async () => {
    standIn.special.push({ name: `${name}.`, type: "A", ttl: 300, routingPolicy: { geo: { items: [] } } })
    const provider = open()
    const zone = (await provider.findZone(name, signal()))!
    const writes = standIn.writes()
    for (const work of [
      () => provider.readSet(zone, name, "A", signal()),
      () => provider.replaceSet(zone, { name, type: "A", ttlSeconds: 300, values: ["192.0.2.1"] }, signal()),
    ]) {
      const fault = await work().catch((error: unknown) => error)
      expect(fault).toMatchObject({ reason: "refused", message: expect.stringContaining("with a routing policy") })
    }
    expect(standIn.writes()).toBe(writes)
  })

  test("a set that somebody else changes meanwhile is not overwritten, and a repeat is worth it", async () => {
    const provider = open()
    const zone = (await provider.findZone(name, signal()))!
    const set = { name: "race.example.test", type: "A" as const, ttlSeconds: 300, values: ["192.0.2.1"] }
    for (const [theirs, ours] of [
      ["192.0.2.7", "192.0.2.1"],
      ["192.0.2.8", "192.0.2.2"],
    ] as const) {
      standIn.meanwhile(() => server.change("example.test", () => [{ ...set, values: [theirs] }]))
      const fault = await provider.replaceSet(zone, { ...set, values: [ours] }, signal()).catch((error: unknown) => error)
      expect(fault).toMatchObject({ reason: "unreachable" })
      expect(await server.ask(set.name, "A")).toEqual([theirs])
      await provider.replaceSet(zone, { ...set, values: [ours] }, signal())
      expect(await server.ask(set.name, "A")).toEqual([ours])
    }
  })
})
