import { expect, test } from "bun:test"
import { isWildcard, withoutWildcard } from "./hostname"
import { parseMappedName } from "./mapped-name"

const parse = (raw: unknown) => parseMappedName(raw, "cloud.example.org", ["home.arpa", "lan"])

test.each([
  [" *.App.Example.COM. ", "*.app.example.com"],
  ["*.example.com", "*.example.com"],
  ["*.example.co.uk", "*.example.co.uk"],
  ["*.alice.github.io", "*.alice.github.io"],
  ["*.bücher.example", "*.xn--bcher-kva.example"],
  ["*.example.org", "*.example.org"],
  ["*.home.arpa", "*.home.arpa"],
  ["*.nas.lan", "*.nas.lan"],
  ["app.example.com", "app.example.com"],
])("%p may be mapped as %p", (raw, name) => {
  expect(parse(raw)).toBe(name)
  expect(isWildcard(name)).toBe(name !== "app.example.com")
  expect(withoutWildcard(name)).toBe(name.replace("*.", ""))
})

test.each([
  "*",
  "*.",
  "*.com",
  "*.*.example.com",
  "a.*.example.com",
  "*a.example.com",
  "a*.example.com",
  "**.example.com",
  "*. example.com",
  "*.1.2.3.4",
  "*.localhost",
  "*.x.onion",
  "*.cloud.example.org",
  "*.compute.cloud.example.org",
  `*.${"a.".repeat(124)}bcde`,
  42,
  undefined,
])("the wildcard %p is refused", (raw) => {
  expect(() => parse(raw)).toThrow("invalid domain")
})

test.each(["*.co.uk", "*.github.io", "*.com.br"])("%p belongs to many", (raw) => {
  expect(() => parse(raw)).toThrow(`invalid domain: ${raw} would cover names of many owners`)
})
