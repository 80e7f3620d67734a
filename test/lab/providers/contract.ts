import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test"
import { AppError } from "../../../src/errors"
import {
  type DnsProvider,
  type EditableZone,
  type ProviderAdapter,
  ProviderFault,
  type RecordSet,
  type RecordSetType,
} from "../../../src/providers/provider"
import { RecordWriter } from "../../../src/providers/record-writer"
import { recordCases } from "./record-cases"
import { retryAfterSeconds, type StandIn } from "./stand-in"
import { startZoneServer, type ZoneServer, zoneServerObstacle } from "./zone-server"

/** What a stand-in is started with: the zones that `credential` may edit (`zones` of them are real only at `server`), and those of somebody else. */
export type StandInWorld = { server: ZoneServer; zones: string[]; foreignZones: string[]; credential: string }

export type Contract = {
  adapter: ProviderAdapter
  start(world: StandInWorld): Promise<StandIn>
  credential: string
  wrongCredential: string
  /** Whether a replacement is one change at the provider: then none is ever seen half done, and CNAMEs and addresses change places as one. */
  atomic?: boolean
  /** Texts that are parts of the credential and may be in no message; the whole is always among them. */
  secrets?: string[]
  /** Credentials that have not the form. */
  malformed?: string[]
  /** The provider's handle of `foreign.test`, where that is not its name. */
  foreignZoneId?: string
  /** Whether the provider's documentation says nothing of when to come back where it limits the rate. */
  namesNoWait?: boolean
  /** The cases, by `what`, that the provider holds only in part; which part, its own test says. */
  besides?: string[]
  /** Where the adapter is for name servers themselves: such a server with these zones, in place of the one behind a stand-in. */
  startServer?(zones: string[]): Promise<ZoneServer>
  /** Why that cannot run here. */
  obstacle?: string
  /** What stands behind the name of the provider in the tests. */
  label?: string
  /** A provider that limits no rates. */
  isUnlimited?: boolean
  /** Looking for a zone that is somebody else's is denied where it cannot be told from an unknown credential. */
  foreignIsDenied?: boolean
  /** Which of the record cases the provider cannot hold, by what they are; the contract then asks for a `refused`. */
  cannotHold?: string[]
  /** Types that the provider cannot hold at all; the contract then asks for a `refused`. */
  unsupported?: RecordSetType[]
}

const zones = ["example.test", "dev.example.test"]
const foreign = "foreign.test"
/** So many that no provider lists them on one page. */
const fillers = Array.from({ length: 230 }, (_, index) => `filler-${String(index).padStart(3, "0")}.test`)
const ttlSeconds = 3600

/**
 * Registers the tests that every adapter must pass, in front of its provider's stand-in, whose records are in a real Knot zone: after each step
 * Knot itself is asked what it holds.
 */
export function providerContract(contract: Contract): void {
  const { adapter, unsupported = [], cannotHold = [], besides = [] } = contract
  const left = new Set([...cannotHold, ...besides])
  const possible = recordCases.filter(({ what, type }) => !unsupported.includes(type) && !left.has(what))
  const obstacle = contract.obstacle ?? zoneServerObstacle()
  describe.skipIf(obstacle !== undefined)(
    `${adapter.name}${contract.label ?? ""} keeps the contract of a DNS provider${obstacle ? ` (skipped: ${obstacle})` : ""}`,
    () => {
      let server: ZoneServer
      let standIn: StandIn
      let provider: DnsProvider
      let zone: EditableZone
      let names = 0

      beforeAll(async () => {
        server = await (contract.startServer?.([...zones, fillers.at(-1) ?? "", foreign]) ?? startZoneServer([...zones, foreign]))
        const world = { server, zones: [...fillers, ...zones], foreignZones: [foreign], credential: contract.credential }
        standIn = await contract.start(world)
        provider = open(contract.credential)
        zone = await found("example.test")
      })
      afterEach(() => void standIn?.heal())
      afterAll(async () => {
        await standIn?.stop()
        await server?.stop()
      })

      const open = (credential: string) => adapter.open(credential, { baseUrl: standIn.url })
      const signal = () => AbortSignal.timeout(20_000)
      const found = async (hostname: string): Promise<EditableZone> => {
        const answer = await provider.findZone(hostname, signal())
        if (answer === undefined) throw new Error(`no zone was found for ${hostname}`)
        return answer
      }
      /** A name that no other test uses. */
      const freshName = () => `n${++names}.example.test`
      const setOf = (name: string, type: RecordSetType, ...values: string[]): RecordSet => ({ name, type, ttlSeconds, values })
      const replace = (set: RecordSet) => provider.replaceSet(zone, set, signal())
      const read = async (name: string, type: RecordSetType) => (await provider.readSet(zone, name, type, signal()))?.values.sort()
      /** What Knot holds, by zone transfer. */
      const held = async (of = "example.test") =>
        new Map((await server.sets(of)).map(({ name, type, values }) => [`${name} ${type}`, values.sort()]))
      const secrets = [contract.credential, ...(contract.secrets ?? [])]
      const faultOf = async (work: Promise<unknown>): Promise<ProviderFault> => {
        const error = await work.then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        if (!(error instanceof ProviderFault)) throw new Error(`expected a ProviderFault, got ${inWords(error)}`)
        for (const secret of secrets) expect(error.message).not.toContain(secret)
        expect(String(error.cause ?? "")).not.toContain(contract.credential)
        return error
      }

      describe("finding a zone", () => {
        test("the zone with the longest name around the hostname is found, however many there are", async () => {
          expect((await found("example.test")).name).toBe("example.test")
          expect((await found("www.example.test")).name).toBe("example.test")
          expect((await found("_acme-challenge.a.b.example.test")).name).toBe("example.test")
          expect((await found("dev.example.test")).name).toBe("dev.example.test")
          expect((await found("x.dev.example.test")).name).toBe("dev.example.test")
          expect((await found("notdev.example.test")).name).toBe("example.test")
          expect((await found(`www.${fillers.at(-1)}`)).name).toBe(fillers.at(-1) ?? "")
        })

        test("somebody else's zone and names without a zone are not found", async () => {
          for (const name of ["www.absent.test", "notexample.test"]) expect(await provider.findZone(name, signal())).toBeUndefined()
          const theirs = provider.findZone(`www.${foreign}`, signal())
          if (contract.foreignIsDenied) expect((await faultOf(theirs)).reason).toBe("denied")
          else expect(await theirs).toBeUndefined()
        })
      })

      describe("a record set", () => {
        test.each(possible)("of $what is created, replaced and removed", async (item) => {
          const name = item.name ?? freshName()
          const { type } = item
          expect(await read(name, type)).toBeUndefined()
          for (const values of [item.first, item.first, item.second]) {
            await replace(setOf(name, type, ...values))
            expect(await server.ask(name, type)).toEqual([...values].sort())
            expect(await read(name, type)).toEqual([...values].sort())
          }
          for (const _ of [1, 2]) {
            await replace(setOf(name, type))
            expect((await held()).get(`${name} ${type}`)).toBeUndefined()
            expect(await read(name, type)).toBeUndefined()
          }
        })

        test.each(cannotHold)("of %s, which the provider does not hold, is refused, and what was there stands", async (what) => {
          const item = recordCases.find((candidate) => candidate.what === what)
          if (item === undefined) throw new Error(`there is no case of ${what}`)
          const name = freshName()
          const before = await held()
          expect((await faultOf(replace(setOf(name, item.type, ...item.first)))).reason).toBe("refused")
          expect(await held()).toEqual(before)
        })

        test.each(unsupported)("of type %p, which the provider does not hold, is refused", async (type) => {
          const item = recordCases.find((candidate) => candidate.type === type)
          expect((await faultOf(replace(setOf(freshName(), type, ...(item?.first ?? []))))).reason).toBe("refused")
        })

        test("is written with its TTL, which reading shows, and which can be changed alone", async () => {
          const name = freshName()
          for (const seconds of [7200, 3600]) {
            await replace({ ...setOf(name, "A", "192.0.2.1", "192.0.2.2"), ttlSeconds: seconds })
            const inZone = (await server.sets("example.test")).find((set) => set.name === name)
            expect(inZone?.ttlSeconds).toBe(seconds)
            expect((await provider.readSet(zone, name, "A", signal()))?.ttlSeconds).toBe(seconds)
          }
        })

        test("with a TTL that is too short for the provider, or too long, is written nevertheless", async () => {
          for (const seconds of [1, 2_000_000_000]) {
            const name = freshName()
            await replace({ ...setOf(name, "A", "192.0.2.1"), ttlSeconds: seconds })
            expect(await server.ask(name, "A")).toEqual(["192.0.2.1"])
          }
        })

        test("that is there already is not written again", async () => {
          const texts = possible.filter(({ type }) => type === "TXT").map(({ first }) => first[0] ?? "")
          const set = setOf(freshName(), "TXT", ...new Set(texts))
          await replace(set)
          const serial = await server.serial("example.test")
          await replace({ ...set, values: [...set.values].reverse() })
          expect(await server.serial("example.test")).toBe(serial)
        })

        test("in another spelling is the same set", async () => {
          const name = freshName()
          await replace(setOf(name.toUpperCase(), "AAAA", "2001:DB8:0:0::1"))
          expect(await read(name, "AAAA")).toEqual(["2001:db8::1"])
          await replace(setOf(`${name}.`, "AAAA"))
          expect(await read(name, "AAAA")).toBeUndefined()
        })

        test("is changed without its neighbours", async () => {
          const name = freshName()
          const neighbours = [
            setOf(name, "TXT", "other type"),
            setOf(name, "MX", "10 mail.test"),
            setOf(`x${name}`, "A", "192.0.2.10"),
            setOf(`x.${name}`, "A", "192.0.2.11"),
            setOf(`*.${name}`, "A", "192.0.2.12"),
            setOf(`_acme-challenge.${name}`, "TXT", "token"),
            setOf("example.test", "TXT", "apex"),
          ].filter(({ type }) => !unsupported.includes(type))
          await server.change("example.test", () => neighbours)
          const before = await held()
          await replace(setOf(name, "A", "192.0.2.1", "192.0.2.2"))
          await replace(setOf(name, "A", "192.0.2.3"))
          expect(await held()).toEqual(new Map([...before, [`${name} A`, ["192.0.2.3"]]]))
          await replace(setOf(name, "A"))
          expect(await held()).toEqual(before)
          await server.change("example.test", () => [setOf("example.test", "TXT")])
        })

        test("is found among very many, and replaced there", async () => {
          const many = Array.from({ length: 260 }, (_, index) => setOf(`m${index}.many.example.test`, "A", "192.0.2.1"))
          await server.change("example.test", () => many)
          for (const name of ["m0.many.example.test", "m259.many.example.test"]) {
            expect(await read(name, "A")).toEqual(["192.0.2.1"])
            await replace(setOf(name, "A", "192.0.2.2"))
            expect(await server.ask(name, "A")).toEqual(["192.0.2.2"])
          }
          expect((await held()).size).toBeGreaterThan(260)
          await server.change("example.test", () => many.map(({ name, type }) => setOf(name, type)))
        })

        test("with a CNAME beside other records is refused, and all stands", async () => {
          const name = freshName()
          await replace(setOf(name, "TXT", "here first"))
          const before = await held()
          expect((await faultOf(replace(setOf(name, "CNAME", "target.test")))).reason).toBe("refused")
          expect(await held()).toEqual(before)
        })
      })

      describe("somebody else's zone", () => {
        test("a name outside the zone is refused, and nobody is asked", async () => {
          const calls = standIn.calls.length
          for (const name of [
            "www.foreign.test",
            "notexample.test",
            "test",
            "a/../b.example.test",
            "a b.example.test",
            "a?b.example.test",
            "a..example.test",
          ]) {
            expect((await faultOf(replace(setOf(name, "A", "192.0.2.1")))).reason).toBe("refused")
            expect((await faultOf(provider.readSet(zone, name, "A", signal()))).reason).toBe("refused")
          }
          expect(standIn.calls.length).toBe(calls)
        })

        test("a zone that the credential may not edit is not edited", async () => {
          const before = await held(foreign)
          const theirs = { id: contract.foreignZoneId ?? foreign, name: foreign }
          const fault = await faultOf(provider.replaceSet(theirs, setOf(`www.${foreign}`, "A", "192.0.2.1"), signal()))
          expect(["refused", "denied"]).toContain(fault.reason)
          expect(await held(foreign)).toEqual(before)
        })
      })

      describe("a credential", () => {
        test("that the provider does not know is denied at every door, and changes nothing", async () => {
          const stranger = open(contract.wrongCredential)
          const name = freshName()
          const before = await held()
          for (const work of [
            () => stranger.findZone("www.example.test", signal()),
            () => stranger.readSet(zone, name, "A", signal()),
            () => stranger.replaceSet(zone, setOf(name, "A", "192.0.2.1"), signal()),
          ]) {
            const fault = await faultOf(work())
            expect(fault.reason).toBe("denied")
            expect(fault.message).not.toContain(contract.wrongCredential)
          }
          expect(await held()).toEqual(before)
        })

        test("that was revoked since is denied", async () => {
          standIn.fail("denied")
          expect((await faultOf(replace(setOf(freshName(), "A", "192.0.2.1")))).reason).toBe("denied")
        })

        test("that has not the form is refused before anybody is asked, and is not quoted", () => {
          const calls = standIn.calls.length
          for (const credential of ["", "  ", "with\nline", ...(contract.malformed ?? [])]) {
            const error = thrownBy(() => open(credential))
            expect(error).toBeInstanceOf(AppError)
            expect((error as AppError).code).toBe("invalid")
            expect((error as AppError).message).toContain(adapter.credentialHint)
            if (credential.trim() !== "") expect((error as AppError).message).not.toContain(credential)
          }
          expect(standIn.calls.length).toBe(calls)
        })
      })

      describe("a provider in trouble", () => {
        const askForPatience = async () => {
          const name = freshName()
          standIn.fail("rate_limited")
          for (const work of [
            () => provider.findZone(name, signal()),
            () => provider.readSet(zone, name, "A", signal()),
            () => replace(setOf(name, "A", "192.0.2.1")),
          ]) {
            const fault = await faultOf(work())
            expect(fault.reason).toBe("rate_limited")
            if (contract.namesNoWait) continue
            // Given as a moment by some, so a little of it may have passed.
            expect(fault.retryAfterMs).toBeGreaterThan((retryAfterSeconds - 3) * 1000)
            expect(fault.retryAfterMs).toBeLessThanOrEqual((retryAfterSeconds + 1) * 1000)
          }
          standIn.heal()
          await replace(setOf(name, "A", "192.0.2.1"))
          expect(await server.ask(name, "A")).toEqual(["192.0.2.1"])
        }
        if (!contract.isUnlimited) test("that asks for patience is rate limited, and says for how long", askForPatience)

        test.each(["server_error", "broken"] as const)("with %p for every answer is unreachable, and nothing has changed", async (kind) => {
          const name = freshName()
          const before = await held()
          standIn.fail(kind)
          for (const work of [
            () => provider.findZone(name, signal()),
            () => provider.readSet(zone, name, "A", signal()),
            () => replace(setOf(name, "A", "192.0.2.1")),
          ]) {
            expect((await faultOf(work())).reason).toBe("unreachable")
          }
          expect(await held()).toEqual(before)
        })

        test("that never answers is given up when the signal says", async () => {
          standIn.fail("silent")
          expect((await faultOf(provider.findZone("example.test", AbortSignal.timeout(200)))).reason).toBe("unreachable")
          expect((await faultOf(provider.replaceSet(zone, setOf(freshName(), "A", "192.0.2.1"), AbortSignal.timeout(200)))).reason).toBe(
            "unreachable",
          )
        })

        const changes: { what: string; type: RecordSetType; from: string[]; to: string[] }[] = [
          { what: "more values", type: "A", from: ["192.0.2.1"], to: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] },
          { what: "other values", type: "A", from: ["192.0.2.1", "192.0.2.2"], to: ["192.0.2.3", "192.0.2.4"] },
          { what: "fewer values", type: "TXT", from: ["one", "two", "three"], to: ["two"] },
          { what: "another CNAME", type: "CNAME", from: ["old.test"], to: ["new.test"] },
          { what: "nothing", type: "A", from: ["192.0.2.1", "192.0.2.2"], to: [] },
        ]
        test.each(changes)("that fails at any of the calls for $what is repaired by a repeat", async ({ type, from, to }) => {
          for (const kind of ["server_error", "cut"] as const) {
            for (let accepted = 0; ; accepted++) {
              if (accepted > 20) throw new Error("a replacement takes more than twenty calls")
              const name = freshName()
              const neighbours = [setOf(`x.${name}`, "A", "192.0.2.9"), ...(type === "CNAME" ? [] : [setOf(name, "MX", "10 mail.test")])]
              await server.change("example.test", () => [
                setOf(name, type, ...from),
                ...neighbours.filter((set) => !unsupported.includes(set.type)),
              ])
              const before = await held()
              standIn.fail(kind, { afterWrites: accepted })
              const outcome = await replace(setOf(name, type, ...to)).then(
                () => undefined,
                (error: unknown) => error,
              )
              const wasMet = standIn.heal()
              const after = await held()
              if (wasMet) {
                expect(outcome).toBeInstanceOf(ProviderFault)
                expect((outcome as ProviderFault).reason).toBe("unreachable")
                const values = after.get(`${name} ${type}`) ?? []
                // Whatever is there is old or new, never something else; and where the provider changes sets as one, it is all old or all new.
                for (const value of values) expect([...from, ...to]).toContain(value)
                if (contract.atomic) expect([[...from].sort(), [...to].sort()]).toContainEqual(values)
              } else {
                expect(outcome).toBeUndefined()
              }
              await replace(setOf(name, type, ...to))
              const wanted = new Map(before)
              if (to.length > 0) wanted.set(`${name} ${type}`, [...to].sort())
              else wanted.delete(`${name} ${type}`)
              expect(await held()).toEqual(wanted)
              if (!wasMet) break
              if (contract.atomic) expect(accepted).toBe(0)
            }
          }
        })
      })

      describe("a host", () => {
        test("is pointed at addresses, then at a name, then at addresses, and its other records stay", async () => {
          const writer = new RecordWriter(provider)
          const name = freshName()
          await server.change("example.test", () => [
            setOf(name, "A", "192.0.2.1"),
            setOf(name, "AAAA", "2001:db8::1"),
            setOf(`x.${name}`, "A", "192.0.2.9"),
          ])
          await writer.pointHost(zone, [setOf(name, "CNAME", "ingress.test")], signal())
          const around = async () => [...(await held())].filter(([key]) => key.split(" ")[0]?.endsWith(name)).sort()
          expect(await around()).toEqual([
            [`${name} CNAME`, ["ingress.test"]],
            [`x.${name} A`, ["192.0.2.9"]],
          ])
          await writer.pointHost(zone, [setOf(name, "CNAME", "ingress.test")], signal())
          await writer.pointHost(zone, [setOf(name, "A", "192.0.2.7"), setOf(name, "AAAA", "2001:db8::7")], signal())
          expect(await around()).toEqual([
            [`${name} A`, ["192.0.2.7"]],
            [`${name} AAAA`, ["2001:db8::7"]],
            [`x.${name} A`, ["192.0.2.9"]],
          ])
          await writer.pointHost(zone, [setOf(name, "AAAA", "2001:db8::7")], signal())
          expect(await around()).toEqual([
            [`${name} AAAA`, ["2001:db8::7"]],
            [`x.${name} A`, ["192.0.2.9"]],
          ])
        })

        test("keeps its addresses where a CNAME is not taken", async () => {
          const name = freshName()
          await server.change("example.test", () => [setOf(name, "A", "192.0.2.1", "192.0.2.2"), setOf(name, "TXT", "forbids a CNAME")])
          const before = await held()
          const fault = await faultOf(new RecordWriter(provider).pointHost(zone, [setOf(name, "CNAME", "ingress.test")], signal()))
          expect(fault.reason).toBe("refused")
          expect(await held()).toEqual(before)
        })

        test("gets a further value beside those of others, and loses only that one", async () => {
          const writer = new RecordWriter(provider)
          const name = `_acme-challenge.${freshName()}`
          expect(await writer.addValue(zone, setOf(name, "TXT", "theirs"), signal())).toBe(true)
          expect(await writer.addValue(zone, setOf(name, "TXT", "ours"), signal())).toBe(true)
          expect(await writer.addValue(zone, setOf(name, "TXT", "ours"), signal())).toBe(false)
          expect(await server.ask(name, "TXT")).toEqual(["ours", "theirs"])
          expect(await writer.removeValue(zone, setOf(name, "TXT", "ours"), signal())).toBe(true)
          expect(await writer.removeValue(zone, setOf(name, "TXT", "ours"), signal())).toBe(false)
          expect(await server.ask(name, "TXT")).toEqual(["theirs"])
          expect(await writer.removeValue(zone, setOf(name, "TXT", "theirs"), signal())).toBe(true)
          expect(await server.ask(name, "TXT")).toEqual([])
        })
      })
    },
  )
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

const inWords = (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))
