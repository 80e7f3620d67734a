import { expect, test } from "bun:test"
import { AppError } from "../errors"
import { TrustedProxies } from "./trusted-proxies"

const house = new TrustedProxies(["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::ffff:172.16.0.0/108"])

test.each([
  ["10.1.2.3", true],
  ["11.1.2.3", false],
  ["192.0.2.7", true],
  ["192.0.2.8", false],
  ["172.31.255.255", true],
  ["172.32.0.0", false],
  ["::ffff:10.1.2.3", true],
  ["::FFFF:0a01:0203", true],
  ["::ffff:11.1.2.3", false],
  ["2001:db8::1", true],
  ["2001:DB8:0:0::1", true],
  ["2001:db9::1", false],
  ["fe80::1%eth0", false],
  ["", false],
  ["unix:", false],
  ["10.1.2", false],
])("%p is in the networks: %p", (address, expected) => {
  expect(house.includes(address)).toBe(expected)
})

test("every IPv6 address is not every IPv4 address", () => {
  const all = new TrustedProxies(["::/0"])
  expect([all.includes("2001:db8::1"), all.includes("192.0.2.1"), all.includes("::ffff:192.0.2.1")]).toEqual([true, false, false])
  const four = new TrustedProxies(["0.0.0.0/0"])
  expect([four.includes("2001:db8::1"), four.includes("192.0.2.1"), four.includes("::ffff:192.0.2.1")]).toEqual([false, true, true])
})

test.each([
  "10.0.0.0",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/08",
  "10.0.0.0/8/8",
  "house/8",
  "::/129",
  "fe80::%eth0/10",
  "::ffff:10.0.0.0/8",
  "",
  "10.0.0.0/-1",
])("%p is refused as a network", (network) => {
  expect(() => new TrustedProxies([network])).toThrow(AppError)
})

test.each<[string, string, string[], string, string]>([
  ["a peer outside the networks is the client", "198.51.100.9", ["203.0.113.5"], "198.51.100.9", "198.51.100.9"],
  ["a trusted peer without a header is the client", "10.0.0.1", [], "10.0.0.1", "10.0.0.1"],
  ["a trusted peer names the client", "10.0.0.1", ["203.0.113.5"], "203.0.113.5", "203.0.113.5, 10.0.0.1"],
  ["what stands left of the client is not believed", "10.0.0.1", ["1.1.1.1, 203.0.113.5"], "203.0.113.5", "203.0.113.5, 10.0.0.1"],
  [
    "trusted hops are walked over",
    "10.0.0.1",
    ["9.9.9.9, 203.0.113.5,10.0.0.3 ,\t10.0.0.2"],
    "203.0.113.5",
    "203.0.113.5, 10.0.0.3, 10.0.0.2, 10.0.0.1",
  ],
  ["several lines are one list", "10.0.0.1", ["9.9.9.9", "203.0.113.5", "10.0.0.2"], "203.0.113.5", "203.0.113.5, 10.0.0.2, 10.0.0.1"],
  ["all trusted: the leftmost", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3", "10.0.0.3, 10.0.0.2, 10.0.0.1"],
  ["a malformed entry ends the walk", "10.0.0.1", ["203.0.113.5, unknown, 10.0.0.2"], "10.0.0.2", "10.0.0.2, 10.0.0.1"],
  ["an empty entry ends the walk", "10.0.0.1", ["203.0.113.5,,10.0.0.2"], "10.0.0.2", "10.0.0.2, 10.0.0.1"],
  ["an empty header says nothing", "10.0.0.1", [""], "10.0.0.1", "10.0.0.1"],
  ["a comma alone says nothing", "10.0.0.1", [","], "10.0.0.1", "10.0.0.1"],
  ["an address with a port is not an address", "10.0.0.1", ["203.0.113.5:4711"], "10.0.0.1", "10.0.0.1"],
  ["a mapped peer is its IPv4 address", "::ffff:10.0.0.1", ["::ffff:203.0.113.5"], "203.0.113.5", "203.0.113.5, 10.0.0.1"],
  ["IPv6 is written in its shortest form", "2001:db8:0::1", ["2620:FE:0:0::9"], "2620:fe::9", "2620:fe::9, 2001:db8::1"],
  ["a line break cannot reach the chain", "10.0.0.1", ["203.0.113.5\r\nX: y"], "10.0.0.1", "10.0.0.1"],
])("%s", (_name, peer, header, address, chain) => {
  expect(house.clientOf(peer, header)).toEqual({ address, chain })
})

test("at most 32 entries are looked at", () => {
  const hops = Array.from({ length: 40 }, (_, index) => `10.0.1.${index}`)
  const expected = { address: "10.0.1.8", chain: [...hops.slice(8), "10.0.0.1"].join(", ") }
  expect(house.clientOf("10.0.0.1", ["203.0.113.5", hops.join(",")])).toEqual(expected)
  expect(house.clientOf("10.0.0.1", ["203.0.113.5", ...hops])).toEqual(expected)
})

test("without networks nobody's header counts", () => {
  const none = new TrustedProxies([])
  expect(none.includes("127.0.0.1")).toBe(false)
  expect(none.clientOf("::ffff:127.0.0.1", ["203.0.113.5"])).toEqual({ address: "127.0.0.1", chain: "127.0.0.1" })
  expect(none.protocolOf("127.0.0.1", ["https"], "http")).toBe("http")
})

test("a peer without an address, such as a Unix socket's, is passed on as it was given", () => {
  expect(house.clientOf("", ["203.0.113.5"])).toEqual({ address: "", chain: "" })
})

test.each<[string, string[], "http" | "https", "http" | "https"]>([
  ["10.0.0.1", ["https"], "http", "https"],
  ["10.0.0.1", ["http"], "https", "http"],
  ["10.0.0.1", [" HTTPS "], "http", "https"],
  ["198.51.100.9", ["https"], "http", "http"],
  ["10.0.0.1", [], "https", "https"],
  ["10.0.0.1", ["https, http"], "http", "http"],
  ["10.0.0.1", ["https", "https"], "http", "http"],
  ["10.0.0.1", ["javascript"], "https", "https"],
])("from %p, X-Forwarded-Proto %p over %s is %s", (peer, header, own, expected) => {
  expect(house.protocolOf(peer, header, own)).toBe(expected)
})
