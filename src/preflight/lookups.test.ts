import { expect, test } from "bun:test"
import type { Lookup, RecordType } from "../dns/lookup"
import { couldNotAsk, Lookups } from "./lookups"

const found = (name: string, type: RecordType): Lookup => ({ name, type, zone: "test", via: "authoritative", answers: [] })

test("each question is asked once, and no more than allowed", async () => {
  const asked: string[] = []
  const dns = { lookup: async (name: string, type: RecordType) => (asked.push(`${type} ${name}`), found(name, type)) }
  const lookups = new Lookups(dns, { timeLimitMs: 5000, maxLookups: 2 })
  const all = await Promise.all([
    lookups.ask("a.test", "A"),
    lookups.ask("a.test", "A"),
    lookups.ask("a.test", "AAAA"),
    lookups.ask("b.test", "A"),
  ])
  lookups.close()
  expect(asked).toEqual(["A a.test", "AAAA a.test"])
  expect(all.map(couldNotAsk)).toEqual([false, false, false, true])
})

test("a DNS that never answers is given up, and what comes later too", async () => {
  const lookups = new Lookups({ lookup: () => new Promise(() => {}) }, { timeLimitMs: 20, maxLookups: 9 })
  const [first, second] = [await lookups.ask("a.test", "A"), await lookups.ask("b.test", "A")]
  lookups.close()
  expect([first.fault, second.fault]).toEqual(["out_of_time", "out_of_time"])
  expect(first.problem).toBe("DNS was asked for 0.02 seconds and had not answered by then.")
})
