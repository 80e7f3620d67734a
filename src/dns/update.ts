import { type Name, WireError } from "./name"
import { Reader, Writer } from "./octets"
import { readData, typeNumbers, writeData } from "./rdata"
import { CLASS_IN } from "./wire"

/**
 * Dynamic update (RFC 2136): one message says what must be so (prerequisites) and what shall be changed, and the server does all of it or nothing.
 * Response codes are those of section 2.2; a reply is read by its header alone, since a server may or may not send the sections back.
 */
export const updateCodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
} as const

/** A record of an update as it goes over the wire; what the class and an empty `data` mean is said by the functions that make them. */
export type UpdateRecord = { name: Name; type: number; class: number; ttl: number; data: Uint8Array }

const OPCODE_UPDATE = 5
const CLASS_NONE = 254
const CLASS_ANY = 255
const nothing = new Uint8Array()

/** Prerequisite: the set holds exactly these records (section 2.4.2). */
export const isExactly = (name: Name, type: number, data: Uint8Array[]): UpdateRecord[] =>
  data.map((one) => ({ name, type, class: CLASS_IN, ttl: 0, data: one }))

/** Prerequisite: there is such a set, whatever it holds (section 2.4.1). */
export const isThere = (name: Name, type: number): UpdateRecord => ({ name, type, class: CLASS_ANY, ttl: 0, data: nothing })

/** Prerequisite: there is no such set (section 2.4.3). */
export const isAbsent = (name: Name, type: number): UpdateRecord => ({ name, type, class: CLASS_NONE, ttl: 0, data: nothing })

/** Change: the whole set goes (section 2.5.2). */
export const removeSet = isThere

/** Change: one more record (section 2.5.1), which a server leaves out silently where a CNAME stands in its way, or it in the way of others. */
export const addRecord = (name: Name, type: number, ttl: number, data: Uint8Array): UpdateRecord => ({
  name,
  type,
  class: CLASS_IN,
  ttl,
  data,
})

/** The octets of an update of the zone; throws WireError. */
export function encodeUpdate(given: { id: number; zone: Name; prerequisites: UpdateRecord[]; changes: UpdateRecord[] }): Uint8Array {
  const writer = new Writer()
  writer.u16(given.id)
  writer.u16(OPCODE_UPDATE << 11)
  for (const count of [1, given.prerequisites.length, given.changes.length, 0]) writer.u16(count)
  writer.name(given.zone)
  writer.u16(typeNumbers.SOA)
  writer.u16(CLASS_IN)
  for (const record of [...given.prerequisites, ...given.changes]) {
    writer.name(record.name)
    writer.u16(record.type)
    writer.u16(record.class)
    writer.u32(record.ttl)
    writer.measured(() => writer.octets(record.data))
  }
  return writer.done()
}

/** The response code of a reply to the message with this id; throws WireError where it is none. */
export function updateCode(bytes: Uint8Array, id: number): number {
  const reader = new Reader(bytes)
  const [replyId, flags] = [reader.u16(), reader.u16()]
  if (replyId !== id || (flags & 0x8000) === 0) throw new WireError("the reply answers another message")
  return flags & 15
}

/** Record data from presentation form, its names not compressed; throws WireError. */
export function encodeData(type: number, value: string): Uint8Array {
  const writer = new Writer()
  writeData(writer, type, value)
  return writer.done()
}

/** A record of an answer with its data as it is in the zone, so that a prerequisite can name it whatever it holds. */
export type RawRecord = { name: Name; type: number; ttl: number; data: Uint8Array; value: string }

const typesWithNames = new Set<number>([typeNumbers.CNAME, typeNumbers.NS, typeNumbers.MX, typeNumbers.SRV, typeNumbers.SOA])

/** The answer and authority sections of a reply; throws WireError. */
export function rawSections(bytes: Uint8Array): { answers: RawRecord[]; authorities: RawRecord[] } {
  const reader = new Reader(bytes)
  reader.at = 4
  const [questions, answers, authorities] = [reader.u16(), reader.u16(), reader.u16()]
  reader.u16()
  for (let index = 0; index < questions; index++) {
    reader.labels()
    reader.slice(4)
  }
  const take = (count: number) => Array.from({ length: count }, () => rawRecord(reader, bytes))
  return { answers: take(answers), authorities: take(authorities) }
}

function rawRecord(reader: Reader, bytes: Uint8Array): RawRecord {
  const name = reader.name()
  const type = reader.u16()
  reader.u16()
  const ttl = reader.u32()
  const length = reader.u16()
  const start = reader.at
  const value = readData(reader, type, length)
  return { name, type, ttl, value, data: typesWithNames.has(type) ? encodeData(type, value) : bytes.slice(start, start + length) }
}
