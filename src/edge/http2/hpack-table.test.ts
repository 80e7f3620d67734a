import { expect, test } from "bun:test"
import { DynamicTable, fieldBytes, type HeaderField } from "./hpack-table"

const field = (i: number) => ({ name: `name-${i}`, value: `value of ${i}` })
const listed = (table: DynamicTable<HeaderField>) => Array.from({ length: table.length }, (_, i) => table.at(i)!.name)

test("entries are found newest first, and leave oldest first", () => {
  const left: string[] = []
  const table = new DynamicTable<HeaderField>(3 * fieldBytes(field(1).name, field(1).value), (entry) => left.push(entry.name))
  for (let i = 1; i <= 5; i++) table.add(field(i))
  expect(listed(table)).toEqual(["name-5", "name-4", "name-3"])
  expect(left).toEqual(["name-1", "name-2"])
  expect(table.at(3)).toBeUndefined()
})

test("the table grows beyond its first ring and keeps the order, also when the ring has turned", () => {
  const table = new DynamicTable<HeaderField>(4096)
  for (let i = 0; i < 300; i++) table.add(field(i))
  const names = listed(table)
  expect(names[0]).toBe("name-299")
  expect(names).toEqual(names.map((_, i) => `name-${299 - i}`))
  expect(table.usedBytes).toBeLessThanOrEqual(4096)
  expect(table.length).toBeGreaterThan(60)
})

test("an entry larger than the table empties it", () => {
  const table = new DynamicTable<HeaderField>(100)
  table.add(field(1))
  expect(table.add({ name: "large", value: "x".repeat(64) })).toBe(false)
  expect([table.length, table.usedBytes]).toEqual([0, 0])
})

test("a smaller table keeps the newest", () => {
  const table = new DynamicTable<HeaderField>(4096)
  for (let i = 1; i <= 9; i++) table.add(field(i))
  table.resize(90)
  expect(listed(table)).toEqual(["name-9"])
  table.resize(0)
  expect(listed(table)).toEqual([])
})
