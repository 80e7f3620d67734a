import { describe, expect, test } from "bun:test"
import { type ContractBench, setOf } from "./contract-bench"
import { recordCases } from "./record-cases"

/** The part of the contract that is about record sets. */
export function setTests(bench: ContractBench): void {
  const { signal, freshName, replace, read, held, faultOf } = bench
  const { unsupported = [], cannotHold = [], besides = [] } = bench.contract
  const left = new Set([...cannotHold, ...besides])
  const possible = recordCases.filter(({ what, type }) => !unsupported.includes(type) && !left.has(what))

  describe("a record set", () => {
    test.each(possible)("of $what is created, replaced and removed", async (item) => {
      const name = item.name ?? freshName()
      const { type } = item
      expect(await read(name, type)).toBeUndefined()
      for (const values of [item.first, item.first, item.second]) {
        await replace(setOf(name, type, ...values))
        expect(await bench.server.ask(name, type)).toEqual([...values].sort())
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
        const inZone = (await bench.server.sets("example.test")).find((set) => set.name === name)
        expect(inZone?.ttlSeconds).toBe(seconds)
        expect((await bench.provider.readSet(bench.zone, name, "A", signal()))?.ttlSeconds).toBe(seconds)
      }
    })

    test("with a TTL that is too short for the provider, or too long, is written nevertheless", async () => {
      for (const seconds of [1, 2_000_000_000]) {
        const name = freshName()
        await replace({ ...setOf(name, "A", "192.0.2.1"), ttlSeconds: seconds })
        expect(await bench.server.ask(name, "A")).toEqual(["192.0.2.1"])
      }
    })

    test("that is there already is not written again", async () => {
      const texts = possible.filter(({ type }) => type === "TXT").map(({ first }) => first[0] ?? "")
      const set = setOf(freshName(), "TXT", ...new Set(texts))
      await replace(set)
      const serial = await bench.server.serial("example.test")
      await replace({ ...set, values: [...set.values].reverse() })
      expect(await bench.server.serial("example.test")).toBe(serial)
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
      await bench.server.change("example.test", () => neighbours)
      const before = await held()
      await replace(setOf(name, "A", "192.0.2.1", "192.0.2.2"))
      await replace(setOf(name, "A", "192.0.2.3"))
      expect(await held()).toEqual(new Map([...before, [`${name} A`, ["192.0.2.3"]]]))
      await replace(setOf(name, "A"))
      expect(await held()).toEqual(before)
      await bench.server.change("example.test", () => [setOf("example.test", "TXT")])
    })

    test("is found among very many, and replaced there", async () => {
      const many = Array.from({ length: 260 }, (_, index) => setOf(`m${index}.many.example.test`, "A", "192.0.2.1"))
      await bench.server.change("example.test", () => many)
      for (const name of ["m0.many.example.test", "m259.many.example.test"]) {
        expect(await read(name, "A")).toEqual(["192.0.2.1"])
        await replace(setOf(name, "A", "192.0.2.2"))
        expect(await bench.server.ask(name, "A")).toEqual(["192.0.2.2"])
      }
      expect((await held()).size).toBeGreaterThan(260)
      await bench.server.change("example.test", () => many.map(({ name, type }) => setOf(name, type)))
    })

    test("with a CNAME beside other records is refused, and all stands", async () => {
      const name = freshName()
      await replace(setOf(name, "TXT", "here first"))
      const before = await held()
      expect((await faultOf(replace(setOf(name, "CNAME", "target.test")))).reason).toBe("refused")
      expect(await held()).toEqual(before)
    })
  })
}
