import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type AzureDnsStandIn, startAzureDns } from "../../test/lab/providers/azuredns"
import { providerContract } from "../../test/lab/providers/contract"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { azuredns } from "./azuredns"
import type { DnsProvider, EditableZone } from "./provider"

const account = {
  tenant_id: "6f1c4a20-0000-4000-8000-3d1f0c1a0001",
  client_id: "6f1c4a20-0000-4000-8000-3d1f0c1a0002",
  client_secret: "qX~8Q~notReallyASecret&+=%",
  subscription_id: "6f1c4a20-0000-4000-8000-3d1f0c1a0003",
  resource_group: "dns of (shop)",
}
const credential = JSON.stringify(account)

providerContract({
  adapter: azuredns,
  start: startAzureDns,
  credential,
  wrongCredential: JSON.stringify({ ...account, client_secret: "somebody-elses" }),
  secrets: [account.client_secret],
  malformed: [
    "{}",
    JSON.stringify({ ...account, client_secret: "" }),
    JSON.stringify({ ...account, tenant_id: "a/b" }),
    JSON.stringify({ ...account, subscription_id: "a?b" }),
  ],
  atomic: true,
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only Azure DNS has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: AzureDnsStandIn
  let provider: DnsProvider
  let zone: EditableZone
  const signal = () => AbortSignal.timeout(20_000)
  const name = "www.example.test"
  const open = (more: object = {}) => azuredns.open(JSON.stringify({ ...account, ...more }), { baseUrl: standIn.url })
  const replace = (of: string, ...values: string[]) => provider.replaceSet(zone, { name: of, type: "A", ttlSeconds: 300, values }, signal())

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startAzureDns({ server, zones: ["example.test"], foreignZones: [], credential })
    provider = open()
    zone = (await provider.findZone(name, signal()))!
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("the name servers of a zone are told", () => {
    expect(zone).toEqual({ id: "example.test", name: "example.test", nameServers: ["ns1-01.azure-dns.com", "ns2-01.azure-dns.net"] })
  })

  test.each([{ tenant_id: "elsewhere.test" }, { client_id: "another" }, { subscription_id: "another" }, { resource_group: "another" }])(
    "with %p the credential is denied",
    async (more) => {
      expect(
        await open(more)
          .findZone(name, signal())
          .catch((error: unknown) => error),
      ).toMatchObject({ reason: "denied" })
    },
  )

  test("a token that was taken back is replaced by another", async () => {
    standIn.revokeTokens()
    expect((await provider.findZone(name, signal()))?.name).toBe("example.test")
  })

  test("where an alias of an Azure resource stands, nothing is read or written, and the message says why", async () => {
    standIn.aliases.set(`${name} A`, "/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/publicIPAddresses/z")
    const writes = standIn.writes()
    for (const work of [() => provider.readSet(zone, name, "A", signal()), () => replace(name, "192.0.2.1"), () => replace(name)]) {
      const fault = await work().catch((error: unknown) => error)
      expect(fault).toMatchObject({ reason: "refused", message: expect.stringContaining("alias of an Azure resource") })
    }
    expect(standIn.writes()).toBe(writes)
    standIn.aliases.clear()
  })

  test("the metadata of a set stays when its values change", async () => {
    await replace("noted.example.test", "192.0.2.1")
    standIn.metadata.set("noted.example.test A", { owner: "shop" })
    await replace("noted.example.test", "192.0.2.2")
    expect(standIn.metadata.get("noted.example.test A")).toEqual({ owner: "shop" })
    expect(await server.ask("noted.example.test", "A")).toEqual(["192.0.2.2"])
  })

  test("a set that somebody else changes meanwhile is not overwritten, and a repeat is worth it", async () => {
    const set = { name: "race.example.test", type: "A" as const, ttlSeconds: 300 }
    for (const [theirs, ours] of [
      ["192.0.2.7", ["192.0.2.1"]],
      ["192.0.2.8", ["192.0.2.2"]],
      ["192.0.2.9", []],
    ] as const) {
      standIn.meanwhile(() => server.change("example.test", () => [{ ...set, values: [theirs] }]))
      expect(await replace(set.name, ...ours).catch((error: unknown) => error)).toMatchObject({ reason: "unreachable" })
      expect(await server.ask(set.name, "A")).toEqual([theirs])
      await replace(set.name, ...ours)
      expect(await server.ask(set.name, "A")).toEqual([...ours])
    }
  })

  test("a text longer than one string is cut between characters", async () => {
    const text = "é".repeat(200)
    await provider.replaceSet(zone, { name, type: "TXT", ttlSeconds: 300, values: [text] }, signal())
    expect(await server.ask(name, "TXT")).toEqual([text])
  })
})
