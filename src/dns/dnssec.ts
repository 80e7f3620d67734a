/**
 * DNSSEC records as far as one can tell from outside that a zone is broken (RFC 4034): their data in presentation form, whether a DS fits a key, whether the
 * time of a signature is now. No signature is verified.
 */
import { createHash } from "node:crypto"
import { uncompressed, WireError } from "./name"
import type { Reader, Writer } from "./octets"

const DS = 43
const RRSIG = 46
const DNSKEY = 48

/** A DS record; `digest` in lower-case hexadecimal. */
export type DelegationSigner = { keyTag: number; algorithm: number; digestType: number; digest: string }

/** A signature over the records of `covers`; times are Unix milliseconds. */
export type Signature = { covers: string; algorithm: number; keyTag: number; signer: string; inceptsAt: number; expiresAt: number }

/** Data of a DS, DNSKEY or RRSIG up to `end`, as RFC 4034 sections 2.2, 3.2 and 5.3 show it, names without a trailing dot. */
export function readSigned(reader: Reader, type: number, end: number, typeName: (type: number) => string): string {
  const rest = () => {
    if (reader.at > end) throw new WireError("record data does not have the length it declares")
    return Buffer.from(reader.slice(end - reader.at))
  }
  if (type === DS) return [reader.u16(), reader.u8(), reader.u8(), rest().toString("hex")].join(" ")
  if (type === DNSKEY) return [reader.u16(), reader.u8(), reader.u8(), rest().toString("base64")].join(" ")
  const covers = typeName(reader.u16())
  const numbers = [reader.u8(), reader.u8(), reader.u32()]
  const times = [showTime(reader.u32()), showTime(reader.u32())]
  return [covers, ...numbers, ...times, reader.u16(), reader.name() || ".", rest().toString("base64")].join(" ")
}

/** Writes what `readSigned` gives; throws WireError where the text is not of that type. */
export function writeSigned(writer: Writer, type: number, value: string, covers: number | undefined): void {
  const words = value.split(" ")
  if (type === RRSIG) {
    const [, algorithm, labels, ttl, expires = "", incepts = "", keyTag, signer = "", signature = ""] = words
    if (words.length !== 9 || covers === undefined) throw new WireError(`"${value}" is not an RRSIG record`)
    writer.u16(covers)
    writer.u8(numberOf(algorithm, 0xff))
    writer.u8(numberOf(labels, 0xff))
    writer.u32(numberOf(ttl, 0xffffffff))
    for (const time of [expires, incepts]) writer.u32(Math.floor(parseTime(time) / 1000) >>> 0)
    writer.u16(numberOf(keyTag, 0xffff))
    writer.octets(uncompressed(signer))
    return writer.octets(Buffer.from(signature, "base64"))
  }
  const [first, second, third, data = ""] = words
  if (words.length !== 4) throw new WireError(`"${value}" is not three numbers and data`)
  writer.u16(numberOf(first, 0xffff))
  writer.u8(numberOf(second, 0xff))
  writer.u8(numberOf(third, 0xff))
  writer.octets(Buffer.from(data, type === DS ? "hex" : "base64"))
}

/** Reads a DS in presentation form; undefined for what is none. */
export function parseDelegationSigner(value: string): DelegationSigner | undefined {
  const match = /^(\d+) (\d+) (\d+) ([0-9a-f]+)$/.exec(value)
  if (match === null) return undefined
  return { keyTag: Number(match[1]), algorithm: Number(match[2]), digestType: Number(match[3]), digest: match[4] ?? "" }
}

/** Reads an RRSIG in presentation form; undefined for what is none. */
export function parseSignature(value: string): Signature | undefined {
  const match = /^(\S+) (\d+) \d+ \d+ (\d{14}) (\d{14}) (\d+) (\S+) \S*$/.exec(value)
  if (match === null) return undefined
  const [, covers = "", algorithm, expires = "", incepts = "", keyTag, signer = ""] = match
  const times = { expiresAt: parseTime(expires), inceptsAt: parseTime(incepts) }
  return { covers, algorithm: Number(algorithm), keyTag: Number(keyTag), signer, ...times }
}

/** The tag of a DNSKEY in presentation form (RFC 4034 appendix B); not that of the long obsolete algorithm 1. */
export function keyTagOf(key: string): number {
  let sum = 0
  for (const [index, octet] of keyOctets(key).entries()) sum += index & 1 ? octet : octet << 8
  return (sum + ((sum >>> 16) & 0xffff)) & 0xffff
}

const digests: Record<number, string> = { 1: "sha1", 2: "sha256", 4: "sha384" }

/** Whether a DS of the zone names this DNSKEY (RFC 4034 section 5.1.4); undefined where its digest type is not one we know. */
export function fits(zone: string, signer: DelegationSigner, key: string): boolean | undefined {
  const digest = digests[signer.digestType]
  if (digest === undefined) return undefined
  const [flags, , algorithm] = key.split(" ").map(Number)
  // A key without the zone flag, or one that was revoked, counts for nothing (RFC 4034 section 5.2, RFC 5011 section 2.1).
  if (((flags ?? 0) & 0x180) !== 0x100 || algorithm !== signer.algorithm || keyTagOf(key) !== signer.keyTag) return false
  return createHash(digest).update(uncompressed(zone)).update(keyOctets(key)).digest("hex") === signer.digest
}

function keyOctets(key: string): Buffer {
  const [flags = "", protocol = "", algorithm = "", data = ""] = key.split(" ")
  return Buffer.concat([
    Buffer.from([Number(flags) >>> 8, Number(flags) & 0xff, Number(protocol), Number(algorithm)]),
    Buffer.from(data, "base64"),
  ])
}

function numberOf(text: string | undefined, most: number): number {
  const number = /^\d{1,10}$/.test(text ?? "") ? Number(text) : Number.NaN
  if (!(number <= most)) throw new WireError(`"${text}" is not a number up to ${most}`)
  return number
}

/** YYYYMMDDHHmmSS in UTC. Until 2106 the 32 bits need no serial arithmetic (RFC 4034 section 3.1.5). */
function showTime(seconds: number): string {
  return new Date(seconds * 1000)
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/\D/g, "")
}

function parseTime(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)
  if (match === null) throw new WireError(`"${text}" is not a time such as 20261231235959`)
  const [year = 0, month = 0, ...rest] = match.slice(1).map(Number)
  return Date.UTC(year, month - 1, ...rest)
}
