import { BlockList, isIPv4, isIPv6 } from "node:net"

/** An address in the one form in which two that are the same are equal (RFC 5952); what is none comes back as it is. */
export function canonicalAddress(address: string): string {
  return isIPv6(address) && !address.includes("%") ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
}

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

/** Special-purpose ranges that nobody on the Internet reaches (IANA registries of RFC 6890). */
const unreachable = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "240.0.0.0/4",
  "::/127",
  "fc00::/7",
  "fe80::/10",
]

/** Tells whether an address is private, of a carrier's network, of one link, or of the machine itself. */
export function privateAddressTest(): (address: string) => boolean {
  const ranges = rangesOf(unreachable)
  return (address) => isInRanges(address, ranges)
}
