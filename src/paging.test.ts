import { expect, test } from "bun:test"
import { page, parsePage } from "./paging"

const rows = [5, 4, 3, 2, 1].map((createdAt) => ({ createdAt, id: `id-${createdAt}` }))

/** The rows after a cursor, one more than asked for, as a store gives them. */
const list = (query: { limit?: string; cursor?: string }) => {
  const { limit, after } = parsePage(query)
  const from = after === undefined ? rows : rows.filter((row) => row.createdAt < after.at)
  return page(from.slice(0, limit + 1), limit, (row) => row.id)
}

test("pages follow one another to the end, whatever was inserted meanwhile", () => {
  const first = list({ limit: "2" })
  expect(first.data).toEqual(["id-5", "id-4"])
  rows.unshift({ createdAt: 6, id: "id-6" })
  const second = list({ limit: "2", cursor: first.next_cursor ?? "" })
  expect(second.data).toEqual(["id-3", "id-2"])
  expect(list({ limit: "2", cursor: second.next_cursor ?? "" })).toEqual({ data: ["id-1"], next_cursor: null })
})

test("a limit past the most is the most, and twenty is the limit without one", () => {
  expect(parsePage({ limit: "101" }).limit).toBe(100)
  expect(parsePage({}).limit).toBe(20)
})

test.each(["0", "-1", "x", "1.5", ""])("%p is no limit", (limit) => {
  expect(() => parsePage({ limit })).toThrow("limit must be a number from 1 to 100")
})

test.each(["", "x", "!!", Buffer.from("1.a b").toString("base64url")])("%p is no cursor", (cursor) => {
  expect(() => parsePage({ cursor })).toThrow("cursor must be the next_cursor of an earlier page")
})
