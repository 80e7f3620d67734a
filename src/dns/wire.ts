/**
 * DNS messages (RFC 1035 section 4, EDNS of RFC 6891): decode reads header → questions → records → OPT; encode writes them in that order.
 *
 * Truth list:
 * - dns2 (3.1.1) is not used for packets. Measured: a TXT string over 255 octets is written with a wrong length; a label that holds a dot decodes to the same
 *   text as two labels, so bailiwick checks could be fooled; it follows forward pointers and chains of thousands, 0.9 ms a record, so one 64 KiB
 *   answer of 4097 records stops the process for seconds. Its decoder serves the tests as an independent witness.
 * - Names are compared and shown in lower case; only a question keeps its spelling, to be echoed (`spelled`).
 * - Octets after the last record make a message malformed, as BIND and Knot have it.
 * - DNSSEC records are read and written (dnssec.ts); no signature is checked here.
 */
import type { Name } from "./name"
import { nameFromLabels, WireError } from "./name"
import { Reader, Writer } from "./octets"
import { readData, writeData } from "./rdata"

/** Response codes (RFC 1035 section 4.1.1, RFC 6891 section 9). */
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const
export const CLASS_IN = 1
/** The UDP size that we offer and honour: fits every path without fragments (RFC 9715). */
export const UDP_SIZE = 1232
const OPT = 41
const DO_BIT = 0x8000

export type Question = { name: Name; type: number; class: number; spelled?: string }
/** A record with its data in presentation form (`readData`). */
export type DnsRecord = { name: Name; type: number; class: number; ttl: number; value: string }
/** `dnssecOk` is the DO bit (RFC 3225), left out where it is off. */
export type Edns = { udpSize: number; version: number; dnssecOk?: boolean }
export type Message = {
  id: number
  response: boolean
  opcode: number
  authoritative: boolean
  truncated: boolean
  recursionDesired: boolean
  recursionAvailable: boolean
  /** Twelve bits where the message carries EDNS. */
  rcode: number
  questions: Question[]
  answers: DnsRecord[]
  authorities: DnsRecord[]
  additionals: DnsRecord[]
  edns?: Edns
}

/** A message with every flag off and every section empty, but for what is given. */
export const message = (given: Partial<Message>): Message => ({
  id: 0,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  rcode: rcodes.NOERROR,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
  ...given,
})

/** The octets of a message, names compressed; throws WireError where a value is not of its type or the whole passes 65535 octets. */
export function encodeMessage(given: Message): Uint8Array<ArrayBuffer> {
  const writer = new Writer()
  const flag = (on: boolean, bit: number) => (on ? 1 << bit : 0)
  writer.u16(given.id)
  writer.u16(
    flag(given.response, 15) |
      ((given.opcode & 15) << 11) |
      flag(given.authoritative, 10) |
      flag(given.truncated, 9) |
      flag(given.recursionDesired, 8) |
      flag(given.recursionAvailable, 7) |
      (given.rcode & 15),
  )
  writer.u16(given.questions.length)
  writer.u16(given.answers.length)
  writer.u16(given.authorities.length)
  writer.u16(given.additionals.length + (given.edns ? 1 : 0))
  for (const question of given.questions) {
    writer.name(question.spelled ?? question.name)
    writer.u16(question.type)
    writer.u16(question.class)
  }
  for (const record of [...given.answers, ...given.authorities, ...given.additionals]) {
    writer.name(record.name)
    writer.u16(record.type)
    writer.u16(record.class)
    writer.u32(Math.min(record.ttl, 0x7fffffff))
    writer.measured(() => writeData(writer, record.type, record.value))
  }
  if (given.edns) {
    writer.u8(0)
    writer.u16(OPT)
    writer.u16(given.edns.udpSize)
    writer.u8(given.rcode >>> 4)
    writer.u8(given.edns.version)
    writer.u16(given.edns.dnssecOk ? DO_BIT : 0)
    writer.u16(0)
  }
  return writer.done()
}

/** The message in the octets; throws WireError for anything that is not a whole, well-formed message. Takes time linear in its length. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new Reader(bytes)
  const id = reader.u16()
  const flags = reader.u16()
  const counts = [reader.u16(), reader.u16(), reader.u16(), reader.u16()] as const
  const decoded = message({
    id,
    response: (flags & 0x8000) !== 0,
    opcode: (flags >>> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    rcode: flags & 15,
  })
  for (let index = 0; index < counts[0]; index++) decoded.questions.push(readQuestion(reader))
  const sections = [decoded.answers, decoded.authorities, decoded.additionals]
  for (const [section, records] of sections.entries()) {
    for (let index = 0; index < counts[section + 1]!; index++) {
      const record = readRecord(reader)
      if (record.type !== OPT) {
        records.push(record)
        continue
      }
      if (section !== 2 || decoded.edns || record.name !== "") throw new WireError("the message has an OPT record where none may be")
      decoded.edns = { udpSize: record.class, version: (record.ttl >>> 16) & 0xff, ...(record.ttl & DO_BIT ? { dnssecOk: true } : {}) }
      decoded.rcode |= (record.ttl >>> 24) << 4
    }
  }
  if (reader.at !== reader.length) throw new WireError("octets follow the last record")
  return decoded
}

function readQuestion(reader: Reader): Question {
  const labels = reader.labels()
  return { name: nameFromLabels(labels), type: reader.u16(), class: reader.u16(), spelled: nameFromLabels(labels, false) }
}

function readRecord(reader: Reader): DnsRecord {
  const name = reader.name()
  const type = reader.u16()
  const recordClass = reader.u16()
  const rawTtl = reader.u32()
  const value = readData(reader, type, reader.u16())
  // RFC 2181 section 8: a TTL with the top bit set counts as zero; in an OPT record the field is no TTL.
  return { name, type, class: recordClass, ttl: type === OPT || rawTtl <= 0x7fffffff ? rawTtl : 0, value }
}
