import { expect, test } from "bun:test"
import { canonicalAddress, embeddedV4, isInRange, parseIp } from "./ip-address"

test.each([
  ["192.0.2.1", "192.0.2.1", 0xc000_0201n],
  ["::ffff:192.0.2.1", "192.0.2.1", 0xc000_0201n],
  ["::FFFF:c000:0201", "192.0.2.1", 0xc000_0201n],
  ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1", 0xc000_0201n],
  ["::", "::", 0n],
  ["::1", "::1", 1n],
  ["2001:DB8:0:0::1", "2001:db8::1", 0x2001_0db8_0000_0000_0000_0000_0000_0001n],
  ["64:ff9b::10.0.0.1", "64:ff9b::a00:1", 0x0064_ff9b_0000_0000_0000_0000_0a00_0001n],
])("%p is %p", (text, canonical, value) => {
  expect(canonicalAddress(text)).toBe(canonical)
  expect(parseIp(text)).toEqual({ family: canonical.includes(":") ? 6 : 4, value, text: canonical })
})

test.each(["", "10.1.2", "010.0.0.1", "0x7f.1", "fe80::1%eth0", "::g", "[::1]", "1.2.3.4:80", "localhost"])("%p is no address", (text) => {
  expect([canonicalAddress(text), parseIp(text)]).toEqual([undefined, undefined])
})

test.each([
  ["10.1.2.3", "10.0.0.0/8", true],
  ["11.1.2.3", "10.0.0.0/8", false],
  ["10.1.2.3", "10.1.2.3/32", true],
  ["10.1.2.3", "0.0.0.0/0", true],
  ["10.1.2.3", "::/0", false],
  ["::1", "0.0.0.0/0", false],
  ["2001:db8::1", "2001:db8::/32", true],
  ["2001:db9::1", "2001:db8::/32", false],
  // A range of mapped addresses counts its bits from the start of the IPv6 address.
  ["10.1.2.3", "::ffff:10.0.0.0/104", true],
  ["11.1.2.3", "::ffff:10.0.0.0/104", false],
  ["10.1.2.3", "::ffff:10.0.0.0/8", false],
  ["10.1.2.3", "10.0.0.0/33", false],
  ["10.1.2.3", "10.0.0.0", false],
  ["10.1.2.3", "10.0.0.0/8/8", false],
])("whether %p lies in %p: %p", (address, range, expected) => {
  const parsed = parseIp(address)
  expect(parsed && isInRange(parsed, range)).toBe(expected)
})

test("the last 32 bits of an address are an IPv4 address", () => {
  const parsed = parseIp("64:ff9b::7f00:1")
  expect(parsed && embeddedV4(parsed)).toEqual({ family: 4, value: 0x7f00_0001n, text: "127.0.0.1" })
})

// Found by test/attacks/parsers.test.ts: a spelling that isIP takes and Bun's URL does not threw where an address was read from a visitor's field.
test("a single group left out before an IPv4 form is read", () => {
  expect(parseIp("::0:0:0:0:1.2.3.4")?.text).toBe("::102:304")
  expect(parseIp("::0:0:0:ffff:1.2.3.4")?.text).toBe("1.2.3.4")
})
