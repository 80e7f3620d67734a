import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type GodaddyStandIn, startGodaddy } from "../../test/lab/providers/godaddy"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { godaddy } from "./godaddy"
import type { DnsProvider } from "./provider"

const credential = "e4X9_QzK81mVb:7tNcLp2RyWsD5hJ"

providerContract({
  adapter: godaddy,
  start: startGodaddy,
  credential,
  wrongCredential: "e4X9_QzK81mVb:somebody_elses",
  secrets: credential.split(":"),
  malformed: ["e4X9", "e4X9:", ":7tNc"],
  atomic: true,
  unsupported: ["CAA"],
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only GoDaddy has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: GodaddyStandIn
  let provider: DnsProvider
  const zone = { id: "example.test", name: "example.test" }
  const signal = () => AbortSignal.timeout(20_000)
  const fillers = Array.from({ length: 2000 }, (_, index) => `a-${index}.test`)
  const replaceSrv = (name: string, ...values: string[]) =>
    provider.replaceSet(zone, { name, type: "SRV", ttlSeconds: 3600, values }, signal())

  beforeAll(async () => {
    server = await startZoneServer(["example.test"])
    standIn = await startGodaddy({ server, zones: [...fillers, "example.test"], foreignZones: [], credential })
    provider = godaddy.open(credential, { baseUrl: standIn.url })
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a domain on the third page is found", async () => {
    expect(await provider.findZone("www.example.test", signal())).toMatchObject({ name: "example.test" })
  })

  test.each(["example.test", "host.example.test"])("services at %p are changed and removed without each other", async (host) => {
    await replaceSrv(`_sip._tcp.${host}`, "10 5 5060 sip.voice.test")
    await replaceSrv(`_sip._udp.${host}`, "20 5 5060 sip.voice.test")
    await replaceSrv(`_sip._tcp.${host}`, "10 5 5061 sip.voice.test", "11 5 5062 sip.voice.test")
    expect(await server.ask(`_sip._udp.${host}`, "SRV")).toEqual(["20 5 5060 sip.voice.test"])
    expect((await provider.readSet(zone, `_sip._udp.${host}`, "SRV", signal()))?.values).toEqual(["20 5 5060 sip.voice.test"])
    await replaceSrv(`_sip._udp.${host}`)
    expect(await server.ask(`_sip._tcp.${host}`, "SRV")).toEqual(["10 5 5061 sip.voice.test", "11 5 5062 sip.voice.test"])
    await replaceSrv(`_sip._tcp.${host}`)
    expect(await provider.readSet(zone, `_sip._tcp.${host}`, "SRV", signal())).toBeUndefined()
    expect(await server.ask(`_sip._tcp.${host}`, "SRV")).toEqual([])
  })

  test("an SRV at a name without service and protocol is refused, and there is none", async () => {
    const fault = await replaceSrv("plain.example.test", "10 5 5060 sip.voice.test").catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "refused" })
    expect(await provider.readSet(zone, "plain.example.test", "SRV", signal())).toBeUndefined()
  })

  test("an account that is too small for the API is denied, in GoDaddy's words", async () => {
    standIn.closeTo(true)
    const fault = await provider.findZone("www.example.test", signal()).catch((error: unknown) => error)
    expect(fault).toMatchObject({ reason: "denied", message: expect.stringContaining("not allowed access") })
    standIn.closeTo(false)
  })
})
