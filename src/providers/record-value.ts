import { isIPv6 } from "node:net"
import { ProviderFault, type RecordSetType } from "./provider"

const stringOctets = 255

/** A name in lower case without a trailing dot. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "")
}

/** A value as `RecordSet` has it, from one that may have trailing dots, upper case, long addresses or no quotes; a TXT is left as it is. */
export function canonicalValue(type: RecordSetType, value: string): string {
  if (type === "TXT") return value
  const words = value.trim().split(/\s+/)
  if (type === "AAAA") return isIPv6(words[0] ?? "") ? new URL(`http://[${words[0]}]`).hostname.slice(1, -1) : value
  if (type === "CNAME") return canonicalName(value.trim())
  if (type === "MX" || type === "SRV") return [...words.slice(0, -1), canonicalName(words.at(-1) ?? "") || "."].join(" ")
  if (type === "CAA") {
    const match = /^(\d+)\s+([a-z0-9]+)\s+(.*)$/is.exec(value.trim())
    if (match) return joinCaa({ flags: Number(match[1]), tag: match[2] ?? "", text: unquoted(match[3] ?? "") })
  }
  return value.trim()
}

/** A value as a zone file has it: names with a trailing dot, a TXT as quoted character-strings of at most 255 octets (RFC 1035 section 5.1). */
export function zoneFileValue(type: RecordSetType, value: string): string {
  if (type === "TXT") return quoteText(value)
  return ["CNAME", "MX", "SRV"].includes(type) && !value.endsWith(".") ? `${value}.` : value
}

/** The value of `RecordSet` in what a zone file has. */
export function fromZoneFile(type: RecordSetType, text: string): string {
  return type === "TXT" ? unquoteText(text) : canonicalValue(type, text)
}

/** Text of any length as quoted character-strings; octets outside ASCII become `\DDD`, three digits of that radix. */
export function quoteText(text: string, radix: 8 | 10 = 10): string {
  const octets = new TextEncoder().encode(text)
  const strings: string[] = []
  for (let start = 0; start === 0 || start < octets.length; start += stringOctets) {
    const shown = Array.from(octets.subarray(start, start + stringOctets), (octet) => {
      if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`
      return octet < 0x20 || octet > 0x7e ? `\\${octet.toString(radix).padStart(3, "0")}` : String.fromCharCode(octet)
    })
    strings.push(`"${shown.join("")}"`)
  }
  return strings.join(" ")
}

/** The text of character-strings, joined, whose `\DDD` are of that radix; what does not begin with a quote is text already. */
export function unquoteText(quoted: string, radix: 8 | 10 = 10): string {
  const source = quoted.trim()
  if (!source.startsWith('"')) return quoted
  const octets: number[] = []
  let inside = false
  for (let at = 0; at < source.length; at++) {
    const char = source[at] ?? ""
    if (char === '"') {
      inside = !inside
    } else if (inside && char === "\\") {
      const digits = (radix === 8 ? /^[0-3][0-7]{2}/ : /^\d{3}/).exec(source.slice(at + 1, at + 4))?.[0]
      if (digits) octets.push(Number.parseInt(digits, radix) & 0xff)
      else octets.push(...Buffer.from(source[at + 1] ?? ""))
      at += digits ? 3 : 1
    } else if (inside) {
      const point = String.fromCodePoint(source.codePointAt(at) ?? 0)
      octets.push(...Buffer.from(point))
      at += point.length - 1
    }
  }
  return Buffer.from(octets).toString("utf8")
}

export type MxFields = { preference: number; host: string }
export type SrvFields = { priority: number; weight: number; port: number; host: string }
export type CaaFields = { flags: number; tag: string; text: string }

/** The fields of an MX value; throws `refused` where it is none. */
export function splitMx(value: string): MxFields {
  const match = /^(\d{1,5}) (\S+)$/.exec(value)
  if (!match) throw new ProviderFault("refused", `"${value}" is no MX record such as: 10 mail.example.com`)
  return { preference: Number(match[1]), host: match[2] ?? "" }
}

/** The fields of an SRV value; throws `refused` where it is none. */
export function splitSrv(value: string): SrvFields {
  const match = /^(\d{1,5}) (\d{1,5}) (\d{1,5}) (\S+)$/.exec(value)
  if (!match) throw new ProviderFault("refused", `"${value}" is no SRV record such as: 0 5 443 host.example.com`)
  return { priority: Number(match[1]), weight: Number(match[2]), port: Number(match[3]), host: match[4] ?? "" }
}

/** The fields of a CAA value, its text without quotes; throws `refused` where it is none. */
export function splitCaa(value: string): CaaFields {
  const match = /^(\d{1,3}) ([a-z0-9]+) ("(?:[^"\\]|\\.)*")$/i.exec(value)
  if (!match) throw new ProviderFault("refused", `"${value}" is no CAA record such as: 0 issue "ca.example"`)
  return { flags: Number(match[1]), tag: match[2] ?? "", text: unquoted(match[3] ?? "") }
}

export const joinMx = ({ preference, host }: MxFields) => canonicalValue("MX", `${preference} ${host}`)

export const joinSrv = ({ priority, weight, port, host }: SrvFields) => canonicalValue("SRV", `${priority} ${weight} ${port} ${host}`)

export const joinCaa = ({ flags, tag, text }: CaaFields) => `${flags} ${tag.toLowerCase()} "${text.replace(/["\\]/g, "\\$&")}"`

const unquoted = (text: string) => (/^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, "$1") : text)
