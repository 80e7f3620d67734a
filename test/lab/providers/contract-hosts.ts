import { describe, expect, test } from "bun:test"
import { ProviderFault } from "../../../src/providers/provider"
import { RecordWriter } from "../../../src/providers/record-writer"
import { type ContractBench, setOf } from "./contract-bench"

/** The part of the contract that is about what RecordWriter makes of the adapter. */
export function hostTests(bench: ContractBench): void {
  const { signal, freshName, held, faultOf } = bench

  describe("a host", () => {
    test("is pointed at addresses, then at a name, then at addresses, and its other records stay", async () => {
      const writer = new RecordWriter(bench.provider)
      const name = freshName()
      await bench.server.change("example.test", () => [
        setOf(name, "A", "192.0.2.1"),
        setOf(name, "AAAA", "2001:db8::1"),
        setOf(`x.${name}`, "A", "192.0.2.9"),
      ])
      await writer.pointHost(bench.zone, [setOf(name, "CNAME", "ingress.test")], signal())
      const around = async () => [...(await held())].filter(([key]) => key.split(" ")[0]?.endsWith(name)).sort()
      expect(await around()).toEqual([
        [`${name} CNAME`, ["ingress.test"]],
        [`x.${name} A`, ["192.0.2.9"]],
      ])
      await writer.pointHost(bench.zone, [setOf(name, "CNAME", "ingress.test")], signal())
      await writer.pointHost(bench.zone, [setOf(name, "A", "192.0.2.7"), setOf(name, "AAAA", "2001:db8::7")], signal())
      expect(await around()).toEqual([
        [`${name} A`, ["192.0.2.7"]],
        [`${name} AAAA`, ["2001:db8::7"]],
        [`x.${name} A`, ["192.0.2.9"]],
      ])
      await writer.pointHost(bench.zone, [setOf(name, "AAAA", "2001:db8::7")], signal())
      expect(await around()).toEqual([
        [`${name} AAAA`, ["2001:db8::7"]],
        [`x.${name} A`, ["192.0.2.9"]],
      ])
    })

    test("keeps its addresses where a CNAME is not taken", async () => {
      const name = freshName()
      await bench.server.change("example.test", () => [setOf(name, "A", "192.0.2.1", "192.0.2.2"), setOf(name, "TXT", "forbids a CNAME")])
      const before = await held()
      const fault = await faultOf(new RecordWriter(bench.provider).pointHost(bench.zone, [setOf(name, "CNAME", "ingress.test")], signal()))
      expect(fault.reason).toBe("refused")
      expect(await held()).toEqual(before)
    })

    test("whose change fails at any of its calls has its old addresses again, or has the new ones", async () => {
      for (const kind of ["server_error", "cut"] as const) {
        for (let accepted = 0; ; accepted++) {
          if (accepted > 20) throw new Error("to point a host takes more than twenty calls")
          const name = freshName()
          await bench.server.change("example.test", () => [setOf(name, "A", "192.0.2.1", "192.0.2.2"), setOf(name, "AAAA", "2001:db8::1")])
          const before = await held()
          const after = new Map([...before, [`${name} CNAME`, ["ingress.test"]]])
          for (const type of ["A", "AAAA"]) after.delete(`${name} ${type}`)
          bench.standIn.fail(kind, { afterWrites: accepted })
          const pointed = new RecordWriter(bench.provider).pointHost(bench.zone, [setOf(name, "CNAME", "ingress.test")], signal())
          const error = await pointed.then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
          const wasMet = bench.standIn.heal()
          const now = await held()
          if (!wasMet) {
            expect(error).toBeUndefined()
            expect(now).toEqual(after)
            break
          }
          expect(error).toBeInstanceOf(ProviderFault)
          if (kind === "server_error") expect(now).toEqual(before)
          else expect([before, after]).toContainEqual(now)
        }
      }
    })

    test("gets a further value beside those of others, and loses only that one", async () => {
      const writer = new RecordWriter(bench.provider)
      const name = `_acme-challenge.${freshName()}`
      expect(await writer.addValue(bench.zone, setOf(name, "TXT", "theirs"), signal())).toBe(true)
      expect(await writer.addValue(bench.zone, setOf(name, "TXT", "ours"), signal())).toBe(true)
      expect(await writer.addValue(bench.zone, setOf(name, "TXT", "ours"), signal())).toBe(false)
      expect(await bench.server.ask(name, "TXT")).toEqual(["ours", "theirs"])
      expect(await writer.removeValue(bench.zone, setOf(name, "TXT", "ours"), signal())).toBe(true)
      expect(await writer.removeValue(bench.zone, setOf(name, "TXT", "ours"), signal())).toBe(false)
      expect(await bench.server.ask(name, "TXT")).toEqual(["theirs"])
      expect(await writer.removeValue(bench.zone, setOf(name, "TXT", "theirs"), signal())).toBe(true)
      expect(await bench.server.ask(name, "TXT")).toEqual([])
    })
  })
}
