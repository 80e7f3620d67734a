import { expect, test } from "bun:test"
import { withoutBlanks } from "./blanks"

test.each([
  ["", ""],
  [" \t ", ""],
  ["a", "a"],
  [" a\tb \t", "a\tb"],
  ["\u00a0a\r\n", "\u00a0a\r\n"],
])("%p without blanks is %p", (text, bare) => {
  expect(withoutBlanks(text)).toBe(bare)
})
