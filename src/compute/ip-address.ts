import { isIP } from "node:net"

/** An IP address in canonical form; IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address it stands for. */
export type IpAddress = { family: 4 | 6; value: bigint; text: string }

/** Undefined for whatever is not an IP literal; a zone index (`%eth0`) is not one. */
export function parseIp(text: string): IpAddress | undefined {
  const family = isIP(text)
  if (family === 4) return fromV4(text)
  if (family !== 6 || text.includes("%")) return undefined
  const value = text.includes(".") ? parseV6(embedded(text)) : parseV6(text)
  if (value >> 32n === 0xffffn) return fromV4(dotted(value & 0xffff_ffffn))
  return { family, value, text: new URL(`http://[${text}]/`).hostname.slice(1, -1) }
}

/** Whether the address lies in a range such as `127.0.0.0/8`; ranges of the other family, and malformed ones, contain nothing. */
export function isInRange(address: IpAddress, cidr: string): boolean {
  const [base = "", bits = ""] = cidr.split("/")
  const range = parseIp(base)
  const width = address.family === 4 ? 32 : 128
  if (range?.family !== address.family || !/^\d{1,3}$/.test(bits) || Number(bits) > width) return false
  const shift = BigInt(width - Number(bits))
  return range.value >> shift === address.value >> shift
}

function fromV4(text: string): IpAddress {
  return { family: 4, value: BigInt(text.split(".").reduce((value, octet) => value * 256 + Number(octet), 0)), text }
}

const dotted = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".")

/** `::ffff:1.2.3.4` as `::ffff:102:304`. */
function embedded(text: string): string {
  const start = text.lastIndexOf(":") + 1
  const { value } = fromV4(text.slice(start))
  return `${text.slice(0, start)}${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
}

function parseV6(text: string): bigint {
  const [head = "", tail] = text.split("::")
  const groups = (part: string) => (part === "" ? [] : part.split(":"))
  const [left, right] = [groups(head), groups(tail ?? "")]
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => "0")
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}
