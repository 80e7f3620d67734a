import { expect, test } from "bun:test"
import { date, fields, printable, table } from "./output"

test("columns are as wide as their widest cell, also where characters are wide", () => {
  expect(
    table(
      ["ID", "NAME", "X"],
      [
        ["1", "日本", "a"],
        ["22", "n", undefined],
      ],
      "none",
    ),
  ).toBe("ID  NAME  X\n1   日本  a\n22  n     -\n")
  expect(table(["ID"], [], "none")).toBe("none\n")
})

test.each([
  ["\u001b[2Jgone", "?[2Jgone"],
  ["a\nb\rc", "a?b?c"],
  ["\u202eevil", "?evil"],
  ["ünï", "ünï"],
  [undefined, ""],
])("%p reaches a terminal as %p", (text, shown) => expect(printable(text)).toBe(shown))

test("fields are aligned and absent ones left out", () => {
  expect(fields({ id: "1", hostname: "a.test", image: undefined })).toBe("id:       1\nhostname: a.test\n")
})

test.each([
  [0, "never"],
  [undefined, "never"],
  [1_780_000_000, "2026-05-28 20:26 UTC"],
  [Number.MAX_VALUE, "never"],
])("%p as a date", (seconds, shown) => expect(date(seconds, "never")).toBe(shown))
