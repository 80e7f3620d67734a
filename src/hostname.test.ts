import { expect, test } from "bun:test"
import { canonicalHost, isWildcard, parseMappedHost, parseMappedName, withoutWildcard } from "./hostname"

test.each([
  ["abc.com", "abc.com"],
  [" WWW.Abc.COM. ", "www.abc.com"],
  ["a-b.example.io", "a-b.example.io"],
  ["x.y.z.co.uk", "x.y.z.co.uk"],
  ["café.example.com", "xn--caf-dma.example.com"],
  ["bücher。example.com", "xn--bcher-kva.example.com"],
  ["xn--caf-dma.example.com", "xn--caf-dma.example.com"],
  ["app.customer.test", "app.customer.test"],
  ["nas.home.arpa", "nas.home.arpa"],
  ["1.2.3.example", "1.2.3.example"],
  [`${"a".repeat(63)}.com`, `${"a".repeat(63)}.com`],
])("%p is the hostname %p", (raw, host) => {
  expect(parseMappedHost(raw, "cloud.example.org")).toBe(host)
})

test.each([
  "",
  ".",
  "localhost",
  "box",
  "-a.com",
  "a-.com",
  "ab..com",
  "a.com..",
  ".a.com",
  "a b.com",
  "*.a.com",
  "_x.a.com",
  "https://a.com",
  "a.com/path",
  "a.com:443",
  "user@a.com",
  "a%2ecom",
  "é%2f.com",
  "1.2.3.4",
  "1.2.3",
  "example.123",
  "[::1]",
  "2001:db8::1",
  `${"a".repeat(64)}.com`,
  `${"a.".repeat(127)}com`,
  "xn--a.com",
  "secret.onion",
  "x.invalid",
  "x.localhost",
  "cloud.example.org",
  "net.cloud.example.org",
  "a.b.Cloud.Example.Org.",
  "a\u0000.com",
  42,
  null,
  undefined,
  { toString: "a.com" },
])("%p is refused", (raw) => {
  expect(() => parseMappedHost(raw, "cloud.example.org")).toThrow("invalid domain")
})

test("a name that only ends in the letters of the base domain is not under it", () => {
  expect(parseMappedHost("mycloud.example.org", "cloud.example.org")).toBe("mycloud.example.org")
})

test("canonical form is stable", () => {
  for (const raw of ["Straße.DE", "EXAMPLE.com.", "日本.jp"]) {
    const host = canonicalHost(raw) ?? ""
    expect(canonicalHost(host)).toBe(host)
  }
})

test.each([
  [" *.App.Example.COM. ", "*.app.example.com"],
  ["*.example.com", "*.example.com"],
  ["*.bücher.example", "*.xn--bcher-kva.example"],
  ["*.example.org", "*.example.org"],
  ["app.example.com", "app.example.com"],
])("%p may be mapped as %p", (raw, name) => {
  expect(parseMappedName(raw, "cloud.example.org")).toBe(name)
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
])("the wildcard %p is refused", (raw) => {
  expect(() => parseMappedName(raw, "cloud.example.org")).toThrow("invalid domain")
})
