/**
 * What an address counts as where attempts are counted: an IPv4 address itself, mapped into IPv6 or not, and of an IPv6 address its /64, since a
 * host has all of one (RFC 4291 section 2.5.4). What is no address counts as it stands.
 */
export function addressBlock(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(":")) return address
  const [head = "", tail] = address.split("::")
  const groups = head === "" ? [] : head.split(":")
  const left = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length)
  const whole = [...groups, ...Array.from({ length: Math.max(left, 0) }, () => "0"), ...(tail ? tail.split(":") : [])]
  return `${whole
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`
}
