import { createHmac, timingSafeEqual } from "node:crypto"
import { labelsOf, type Name, nameFromLabels, WireError } from "./name"
import { Reader, Writer } from "./octets"

/**
 * Transaction signatures of DNS messages (RFC 8945): a request is signed as the last thing before it is sent, its reply is verified as the first
 * thing after it came, over the request's own MAC.
 *
 * Truth list: HMAC with SHA-2 only, since SHA-1 and MD5 are not to be used any more (section 6); a truncated MAC is refused; one message each way.
 */
export const tsigAlgorithms = { "hmac-sha256": "sha256", "hmac-sha384": "sha384", "hmac-sha512": "sha512" } as const

export type TsigAlgorithm = keyof typeof tsigAlgorithms
export type TsigKey = { name: Name; algorithm: TsigAlgorithm; secret: Uint8Array }

/**
 * Why a reply is not to be trusted: `key` and `signature` say that the server does not accept our key, or its secret; `clock` that the two clocks are
 * apart; `unsigned` and `forged` that the reply does not come from who has the key.
 */
export class TsigFault extends Error {
  constructor(
    readonly reason: "key" | "signature" | "clock" | "unsigned" | "forged",
    message: string,
  ) {
    super(message)
    this.name = "TsigFault"
  }
}

const TSIG = 250
const CLASS_ANY = 255
const errors = { BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const
/** By how much the clocks may differ (section 10 recommends it). */
const FUDGE_SECONDS = 300
const TSIG_OCTETS_MAX = 512

/** The message with its TSIG record, and the MAC that the reply is verified with. `nowMs` is Unix time. */
export function signMessage(bytes: Uint8Array, key: TsigKey, nowMs: number): { bytes: Uint8Array; mac: Uint8Array } {
  const timeSeconds = Math.floor(nowMs / 1000)
  const fields = { algorithm: key.algorithm, timeSeconds, fudgeSeconds: FUDGE_SECONDS, error: 0, other: new Uint8Array() }
  const mac = digest(key, [bytes, variables(key.name, fields)])
  const writer = new Writer()
  writer.octets(nameOctets(key.name))
  writer.u16(TSIG)
  writer.u16(CLASS_ANY)
  writer.u32(0)
  writer.measured(() => {
    writer.octets(nameOctets(key.algorithm))
    writeTime(writer, timeSeconds)
    writer.u16(FUDGE_SECONDS)
    writer.u16(mac.length)
    writer.octets(mac)
    writer.octets(bytes.subarray(0, 2))
    writer.u16(0)
    writer.u16(0)
  })
  const record = writer.done()
  if (bytes.length + record.length > 65_535) throw new WireError("the message is too long to be signed")
  const signed = Buffer.concat([bytes, record])
  signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10)
  return { bytes: signed, mac }
}

/** Returns where the reply is signed with the key, in answer to the request of that MAC, at about this time; throws TsigFault, or WireError. */
export function verifyReply(bytes: Uint8Array, key: TsigKey, requestMac: Uint8Array, nowMs: number): void {
  const found = findRecord(bytes)
  if (found === undefined) throw new TsigFault("unsigned", "the reply is not signed")
  const { start, name, fields, mac, originalId } = found
  if (fields.error === errors.BADKEY) throw new TsigFault("key", `the server has no key ${key.name} for ${key.algorithm}`)
  if (fields.error === errors.BADSIG || fields.error === errors.BADTRUNC) {
    throw new TsigFault("signature", `the server has another secret for the key ${key.name}`)
  }
  const isOurs = name === key.name && fields.algorithm === key.algorithm
  const unsigned = Buffer.from(bytes.subarray(0, start))
  unsigned.writeUInt16BE(originalId, 0)
  unsigned.writeUInt16BE(unsigned.readUInt16BE(10) - 1, 10)
  const length = Buffer.from([requestMac.length >>> 8, requestMac.length & 0xff])
  const expected = digest(key, [length, requestMac, unsigned, variables(name, fields)])
  if (!isOurs || mac.length !== expected.length || !timingSafeEqual(mac, expected)) {
    throw new TsigFault("forged", `the reply is not signed with the key ${key.name}`)
  }
  const nowSeconds = Math.floor(nowMs / 1000)
  if (fields.error === errors.BADTIME) {
    const theirs = fields.other.length === 6 ? Buffer.from(fields.other).readUIntBE(0, 6) : fields.timeSeconds
    throw new TsigFault("clock", clockWords(nowSeconds, theirs))
  }
  if (fields.error !== 0) throw new TsigFault("signature", `the server answers the signature with error ${fields.error}`)
  if (Math.abs(nowSeconds - fields.timeSeconds) > fields.fudgeSeconds)
    throw new TsigFault("clock", clockWords(nowSeconds, fields.timeSeconds))
}

function clockWords(oursSeconds: number, theirsSeconds: number): string {
  const apart = Math.abs(theirsSeconds - oursSeconds)
  const word = theirsSeconds > oursSeconds ? "ahead of" : "behind"
  return `the server's clock is ${apart} seconds ${word} ours, and signatures allow ${FUDGE_SECONDS}; set both by NTP`
}

type TsigFields = { algorithm: string; timeSeconds: number; fudgeSeconds: number; error: number; other: Uint8Array }

/** The TSIG record, which has to be the last of all (section 5.1), or undefined where the message has none. */
function findRecord(bytes: Uint8Array): { start: number; name: Name; fields: TsigFields; mac: Uint8Array; originalId: number } | undefined {
  const reader = new Reader(bytes)
  reader.at = 4
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()]
  for (let index = 0; index < counts[0]!; index++) {
    reader.labels()
    reader.slice(4)
  }
  const records = counts[1]! + counts[2]! + counts[3]!
  for (let index = 0; index < records; index++) {
    const start = reader.at
    const name = nameFromLabels(reader.labels())
    const type = reader.u16()
    const recordClass = reader.u16()
    const ttl = reader.u32()
    const length = reader.u16()
    const end = reader.at + length
    if (type !== TSIG) {
      reader.slice(length)
      continue
    }
    if (index !== records - 1 || counts[3] === 0 || length > TSIG_OCTETS_MAX)
      throw new WireError("the message has a TSIG record where none may be")
    if (recordClass !== CLASS_ANY || ttl !== 0) throw new WireError("the TSIG record has a class or a TTL that it may not have")
    const algorithm = nameFromLabels(reader.labels())
    const timeSeconds = reader.u16() * 2 ** 32 + reader.u32()
    const fudgeSeconds = reader.u16()
    const mac = reader.slice(reader.u16())
    const originalId = reader.u16()
    const error = reader.u16()
    const other = reader.slice(reader.u16())
    if (reader.at !== end || end !== bytes.length) throw new WireError("the TSIG record does not have the length it declares")
    return { start, name, fields: { algorithm, timeSeconds, fudgeSeconds, error, other }, mac, originalId }
  }
  return undefined
}

/** What is signed beside the message (section 4.3.3). */
function variables(name: Name, fields: TsigFields): Uint8Array {
  const writer = new Writer()
  writer.octets(nameOctets(name))
  writer.u16(CLASS_ANY)
  writer.u32(0)
  writer.octets(nameOctets(fields.algorithm))
  writeTime(writer, fields.timeSeconds)
  writer.u16(fields.fudgeSeconds)
  writer.u16(fields.error)
  writer.u16(fields.other.length)
  writer.octets(fields.other)
  return writer.done()
}

function digest(key: TsigKey, parts: Uint8Array[]): Buffer {
  const hmac = createHmac(tsigAlgorithms[key.algorithm], key.secret)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

function writeTime(writer: Writer, seconds: number): void {
  writer.u16(Math.floor(seconds / 2 ** 32))
  writer.u32(seconds % 2 ** 32)
}

/** A name in canonical wire form, which is never compressed in a signature. */
function nameOctets(name: Name): Uint8Array {
  return Buffer.concat([...labelsOf(name).flatMap((label) => [Uint8Array.of(label.length), label]), Uint8Array.of(0)])
}
