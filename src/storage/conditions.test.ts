import { expect, test } from "bun:test"
import { judgeRead, parseDate, writeCondition } from "./conditions"

const at = Date.UTC(2026, 10, 21, 10, 0, 0) + 400
const object = { etag: "abc", createdAt: at, size: 100 }
const same = "Sat, 21 Nov 2026 10:00:00 GMT"
const before = "Sat, 21 Nov 2026 09:59:59 GMT"
const later = "Sat, 21 Nov 2026 10:00:01 GMT"

/** What becomes of a request: its status, and the range as text. */
function judge(headers: Record<string, string>, method = "GET", of = object): string {
  try {
    const outcome = judgeRead(method, new Headers(headers), of)
    return outcome.status === 206 ? `206 ${outcome.first}-${outcome.last}` : String(outcome.status)
  } catch (error) {
    return String((error as { code: string }).code)
  }
}

test.each<[Record<string, string>, string]>([
  [{}, "200"],
  [{ "if-match": '"abc"' }, "200"],
  [{ "if-match": '"x", "abc"' }, "200"],
  [{ "if-match": "abc" }, "200"],
  [{ "if-match": "*" }, "200"],
  [{ "if-match": 'W/"abc"' }, "precondition_failed"],
  [{ "if-match": '"x"' }, "precondition_failed"],
  [{ "if-match": "" }, "precondition_failed"],
  [{ "if-unmodified-since": same }, "200"],
  [{ "if-unmodified-since": later }, "200"],
  [{ "if-unmodified-since": before }, "precondition_failed"],
  [{ "if-unmodified-since": "yesterday" }, "200"],
  // The tag says more than the time.
  [{ "if-match": '"abc"', "if-unmodified-since": before }, "200"],
  [{ "if-none-match": '"abc"' }, "304"],
  [{ "if-none-match": 'W/"abc"' }, "304"],
  [{ "if-none-match": "*" }, "304"],
  [{ "if-none-match": '"x", W/"y"' }, "200"],
  [{ "if-modified-since": same }, "304"],
  [{ "if-modified-since": later }, "304"],
  [{ "if-modified-since": before }, "200"],
  [{ "if-modified-since": "Saturday, 21-Nov-26 10:00:00 GMT" }, "304"],
  [{ "if-modified-since": "Sat Nov 21 10:00:00 2026" }, "304"],
  [{ "if-none-match": '"x"', "if-modified-since": later }, "200"],
  [{ "if-match": '"x"', "if-none-match": '"abc"' }, "precondition_failed"],
  [{ range: "bytes=0-0" }, "206 0-0"],
  [{ range: "bytes=10-19" }, "206 10-19"],
  [{ range: "bytes=90-" }, "206 90-99"],
  [{ range: "bytes=90-500" }, "206 90-99"],
  [{ range: "bytes=-10" }, "206 90-99"],
  [{ range: "bytes=-500" }, "206 0-99"],
  [{ range: "Bytes= 0-4 " }, "206 0-4"],
  [{ range: "bytes=100-" }, "416"],
  [{ range: "bytes=100-200" }, "416"],
  [{ range: "bytes=-0" }, "416"],
  // Not understood, or several: the whole.
  [{ range: "bytes=5-4" }, "200"],
  [{ range: "bytes=-" }, "200"],
  [{ range: "bytes = 0 - 4" }, "200"],
  [{ range: "bytes=a-b" }, "200"],
  [{ range: "lines=0-1" }, "200"],
  [{ range: "bytes=0-1,5-6" }, "200"],
  [{ range: "bytes=0-1", "if-range": '"abc"' }, "206 0-1"],
  [{ range: "bytes=0-1", "if-range": '"x"' }, "200"],
  [{ range: "bytes=0-1", "if-range": 'W/"abc"' }, "200"],
  [{ range: "bytes=0-1", "if-range": same }, "206 0-1"],
  [{ range: "bytes=0-1", "if-range": later }, "200"],
  [{ range: "bytes=0-1", "if-range": before }, "200"],
  [{ range: "bytes=0-1", "if-none-match": '"abc"' }, "304"],
])("a GET with %p is answered %p", (headers, expected) => {
  expect(judge(headers)).toBe(expected)
})

test("HEAD has no ranges, and an empty file none that are satisfied", () => {
  expect(judge({ range: "bytes=0-1" }, "HEAD")).toBe("200")
  expect(judge({ "if-none-match": '"abc"' }, "HEAD")).toBe("304")
  const empty = { ...object, size: 0 }
  expect([judge({ range: "bytes=0-" }, "GET", empty), judge({ range: "bytes=-5" }, "GET", empty)]).toEqual(["416", "200"])
})

test.each<[Record<string, string>, there: boolean, absent: boolean]>([
  [{ "if-none-match": "*" }, false, true],
  [{ "if-none-match": '"abc"' }, false, true],
  [{ "if-none-match": '"x"' }, true, true],
  [{ "if-match": "*" }, true, false],
  [{ "if-match": '"abc"' }, true, false],
  [{ "if-match": '"x"' }, false, false],
  [{ "if-unmodified-since": before }, false, true],
  [{ "if-unmodified-since": same }, true, true],
])("a write with %p over the file goes on: %p, and where nothing is: %p", (headers, there, absent) => {
  const goesOn = (current: typeof object | undefined) => {
    try {
      writeCondition(new Headers(headers))?.(current)
      return true
    } catch {
      return false
    }
  }
  expect([goesOn(object), goesOn(undefined)]).toEqual([there, absent])
})

test("a write without conditions asks nothing", () => {
  expect(writeCondition(new Headers({ "content-type": "text/plain" }))).toBeUndefined()
})

test.each(["", "21 Nov 2026", "2026-11-21T10:00:00Z", "Sat, nonsense"])("%p is no HTTP-date", (text) => {
  expect(parseDate(text)).toBeUndefined()
})
