import { isIPv4, isIPv6 } from "node:net"
import type { RecordType } from "./lookup"
import { WireError } from "./name"
import type { Reader, Writer } from "./octets"

/** Type numbers of the records we read and write (IANA DNS parameters). */
export const typeNumbers = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28, SRV: 33, CAA: 257 } as const satisfies Record<
  RecordType | "MX" | "SRV",
  number
>

const STRING_OCTETS = 255

function readIPv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (((octets[index * 2] ?? 0) << 8) | (octets[index * 2 + 1] ?? 0)).toString(16))
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === "0") length++
    if (length > best.length) best = { start, length }
  }
  if (best.length === 1) return groups.join(":")
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`
}

function octetsOfIPv6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const hex = (high?: string, low?: string) => ((Number(high) << 8) | Number(low)).toString(16)
  const plain = dotted ? `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}` : text
  const [head = "", tail] = plain.split("::")
  const left = head === "" ? [] : head.split(":")
  const right = tail ? tail.split(":") : []
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right].map((group) => Number.parseInt(group, 16))
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]))
}

/**
 * Record data in presentation form; data of an unknown type as `\# length hex` (RFC 3597 section 5). A TXT record's character-strings are joined,
 * octets that are not UTF-8 become U+FFFD. Throws WireError where the data does not fill exactly `length` octets.
 */
export function readData(reader: Reader, type: number, length: number): string {
  const end = reader.at + length
  if (end > reader.length) throw new WireError("record data runs past the end of the message")
  const value = readValue(reader, type, length, end)
  if (reader.at !== end) throw new WireError("record data does not have the length it declares")
  return value
}

function readValue(reader: Reader, type: number, length: number, end: number): string {
  switch (type) {
    case typeNumbers.A:
      return reader.slice(4).join(".")
    case typeNumbers.AAAA:
      return readIPv6(reader.slice(16))
    case typeNumbers.NS:
    case typeNumbers.CNAME:
      return reader.name()
    case typeNumbers.SOA: {
      const names = [reader.name(), reader.name()].map((name) => name || ".")
      return [...names, reader.u32(), reader.u32(), reader.u32(), reader.u32(), reader.u32()].join(" ")
    }
    case typeNumbers.MX:
      return `${reader.u16()} ${reader.name() || "."}`
    case typeNumbers.SRV:
      return `${reader.u16()} ${reader.u16()} ${reader.u16()} ${reader.name() || "."}`
    case typeNumbers.TXT: {
      const strings: Uint8Array[] = []
      if (length === 0) throw new WireError("a TXT record has no character-string")
      while (reader.at < end) strings.push(reader.slice(reader.u8()))
      return Buffer.concat(strings).toString("utf8")
    }
    case typeNumbers.CAA: {
      const flags = reader.u8()
      const tag = Buffer.from(reader.slice(reader.u8())).toString("latin1")
      if (!/^[a-z0-9]+$/i.test(tag) || reader.at > end) throw new WireError("a CAA record has no valid tag")
      const text = Buffer.from(reader.slice(end - reader.at)).toString("utf8")
      return `${flags} ${tag.toLowerCase()} "${text.replace(/["\\]/g, "\\$&")}"`
    }
    default: {
      const octets = Buffer.from(reader.slice(length))
      return `\\# ${length}${length === 0 ? "" : ` ${octets.toString("hex")}`}`
    }
  }
}

/** Writes data that is in the form `readData` gives; throws WireError where the text is not of that type. */
export function writeData(writer: Writer, type: number, value: string): void {
  switch (type) {
    case typeNumbers.A:
      if (!isIPv4(value)) throw new WireError(`"${value}" is not an IPv4 address`)
      return writer.octets(Uint8Array.from(value.split(".").map(Number)))
    case typeNumbers.AAAA:
      if (!isIPv6(value) || value.includes("%")) throw new WireError(`"${value}" is not an IPv6 address`)
      return writer.octets(octetsOfIPv6(value))
    case typeNumbers.NS:
    case typeNumbers.CNAME:
      return writer.name(value)
    case typeNumbers.SOA:
      return writeAuthority(writer, value)
    case typeNumbers.MX:
      return writeNumbered(writer, value, 1, "an MX record such as: 10 mail.example")
    case typeNumbers.SRV:
      return writeNumbered(writer, value, 3, "an SRV record such as: 0 5 443 host.example")
    case typeNumbers.TXT: {
      const octets = Buffer.from(value, "utf8")
      for (let at = 0; at === 0 || at < octets.length; at += STRING_OCTETS) {
        const string = octets.subarray(at, at + STRING_OCTETS)
        writer.u8(string.length)
        writer.octets(string)
      }
      return
    }
    case typeNumbers.CAA: {
      const match = /^(\d{1,3}) ([A-Za-z0-9]{1,255}) "((?:[^"\\]|\\["\\])*)"$/.exec(value)
      if (!match || Number(match[1]) > 255) throw new WireError(`"${value}" is not a CAA record such as: 0 issue "ca.example"`)
      writer.u8(Number(match[1]))
      writer.u8(match[2]!.length)
      writer.octets(Buffer.from(match[2]!, "latin1"))
      return writer.octets(Buffer.from(match[3]!.replace(/\\(.)/g, "$1"), "utf8"))
    }
    default: {
      const match = /^\\# (\d+)(?: ((?:[0-9a-f]{2})+))?$/i.exec(value)
      const octets = Buffer.from(match?.[2] ?? "", "hex")
      if (!match || octets.length !== Number(match[1])) throw new WireError(`"${value}" is not data of type ${type}`)
      return writer.octets(octets)
    }
  }
}

/** Numbers of 16 bits, then a name. */
function writeNumbered(writer: Writer, value: string, count: number, what: string): void {
  const words = value.split(" ")
  const numbers = words.slice(0, count)
  const bad = words.length !== count + 1 || numbers.some((number) => !/^\d{1,5}$/.test(number) || Number(number) > 0xffff)
  if (bad) throw new WireError(`"${value}" is not ${what}`)
  for (const number of numbers) writer.u16(Number(number))
  writer.name(words[count] ?? "")
}

function writeAuthority(writer: Writer, value: string): void {
  const [primary = "", contact = "", ...numbers] = value.split(" ")
  const bad = numbers.length !== 5 || numbers.some((number) => !/^\d{1,10}$/.test(number) || Number(number) > 0xffffffff)
  if (!primary || !contact || bad) throw new WireError(`"${value}" is not a SOA record: two names and five numbers`)
  writer.name(primary)
  writer.name(contact)
  for (const number of numbers) writer.u32(Number(number))
}
