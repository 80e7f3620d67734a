import { expect, test } from "bun:test"
import { parseIp } from "./ip-address"
import { inWords, kindOfAddress } from "./special-addresses"

test.each([
  ["1.1.1.1", undefined],
  ["192.0.1.1", undefined],
  ["2606:4700::1", undefined],
  ["64:ff9b::101:101", undefined],
  ["0.0.0.0", "an unspecified address"],
  ["10.1.2.3", "a private address"],
  ["100.127.255.255", "a shared address of a carrier"],
  ["100.128.0.0", undefined],
  ["127.9.9.9", "a loopback address"],
  ["169.254.169.254", "a link-local address"],
  ["172.31.0.1", "a private address"],
  ["172.32.0.1", undefined],
  ["224.0.0.1", "a multicast address"],
  ["255.255.255.255", "the broadcast address"],
  ["240.0.0.1", "a reserved address"],
  ["203.0.113.9", "an address of documentation"],
  ["198.19.0.1", "an address of benchmarks"],
  ["::", "an unspecified address"],
  ["::1", "a loopback address"],
  ["::ffff:10.0.0.1", "a private address"],
  ["64:ff9b::a00:1", "a private address"],
  ["fd00::1", "a private address"],
  ["fe80::1", "a link-local address"],
  ["ff02::1", "a multicast address"],
  ["2002:a00:1::", "a reserved address"],
  ["2001:db8::1", "an address of documentation"],
  ["4000::1", "a reserved address"],
])("%s is %p", (text, words) => {
  const address = parseIp(text)
  if (address === undefined) throw new Error(`${text} is not an address`)
  const kind = kindOfAddress(address)
  expect(kind && inWords(kind)).toBe(words as string)
})
