import { describe, expect, test } from "bun:test"
import { type ContractBench, fillerZones, foreignZone, setOf } from "./contract-bench"

/** The part of the contract that is about zones: they are found, and others are left alone. */
export function zoneTests(bench: ContractBench): void {
  const { contract, signal, found, replace, held, faultOf } = bench

  describe("finding a zone", () => {
    test("the zone with the longest name around the hostname is found, however many there are", async () => {
      expect((await found("example.test")).name).toBe("example.test")
      expect((await found("www.example.test")).name).toBe("example.test")
      expect((await found("_acme-challenge.a.b.example.test")).name).toBe("example.test")
      expect((await found("dev.example.test")).name).toBe("dev.example.test")
      expect((await found("x.dev.example.test")).name).toBe("dev.example.test")
      expect((await found("notdev.example.test")).name).toBe("example.test")
      expect((await found(`www.${fillerZones.at(-1)}`)).name).toBe(fillerZones.at(-1) ?? "")
    })

    test("somebody else's zone and names without a zone are not found", async () => {
      for (const name of ["www.absent.test", "notexample.test"]) expect(await bench.provider.findZone(name, signal())).toBeUndefined()
      const theirs = bench.provider.findZone(`www.${foreignZone}`, signal())
      if (contract.foreignIsDenied) expect((await faultOf(theirs)).reason).toBe("denied")
      else expect(await theirs).toBeUndefined()
    })
  })

  describe("somebody else's zone", () => {
    test("a name outside the zone is refused, and nobody is asked", async () => {
      const calls = bench.standIn.calls.length
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
        expect((await faultOf(bench.provider.readSet(bench.zone, name, "A", signal()))).reason).toBe("refused")
      }
      expect(bench.standIn.calls.length).toBe(calls)
    })

    test("a zone that the credential may not edit is not edited", async () => {
      const before = await held(foreignZone)
      const theirs = { id: contract.foreignZoneId ?? foreignZone, name: foreignZone }
      const fault = await faultOf(bench.provider.replaceSet(theirs, setOf(`www.${foreignZone}`, "A", "192.0.2.1"), signal()))
      expect(["refused", "denied"]).toContain(fault.reason)
      expect(await held(foreignZone)).toEqual(before)
    })
  })
}
