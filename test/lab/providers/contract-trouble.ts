import { describe, expect, test } from "bun:test"
import { AppError } from "../../../src/errors"
import { ProviderFault, type RecordSetType } from "../../../src/providers/provider"
import { type ContractBench, setOf } from "./contract-bench"
import { retryAfterSeconds } from "./stand-in"

/** The part of the contract that is about credentials that are not accepted and providers that fail. */
export function troubleTests(bench: ContractBench): void {
  const { contract, open, signal, freshName, replace, held, faultOf } = bench
  const { adapter, unsupported = [] } = contract

  describe("a credential", () => {
    test("that the provider does not know is denied at every door, and changes nothing", async () => {
      const stranger = open(contract.wrongCredential)
      const name = freshName()
      const before = await held()
      for (const work of [
        () => stranger.findZone("www.example.test", signal()),
        () => stranger.readSet(bench.zone, name, "A", signal()),
        () => stranger.replaceSet(bench.zone, setOf(name, "A", "192.0.2.1"), signal()),
      ]) {
        const fault = await faultOf(work())
        expect(fault.reason).toBe("denied")
        expect(fault.message).not.toContain(contract.wrongCredential)
      }
      expect(await held()).toEqual(before)
    })

    test("that was revoked since is denied", async () => {
      bench.standIn.fail("denied")
      expect((await faultOf(replace(setOf(freshName(), "A", "192.0.2.1")))).reason).toBe("denied")
    })

    test("that has not the form is refused before anybody is asked, and is not quoted", () => {
      const calls = bench.standIn.calls.length
      for (const credential of ["", "  ", "with\nline", ...(contract.malformed ?? [])]) {
        const error = thrownBy(() => open(credential))
        expect(error).toBeInstanceOf(AppError)
        expect((error as AppError).code).toBe("invalid")
        expect((error as AppError).message).toContain(adapter.credentialHint)
        if (credential.trim() !== "") expect((error as AppError).message).not.toContain(credential)
      }
      expect(bench.standIn.calls.length).toBe(calls)
    })
  })

  describe("a provider in trouble", () => {
    const askForPatience = async () => {
      const name = freshName()
      bench.standIn.fail("rate_limited")
      for (const work of [
        () => bench.provider.findZone(name, signal()),
        () => bench.provider.readSet(bench.zone, name, "A", signal()),
        () => replace(setOf(name, "A", "192.0.2.1")),
      ]) {
        const fault = await faultOf(work())
        expect(fault.reason).toBe("rate_limited")
        if (contract.namesNoWait) continue
        // Given as a moment by some, so a little of it may have passed.
        expect(fault.retryAfterMs).toBeGreaterThan((retryAfterSeconds - 3) * 1000)
        expect(fault.retryAfterMs).toBeLessThanOrEqual((retryAfterSeconds + 1) * 1000)
      }
      bench.standIn.heal()
      await replace(setOf(name, "A", "192.0.2.1"))
      expect(await bench.server.ask(name, "A")).toEqual(["192.0.2.1"])
    }
    if (!contract.isUnlimited) test("that asks for patience is rate limited, and says for how long", askForPatience)

    test.each(["server_error", "broken"] as const)("with %p for every answer is unreachable, and nothing has changed", async (kind) => {
      const name = freshName()
      const before = await held()
      bench.standIn.fail(kind)
      for (const work of [
        () => bench.provider.findZone(name, signal()),
        () => bench.provider.readSet(bench.zone, name, "A", signal()),
        () => replace(setOf(name, "A", "192.0.2.1")),
      ]) {
        expect((await faultOf(work())).reason).toBe("unreachable")
      }
      expect(await held()).toEqual(before)
    })

    test("that never answers is given up when the signal says", async () => {
      bench.standIn.fail("silent")
      expect((await faultOf(bench.provider.findZone("example.test", AbortSignal.timeout(200)))).reason).toBe("unreachable")
      expect(
        (await faultOf(bench.provider.replaceSet(bench.zone, setOf(freshName(), "A", "192.0.2.1"), AbortSignal.timeout(200)))).reason,
      ).toBe("unreachable")
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
          await bench.server.change("example.test", () => [
            setOf(name, type, ...from),
            ...neighbours.filter((set) => !unsupported.includes(set.type)),
          ])
          const before = await held()
          bench.standIn.fail(kind, { afterWrites: accepted })
          const outcome = await replace(setOf(name, type, ...to)).then(
            () => undefined,
            (error: unknown) => error,
          )
          const wasMet = bench.standIn.heal()
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
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
