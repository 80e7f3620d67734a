import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { providerContract } from "../../test/lab/providers/contract"
import { type NamecheapStandIn, startNamecheap } from "../../test/lab/providers/namecheap"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { namecheap } from "./namecheap"
import type { DnsProvider, RecordSetType } from "./provider"

const credential = "alice:56b4c87ef4fd49cb96d915c0db681947:192.0.2.10"

providerContract({
  adapter: namecheap,
  start: startNamecheap,
  credential,
  wrongCredential: "alice:0000c87ef4fd49cb96d915c0db680000:192.0.2.10",
  secrets: ["56b4c87ef4fd49cb96d915c0db681947"],
  malformed: ["alice:56b4", "alice:56b4:", "alice:56b4:not-an-address", "alice:56b4:192.0.2.10:more"],
  atomic: true,
  namesNoWait: true,
  unsupported: ["SRV"],
  cannotHold: ["a text with quotes and semicolons", "a text with backslashes before quotes", "a text of more than 512 octets with quotes"],
})

const obstacle = zoneServerObstacle()

describe.skipIf(obstacle !== undefined)(`what only Namecheap has${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let server: ZoneServer
  let standIn: NamecheapStandIn
  let provider: DnsProvider
  const name = "example.co.test"
  const zone = { id: name, name }
  const signal = () => AbortSignal.timeout(20_000)
  const replace = (relative: string, type: RecordSetType, ...values: string[]) =>
    provider.replaceSet(zone, { name: relative === "@" ? name : `${relative}.${name}`, type, ttlSeconds: 3600, values }, signal())
  const faultOf = (work: Promise<unknown>) => work.catch((error: unknown) => error)

  beforeAll(async () => {
    server = await startZoneServer([name])
    standIn = await startNamecheap({ server, zones: [name], foreignZones: [], credential })
    provider = namecheap.open(credential, { baseUrl: standIn.url })
  })
  afterEach(() => {
    standIn.special.clear()
    standIn.emailTypes.clear()
    standIn.servedElsewhere.clear()
    standIn.heal()
  })
  afterAll(async () => {
    await standIn?.stop()
    await server?.stop()
  })

  test("a domain below a suffix of two labels is parted at its first dot", async () => {
    expect(await provider.findZone(`www.${name}`, signal())).toMatchObject(zone)
    await replace("www", "A", "192.0.2.1")
    const form = new URLSearchParams(standIn.calls.at(-1)?.body)
    expect([form.get("SLD"), form.get("TLD")]).toEqual(["example", "co.test"])
    await replace("www", "A")
  })

  test("the key is in no address", () => {
    expect(standIn.calls.every(({ method, query }) => method === "POST" && [...query].length === 0)).toBe(true)
  })

  test("hosts that are no records, and the kind of mail, stay as they are", async () => {
    const hosts = [
      { name: "@", type: "URL301", address: "https://www.example.test/?a=1&b=<2>", mxPreference: "10", ttl: "1799" },
      { name: "mail", type: "MXE", address: "192.0.2.25", mxPreference: "10", ttl: "300" },
      { name: "alias", type: "ALIAS", address: "other.test.", mxPreference: "10", ttl: "300" },
    ]
    standIn.special.set(name, [...hosts])
    standIn.emailTypes.set(name, "FWD")
    await replace("www", "A", "192.0.2.1")
    await replace("www", "A")
    expect(standIn.special.get(name)).toEqual(hosts)
    expect(standIn.emailTypes.get(name)).toBe("FWD")
  })

  test("the first MX makes the mail the domain's own, and it is none when the last has gone", async () => {
    await replace("sub", "MX", "10 mx.mail.test")
    expect(standIn.emailTypes.get(name)).toBe("MX")
    await replace("@", "MX", "20 mx.mail.test")
    await replace("sub", "MX")
    expect(standIn.emailTypes.get(name)).toBe("MX")
    await replace("@", "MX")
    expect(standIn.emailTypes.get(name)).toBe("NONE")
  })

  test.each(["FWD", "OX", "MXE"])("an MX is refused where the mail is of the kind %p, and nothing changes", async (kind) => {
    standIn.emailTypes.set(name, kind)
    const writes = standIn.writes()
    const fault = await faultOf(replace("@", "MX", "10 mx.mail.test"))
    expect(fault).toMatchObject({ reason: "refused", message: expect.stringContaining(`mail of the kind ${kind}`) })
    expect(standIn.writes()).toBe(writes)
  })

  test("a text with double quotes is refused, and one with backslashes is written", async () => {
    expect(await faultOf(replace("quoted", "TXT", 'say "hi"'))).toMatchObject({ reason: "refused" })
    await replace("slash", "TXT", "back\\slash; <&>' end ")
    expect(await server.ask(`slash.${name}`, "TXT")).toEqual(["back\\slash; <&>' end "])
    expect((await provider.readSet(zone, `slash.${name}`, "TXT", signal()))?.values).toEqual(["back\\slash; <&>' end "])
  })

  test("a value that Namecheap does not take is refused, in its words", async () => {
    expect(await faultOf(replace("bad", "A", "192.0.2.999"))).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("INVALID_ADDRESS"),
    })
  })

  test("what is there already is not written again", async () => {
    await replace("same", "A", "192.0.2.1", "192.0.2.2")
    const writes = standIn.writes()
    await replace("same", "A", "192.0.2.2", "192.0.2.1")
    expect(standIn.writes()).toBe(writes)
  })

  test("several sets are one change", async () => {
    const writes = standIn.writes()
    const set = (type: RecordSetType, ...values: string[]) => ({ name: `many.${name}`, type, ttlSeconds: 300, values })
    await provider.replaceSets?.(zone, [set("A", "192.0.2.1"), set("AAAA", "2001:db8::1")], signal())
    await provider.replaceSets?.(zone, [set("A"), set("AAAA"), set("CNAME", "target.test")], signal())
    expect(standIn.writes()).toBe(writes + 2)
    expect(await server.ask(`many.${name}`, "CNAME")).toEqual(["target.test"])
  })

  test("a domain with others' name servers is not found, and refuses changes", async () => {
    standIn.servedElsewhere.add(name)
    expect(await provider.findZone(`www.${name}`, signal())).toBeUndefined()
    expect(await faultOf(replace("www", "A", "192.0.2.1"))).toMatchObject({ reason: "refused" })
  })

  test("another address than the one on the whitelist is denied, in Namecheap's words", async () => {
    const elsewhere = namecheap.open(credential.replace("192.0.2.10", "192.0.2.11"), { baseUrl: standIn.url })
    expect(await faultOf(elsewhere.findZone(name, signal()))).toMatchObject({
      reason: "denied",
      message: expect.stringContaining("Invalid request IP"),
    })
  })

  test("too many calls are rate limited when they are told in a document, too", async () => {
    standIn.answerTooMany("document")
    standIn.fail("rate_limited")
    expect(await faultOf(provider.findZone(name, signal()))).toMatchObject({ reason: "rate_limited" })
  })
})
