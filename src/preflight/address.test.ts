import { expect, test } from "bun:test"
import { canonicalAddress, isPrivateAddress } from "./address"
import { CdnFinder } from "./cdn"

const cdn = new CdnFinder()

test.each([
  ["10.1.2.3", true],
  ["172.31.255.255", true],
  ["172.32.0.1", false],
  ["100.64.0.1", true],
  ["100.128.0.1", false],
  ["169.254.1.1", true],
  ["198.51.100.4", false],
  ["fd00::1", true],
  ["fe80::1", true],
  ["::1", true],
  ["2001:db8::1", false],
  ["::ffff:10.0.0.1", true],
  ["nonsense", false],
])("%s is private: %p", (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected)
})

test.each([
  ["2001:DB8:0:0::1", "2001:db8::1"],
  ["::", "::"],
  ["198.51.100.4", "198.51.100.4"],
  ["fe80::1%eth0", "fe80::1%eth0"],
  ["nonsense", "nonsense"],
])("%s in one form is %s", (address, expected) => {
  expect(canonicalAddress(address)).toBe(expected)
})

test.each<[string, string | undefined]>([
  ["104.21.3.4", "Cloudflare"],
  ["172.67.1.1", "Cloudflare"],
  ["2606:4700:3030::ac43:1", "Cloudflare"],
  ["151.101.1.1", "Fastly"],
  ["198.51.100.4", undefined],
])("%s belongs to %p", (address, expected) => {
  expect(cdn.ofAddress(address)?.name).toBe(expected)
})

test.each<[string, string | undefined]>([
  ["d111111abcdef8.cloudfront.net", "Amazon CloudFront"],
  ["app.example.com.cdn.cloudflare.net", "Cloudflare"],
  ["notcloudfront.net", undefined],
])("a CNAME to %s leads to %p", (name, expected) => {
  expect(cdn.ofName(name)?.name).toBe(expected)
})
