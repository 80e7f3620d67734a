import { embeddedV4, type IpAddress, isInRange } from "./ip-address"

/** What an address is that the public Internet does not reach. */
export type AddressKind =
  "unspecified" | "loopback" | "link-local" | "private" | "shared" | "multicast" | "broadcast" | "reserved" | "benchmark" | "documentation"

/** IANA's special-purpose registries (RFC 6890), and multicast; the first range that fits counts. */
const ranges: [cidr: string, kind: AddressKind][] = [
  ["0.0.0.0/8", "unspecified"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "shared"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.168.0.0/16", "private"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "documentation"],
  ["192.88.99.0/24", "reserved"],
  ["198.18.0.0/15", "benchmark"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["255.255.255.255/32", "broadcast"],
  ["240.0.0.0/4", "reserved"],
  ["::1/128", "loopback"],
  // With the IPv4-compatible addresses, which are obsolete (RFC 4291 section 2.5.5.1).
  ["::/96", "unspecified"],
  ["fc00::/7", "private"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "private"],
  ["ff00::/8", "multicast"],
  // Teredo and other protocols; 6to4 leads to the IPv4 address within.
  ["2001::/23", "reserved"],
  ["2002::/16", "reserved"],
  ["2001:db8::/32", "documentation"],
  ["3fff::/20", "documentation"],
]

/** NAT64 (RFC 6052), whose addresses lead to the IPv4 address in their last 32 bits. */
const nat64 = "64:ff9b::/96"

/** The address that one really leads to: behind the NAT64 prefix the IPv4 address within. */
export const meantAddress = (address: IpAddress): IpAddress => (isInRange(address, nat64) ? embeddedV4(address) : address)

/** What keeps an address from being one of the public Internet; undefined for those that are. Of IPv6 only 2000::/3 is global unicast at all. */
export function kindOfAddress(address: IpAddress): AddressKind | undefined {
  const meant = meantAddress(address)
  const named = ranges.find(([cidr]) => isInRange(meant, cidr))?.[1]
  return named ?? (meant.family === 4 || isInRange(meant, "2000::/3") ? undefined : "reserved")
}

const words: Record<AddressKind, string> = {
  unspecified: "an unspecified address",
  loopback: "a loopback address",
  "link-local": "a link-local address",
  private: "a private address",
  shared: "a shared address of a carrier",
  multicast: "a multicast address",
  broadcast: "the broadcast address",
  reserved: "a reserved address",
  benchmark: "an address of benchmarks",
  documentation: "an address of documentation",
}

/** The kind as it stands in a sentence: `a private address`. */
export const inWords = (kind: AddressKind): string => words[kind]
