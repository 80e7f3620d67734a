import { BlockList, isIPv4, isIPv6 } from "node:net"
import { parseIp } from "../ip-address"
import { type AddressKind, kindOfAddress } from "../special-addresses"

/** An address in the one form in which two that are the same are equal (RFC 5952); what is none comes back as it is. */
export const canonicalAddress = (address: string): string => parseIp(address)?.text ?? address

/** Whether it is one of the addresses that lie in these ranges (`10.0.0.0/8`). */
export function isInRanges(address: string, ranges: BlockList): boolean {
  return isIPv4(address) ? ranges.check(address, "ipv4") : isIPv6(address) && ranges.check(address, "ipv6")
}

/** Makes ranges of `address/bits`. */
export function rangesOf(list: string[]): BlockList {
  const ranges = new BlockList()
  for (const entry of list) {
    const [address = "", bits] = entry.split("/")
    ranges.addSubnet(address, Number(bits), isIPv4(address) ? "ipv4" : "ipv6")
  }
  return ranges
}

const unreachable: ReadonlySet<AddressKind | undefined> = new Set([
  "unspecified",
  "loopback",
  "link-local",
  "private",
  "shared",
  "broadcast",
  "reserved",
])

/** Whether an address is private, of a carrier's network, of one link, or of the machine itself. */
export function isPrivateAddress(text: string): boolean {
  const address = parseIp(text)
  return address !== undefined && unreachable.has(kindOfAddress(address))
}
