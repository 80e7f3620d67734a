import { expect, test } from "bun:test"
import { canonicalHost, closestZone, parseMappedHost, zoneNamesAround } from "./hostname"

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
  ["a.b.test", ["b.test", "a.b.test", "test"], "a.b.test"],
  ["x.a.b.test", ["b.test", "a.b.test"], "a.b.test"],
  ["xb.test", ["b.test"], undefined],
  ["b.test", ["a.b.test"], undefined],
  ["b.test", [], undefined],
])("of the zones around %p in %p the closest is %p", (host, names, closest) => {
  expect(
    closestZone(
      host,
      names.map((name) => ({ name })),
    )?.name,
  ).toBe(closest)
})

test("the zone of a name is one of those around it", () => {
  expect(zoneNamesAround("_x.a.b.test")).toEqual(["_x.a.b.test", "a.b.test", "b.test"])
})
