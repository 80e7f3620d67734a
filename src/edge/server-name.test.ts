import { expect, test } from "bun:test"
import { parseAuthority, parseServerName } from "./server-name"

const label = "a".repeat(63)
const longest = `${label}.${label}.${label}.${"a".repeat(61)}`

test.each([
  ["app.test", "app.test"],
  ["APP.Test.", "app.test"],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  [longest, longest],
  [`${longest}a`, undefined],
  ["", undefined],
  [undefined, undefined],
  [false, undefined],
  ["localhost", undefined],
  ["127.0.0.1", undefined],
  ["1.2.3", undefined],
  ["::1", undefined],
  ["[::1]", undefined],
  ["*.app.test", undefined],
  ["a..test", undefined],
  [".app.test", undefined],
  ["app.test..", undefined],
  ["-a.test", undefined],
  ["a-.test", undefined],
  ["a b.test", undefined],
  ["a\0.test", undefined],
  ["bücher.example", undefined],
  ["app.test\n", undefined],
  [`${label}a.test`, undefined],
])("the server name %p means %p", (raw, name) => {
  expect(parseServerName(raw)).toBe(name)
})

test.each([
  ["app.test", "app.test"],
  ["App.test.:443", "app.test"],
  ["[::1]:80", "[::1]"],
  ["127.0.0.1", "127.0.0.1"],
  ["", undefined],
  [".", undefined],
  [":443", undefined],
  ["app.test:", undefined],
  ["app.test:99999", undefined],
  ["a@app.test", undefined],
  ["app.test/", undefined],
  ["a..test", undefined],
  ["a%2e.test", undefined],
])("the authority %p means %p", (raw, host) => {
  expect(parseAuthority(raw)).toBe(host)
})
