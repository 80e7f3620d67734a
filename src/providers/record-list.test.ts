import { expect, test } from "bun:test"
import { ProviderFault, type RecordSetType } from "./provider"
import { replaceRecords, type RecordEditor, type StoredRecord } from "./record-list"

/** Records in a list, as a provider without record sets keeps them; `failAt` is the number of the call that is not carried out. */
class RecordList {
  records: StoredRecord[] = []
  calls: string[] = []
  failAt: number | undefined
  refused: string | undefined
  private made = 0

  constructor(values: string[], ttlSeconds = 60) {
    for (const value of values) this.records.push({ id: `r${++this.made}`, value, ttlSeconds })
  }

  values = () => this.records.map(({ value }) => value).sort()

  editor(canChange: boolean): RecordEditor {
    const count = (call: string) => {
      this.calls.push(call)
      if (this.calls.length - 1 === this.failAt) throw new ProviderFault("unreachable", "it broke")
    }
    return {
      create: async (value, ttlSeconds) => {
        count(`create ${value}`)
        if (value === this.refused) throw new ProviderFault("refused", "no such value here")
        this.records.push({ id: `r${++this.made}`, value, ttlSeconds })
      },
      remove: async ({ id, value }) => {
        count(`remove ${value}`)
        this.records = this.records.filter((record) => record.id !== id)
      },
      ...(canChange
        ? {
            update: async ({ id, value: old }: StoredRecord, value: string, ttlSeconds: number) => {
              count(`update ${old} to ${value}`)
              if (value === this.refused) throw new ProviderFault("refused", "no such value here")
              this.records = this.records.map((record) => (record.id === id ? { id, value, ttlSeconds } : record))
            },
          }
        : {}),
    }
  }
}

const setOf = (values: string[], type: RecordSetType = "A", ttlSeconds = 60) => ({ name: "x.test", type, ttlSeconds, values })

const cases: { from: string[]; to: string[]; changing: string[]; making: string[] }[] = [
  { from: [], to: ["a"], changing: ["create a"], making: ["create a"] },
  { from: ["a"], to: ["a"], changing: [], making: [] },
  { from: ["a"], to: [], changing: ["remove a"], making: ["remove a"] },
  { from: ["a"], to: ["b"], changing: ["update a to b"], making: ["create b", "remove a"] },
  { from: ["a", "b"], to: ["b", "c", "d"], changing: ["update a to d", "create c"], making: ["create c", "create d", "remove a"] },
  { from: ["a", "a", "b"], to: ["a"], changing: ["remove a", "remove b"], making: ["remove a", "remove b"] },
]

test.each(cases)("from $from to $to with the fewest calls, what is new before what is old goes", async ({ from, to, changing, making }) => {
  for (const [canChange, calls] of [
    [true, changing],
    [false, making],
  ] as const) {
    const list = new RecordList(from)
    await replaceRecords(list.records, setOf(to), list.editor(canChange))
    expect(list.calls).toEqual(calls)
    expect(list.values()).toEqual(to)
  }
})

test("another TTL is put right in place, or else by a new record for the old", async () => {
  const changed = new RecordList(["a", "b"])
  await replaceRecords(changed.records, setOf(["a", "b"], "A", 300), changed.editor(true))
  expect(changed.calls).toEqual(["update a to a", "update b to b"])
  const made = new RecordList(["a"])
  await replaceRecords(made.records, setOf(["a"], "A", 300), made.editor(false))
  expect(made.calls).toEqual(["remove a", "create a"])
  for (const list of [changed, made]) expect(list.records.every(({ ttlSeconds }) => ttlSeconds === 300)).toBe(true)
})

test.each(cases)("from $from to $to may fail at any call, and a repeat completes it", async ({ from, to }) => {
  for (const canChange of [true, false]) {
    for (let failAt = 0; ; failAt++) {
      const list = new RecordList(from)
      list.failAt = failAt
      const outcome = await replaceRecords(list.records, setOf(to), list.editor(canChange)).then(
        () => "done",
        () => "failed",
      )
      for (const value of list.values()) expect([...from, ...to]).toContain(value)
      await replaceRecords(list.records, setOf(to), list.editor(canChange))
      expect(list.values()).toEqual(to)
      if (outcome === "done") break
    }
  }
})

test("a CNAME that cannot be changed in place goes before the new one comes, and comes back where that is refused", async () => {
  const list = new RecordList(["old"])
  await replaceRecords(list.records, setOf(["new"], "CNAME"), list.editor(false))
  expect(list.calls).toEqual(["remove old", "create new"])
  list.refused = "bad"
  const fault = await replaceRecords(list.records, setOf(["bad"], "CNAME"), list.editor(false)).catch((error: unknown) => error)
  expect(fault).toMatchObject({ reason: "refused", message: "no such value here" })
  expect(list.values()).toEqual(["new"])
})

test("where the old CNAME cannot be put back either, the fault says so", async () => {
  const list = new RecordList(["old"])
  const editor = list.editor(false)
  editor.create = async () => {
    throw new ProviderFault("refused", "nothing is made today")
  }
  const fault = await replaceRecords(list.records, setOf(["new"], "CNAME"), editor).catch((error: unknown) => error)
  expect(fault).toMatchObject({ reason: "refused", message: "nothing is made today (and the old record could not be put back)" })
})
