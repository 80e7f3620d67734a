import type { HeaderField } from "./http2/hpack-table"

const SLOTS = 256
const LINE_BYTES = 128

type Slot = { line: Buffer; field: HeaderField }

/**
 * Fields made of lines of HTTP/1, so that those which come again and again (`content-type`, `server`, a date for a second) are made once.
 * Bounded: a line has one slot it may be in, and takes it from the one before. Long lines are not kept.
 */
export class FieldCache {
  private slots: (Slot | undefined)[] = Array.from({ length: SLOTS })

  /** The field whose name stands from `start` to `nameEnd` and whose value from `from` to `end`; the name comes out in lower case. */
  field(bytes: Buffer, start: number, nameEnd: number, from: number, end: number): HeaderField {
    const length = end - start
    if (length > LINE_BYTES) return read(bytes, start, nameEnd, from, end)
    let hash = length
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
    const index = (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (SLOTS - 1)
    const slot = this.slots[index]
    if (slot !== undefined && isSame(slot.line, bytes, start, length)) return slot.field
    const field = read(bytes, start, nameEnd, from, end)
    this.slots[index] = { line: Buffer.from(bytes.subarray(start, end)), field }
    return field
  }
}

function isSame(line: Buffer, bytes: Buffer, start: number, length: number): boolean {
  if (line.length !== length) return false
  for (let i = 0; i < length; i++) if (line[i] !== bytes[start + i]) return false
  return true
}

const read = (bytes: Buffer, start: number, nameEnd: number, from: number, end: number): HeaderField => ({
  name: bytes.toString("latin1", start, nameEnd).toLowerCase(),
  value: bytes.toString("latin1", from, end),
})
