import { isIP } from "node:net"

/** An IP address in canonical form; IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address it stands for. */
export type IpAddress = { family: 4 | 6; value: bigint; text: string }

/** An IP address as one text: lower case, shortest IPv6 (RFC 5952), IPv4-mapped as IPv4; undefined for anything else, also with a zone index. */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text)
  if (family === 4) return text
  if (family !== 6 || text.includes("%")) return undefined
  const address = new URL(`http://[${withoutDots(text)}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (mapped === null) return address
  const [high, low] = [parseInt(mapped[1] ?? "", 16), parseInt(mapped[2] ?? "", 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** Without its IPv4 form at the end, which Bun 1.4.5 does not read behind a `::` that stands for a single group. */
const withoutDots = (text: string) =>
  text.replace(/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })

/** Undefined for whatever is not an IP literal; a zone index (`%eth0`) is not one. */
export function parseIp(text: string): IpAddress | undefined {
  const canonical = canonicalAddress(text)
  if (canonical === undefined) return undefined
  if (!canonical.includes(":")) return { family: 4, value: valueOfV4(canonical), text: canonical }
  return { family: 6, value: valueOfV6(canonical), text: canonical }
}

/**
 * Whether the address lies in a range such as `127.0.0.0/8`; ranges of the other family, and malformed ones, contain nothing. A range inside
 * `::ffff:0:0/96` is the IPv4 range it stands for.
 */
export function isInRange(address: IpAddress, cidr: string): boolean {
  const [base = "", bits = "", more] = cidr.split("/")
  const range = parseIp(base)
  const width = address.family === 4 ? 32 : 128
  if (range?.family !== address.family || more !== undefined || !/^\d{1,3}$/.test(bits)) return false
  const length = range.family === 4 && base.includes(":") ? Number(bits) - 96 : Number(bits)
  if (length < 0 || length > width) return false
  const shift = BigInt(width - length)
  return range.value >> shift === address.value >> shift
}

/** The IPv4 address in the last 32 bits of an IPv6 address, as NAT64 has it (RFC 6052 section 2.2, for a /96). */
export function embeddedV4({ value }: IpAddress): IpAddress {
  const last = value & 0xffff_ffffn
  return { family: 4, value: last, text: [24n, 16n, 8n, 0n].map((shift) => String((last >> shift) & 0xffn)).join(".") }
}

const valueOfV4 = (text: string) => BigInt(text.split(".").reduce((value, octet) => value * 256 + Number(octet), 0))

function valueOfV6(text: string): bigint {
  const [head = "", tail] = text.split("::")
  const groups = (part: string) => (part === "" ? [] : part.split(":"))
  const [left, right] = [groups(head), groups(tail ?? "")]
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => "0")
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}
