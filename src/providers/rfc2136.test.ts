import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { findProgram } from "../../test/lab/dns"
import { providerContract } from "../../test/lab/providers/contract"
import { startDnsProxy } from "../../test/lab/providers/dns-proxy"
import { type Key, startKeyedBind, startKeyedKnot } from "../../test/lab/providers/keyed-servers"
import { type ZoneServer, zoneServerObstacle } from "../../test/lab/providers/zone-server"
import { AppError } from "../errors"
import { type DnsProvider, ProviderFault, type RecordSet } from "./provider"
import { RecordWriter } from "./record-writer"
import { openUpdates, rfc2136 } from "./rfc2136"

const base64 = (text: string) => Buffer.from(text).toString("base64")
const key: Key = { name: "account.test", algorithm: "hmac-sha256", secret: base64("thirty-two octets of pure secrecy") }
const longKeys: Key[] = [
  { name: "longer.test", algorithm: "hmac-sha384", secret: base64("s".repeat(48)) },
  { name: "longest.test", algorithm: "hmac-sha512", secret: base64("t".repeat(64)) },
]
const credentialOf = ({ name, algorithm, secret }: Key, server = "192.0.2.53", zone = "") =>
  [server, name, algorithm, secret, ...(zone ? [zone] : [])].join(";")

const peers = [
  { label: " at Knot", start: startKeyedKnot, obstacle: zoneServerObstacle(), foreignIsDenied: true },
  {
    label: " at BIND",
    start: startKeyedBind,
    obstacle: zoneServerObstacle() ?? (findProgram("named") === undefined ? "named is not installed" : undefined),
    foreignIsDenied: false,
  },
]

for (const { label, start, obstacle, foreignIsDenied } of peers) {
  providerContract({
    adapter: rfc2136,
    label,
    obstacle,
    foreignIsDenied,
    startServer: (zones) => start({ zones, keys: [key], updatable: zones.filter((zone) => zone !== "foreign.test") }),
    start: ({ server }) => startDnsProxy(server),
    credential: credentialOf(key),
    wrongCredential: credentialOf({ ...key, secret: base64("another secret of the same form") }),
    secrets: [key.secret],
    malformed: [
      "192.0.2.53",
      `192.0.2.53;account.test;hmac-md5;${key.secret}`,
      `192.0.2.53;account.test;hmac-sha256;not base64`,
      `192.0.2.53;;hmac-sha256;${key.secret}`,
      `;account.test;hmac-sha256;${key.secret}`,
      `192.0.2.53:0;account.test;hmac-sha256;${key.secret}`,
      `192.0.2.53;account.test;hmac-sha256;${key.secret};`,
      `192.0.2.53;account.test;hmac-sha256;${key.secret};example.test;more`,
    ],
    atomic: true,
    isUnlimited: true,
  })

  describe.skipIf(obstacle !== undefined)(`dynamic updates${label}${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
    let server: ZoneServer
    let at: string
    let provider: DnsProvider
    const zone = { id: "example.test", name: "example.test" }

    beforeAll(async () => {
      server = await start({ zones: ["example.test", "sub.example.test"], keys: [key, ...longKeys], updatable: ["example.test"] })
      at = `127.0.0.1:${server.port}`
      provider = openUpdates(credentialOf(key, at))
    })
    afterAll(() => server?.stop())

    const signal = () => AbortSignal.timeout(20_000)
    const setOf = (name: string, type: RecordSet["type"], ...values: string[]): RecordSet => ({ name, type, ttlSeconds: 60, values })
    const faultOf = async (work: Promise<unknown>): Promise<ProviderFault> => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof ProviderFault)) throw new Error(`expected a ProviderFault, got ${String(error)}`)
      return error
    }

    test.each(longKeys)("a key of $algorithm is accepted", async (other) => {
      const name = `${other.algorithm}.example.test`
      await openUpdates(credentialOf(other, at)).replaceSet(zone, setOf(name, "A", "192.0.2.1"), signal())
      expect(await server.ask(name, "A")).toEqual(["192.0.2.1"])
    })

    test.each([
      [3_600_000, "3600 seconds behind ours"],
      [-3_600_000, "3600 seconds ahead of ours"],
    ])("a clock that is off by %p ms is told as what it is", async (offMs, words) => {
      const late = openUpdates(credentialOf(key, at), { now: () => Date.now() + offMs })
      for (const work of [
        late.readSet(zone, "clock.example.test", "A", signal()),
        late.replaceSet(zone, setOf("clock.example.test", "A", "192.0.2.1"), signal()),
      ]) {
        const fault = await faultOf(work)
        expect(fault.reason).toBe("unreachable")
        expect(fault.message).toContain(words)
      }
    })

    test("an unknown key and a wrong secret are told apart", async () => {
      const unknown = openUpdates(credentialOf({ ...key, name: "unknown.test" }, at))
      expect((await faultOf(unknown.readSet(zone, "x.example.test", "A", signal()))).message).toContain("has no key unknown.test")
      const wrong = openUpdates(credentialOf({ ...key, secret: base64("wrong") }, at))
      expect((await faultOf(wrong.readSet(zone, "x.example.test", "A", signal()))).message).toContain(
        "another secret for the key account.test",
      )
    })

    test("a credential with a zone finds that zone alone", async () => {
      const bound = openUpdates(credentialOf(key, at, "Example.test."))
      expect((await bound.findZone("www.example.test", signal()))?.nameServers).toEqual(["ns.example.test"])
      expect(await bound.findZone("www.other.test", signal())).toBeUndefined()
      expect(await openUpdates(credentialOf(key, at, "sub.example.test")).findZone("www.example.test", signal())).toBeUndefined()
    })

    test("values that several add at the same time are all kept", async () => {
      const name = "_acme-challenge.crowd.example.test"
      const values = ["a", "b", "c", "d", "e"]
      await Promise.all(
        values.map((value) => new RecordWriter(openUpdates(credentialOf(key, at))).addValue(zone, setOf(name, "TXT", value), signal())),
      )
      expect(await server.ask(name, "TXT")).toEqual(values)
      await Promise.all(values.slice(1).map((value) => new RecordWriter(provider).removeValue(zone, setOf(name, "TXT", value), signal())))
      expect(await server.ask(name, "TXT")).toEqual(["a"])
    })

    test("what a wildcard answers is not taken for a record of the name", async () => {
      await server.change("example.test", () => [setOf("*.wide.example.test", "A", "192.0.2.9")])
      expect(await server.ask("x.wide.example.test", "A")).toEqual(["192.0.2.9"])
      expect(await provider.readSet(zone, "x.wide.example.test", "A", signal())).toBeUndefined()
      await new RecordWriter(provider).addValue(zone, setOf("x.wide.example.test", "A", "192.0.2.1"), signal())
      expect(await server.ask("x.wide.example.test", "A")).toEqual(["192.0.2.1"])
      expect(await provider.readSet(zone, "*.wide.example.test", "A", signal())).toMatchObject({ values: ["192.0.2.9"] })
    })

    test("a CNAME at the apex is refused, and all stands", async () => {
      const before = await server.sets("example.test")
      expect((await faultOf(provider.replaceSet(zone, setOf("example.test", "CNAME", "target.test"), signal()))).reason).toBe("refused")
      expect(await server.sets("example.test")).toEqual(before)
    })

    test("an address beside a CNAME is refused, which a server would pass over in silence", async () => {
      await server.change("example.test", () => [setOf("alias.example.test", "CNAME", "target.test")])
      expect((await faultOf(provider.replaceSet(zone, setOf("alias.example.test", "A", "192.0.2.1"), signal()))).reason).toBe("refused")
      expect(await server.ask("alias.example.test", "CNAME")).toEqual(["target.test"])
    })

    test("a text that others wrote in pieces of their own, and with octets of no alphabet, can be replaced", async () => {
      const name = "pieces.example.test"
      await server.raw("example.test", `update add ${name}. 60 TXT "one" "two" "\\255\\000"`)
      expect((await provider.readSet(zone, name, "TXT", signal()))?.values[0]).toStartWith("onetwo")
      await provider.replaceSet(zone, setOf(name, "TXT", "whole"), signal())
      expect(await server.ask(name, "TXT")).toEqual(["whole"])
    })

    test("a value that is none of its type is refused before it is sent", async () => {
      expect((await faultOf(provider.replaceSet(zone, setOf("bad.example.test", "A", "not an address"), signal()))).reason).toBe("refused")
      expect((await faultOf(provider.replaceSet(zone, setOf("bad.example.test", "MX", "mail.test"), signal()))).reason).toBe("refused")
    })
  })
}

const bindObstacle = peers[1]?.obstacle
describe.skipIf(bindObstacle !== undefined)(`a BIND that answers only to keys${bindObstacle ? ` (skipped: ${bindObstacle})` : ""}`, () => {
  test("is asked with the key", async () => {
    const server = await startKeyedBind({ zones: ["example.test"], keys: [key], updatable: ["example.test"], isPrivate: true })
    try {
      const provider = openUpdates(credentialOf(key, `127.0.0.1:${server.port}`))
      const zone = await provider.findZone("www.example.test", AbortSignal.timeout(10_000))
      if (zone === undefined) throw new Error("no zone was found")
      const set: RecordSet = { name: "www.example.test", type: "A", ttlSeconds: 60, values: ["192.0.2.1"] }
      await provider.replaceSet(zone, set, AbortSignal.timeout(10_000))
      expect(await provider.readSet(zone, set.name, "A", AbortSignal.timeout(10_000))).toEqual(set)
    } finally {
      await server.stop()
    }
  })
})

test.each(["ns1.example.test", "ns1.example.test:5353", "192.0.2.53:53", "2001:db8::53", "[2001:db8::53]", "[2001:db8::53]:5353"])(
  "a server may be given as %p",
  (server) => {
    expect(() => openUpdates(credentialOf(key, server))).not.toThrow()
  },
)

test.each(["", "[2001:db8::53", "2001:db8::53:65536x", "ns1.example.test:65536", "ns1/example", "a b"])(
  "a server may not be given as %p",
  (server) => {
    expect(() => openUpdates(credentialOf(key, server))).toThrow(AppError)
  },
)
