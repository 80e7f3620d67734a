import { expect, test } from "bun:test"
import { shownPath } from "./shown-path"

test.each([
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["*", "*"],
  ["/a?", "/a?"],
  ["/a?token=s3cret", "/a?token=…"],
  ["/a?page=2&token=s3cret&q=", "/a?page=…&token=…&q=…"],
  ["/a?s3cret", "/a?…"],
  ["/a?x=1&s3cret&y=2=3", "/a?x=…&…&y=…"],
  ["/a?x=1?token=s3cret", "/a?x=…"],
  [`/${"a".repeat(500)}`, `/${"a".repeat(399)}…`],
  [`/a?${"s3cret".repeat(50)}`, "/a?…"],
  [`/a?x=1&${"n".repeat(150)}=2&${"s3cret".repeat(50)}`, `/a?x=…&${"n".repeat(150)}=…&…`],
])("%p is shown as %p", (target, shown) => {
  expect(shownPath(target)).toBe(shown)
  expect(shownPath(target)).not.toContain("s3cret")
})
