import { FieldCache } from "./field-cache"
import { FieldName, fieldNameOf, fieldNameOfText } from "./field-name"
import { MessageError, singleIndex, tokenBytes, valueBytes } from "./field-lines"
import type { HeaderField } from "./http2/hpack-table"
import type { Outbox } from "./outbox"

/** The fields of a message, wherever they came from. `dropped` is a set of FieldName; `named` are the options of its Connection field. */
export interface Fields {
  /** The value of the one field of a name, or undefined; two of them throw MessageError, since which one counts is what smugglers play with. */
  single(name: FieldName): string | undefined
  /** Whether the fields of a name, if any, stand as everybody writes them: at most one space before the value, nothing behind it. */
  isTidy(name: FieldName): boolean
  /** All values of a name, in order. */
  all(name: FieldName): readonly string[]
  /** Appends the fields that go on, as lines of HTTP/1. */
  writeTo(out: Outbox, dropped: Uint8Array, named: readonly string[]): void
  /** Appends the fields that go on, as HTTP/2 has them. */
  appendTo(list: HeaderField[], dropped: Uint8Array, named: readonly string[]): void
}

/** Field lines of HTTP/1 (RFC 9112 section 5), as places in the bytes they came in: nothing is copied before it is sent on. */
export class FieldLines implements Fields {
  count = 0
  private bytes: Buffer = EMPTY
  private ids: Uint8Array
  /** Four numbers a field: where the line begins, the name ends, the value begins, the value ends. */
  private places: Int32Array
  private end = 0
  private cache: FieldCache | undefined

  constructor(private maxCount: number) {
    this.ids = new Uint8Array(maxCount)
    this.places = new Int32Array(4 * maxCount)
  }

  /** Parses the lines from `start` to `end`, each ending in CRLF; throws MessageError for anything that two parsers could read in two ways. */
  parse(bytes: Buffer, start: number, end: number): void {
    const { ids, places, maxCount } = this
    this.bytes = bytes
    this.end = end
    let count = 0
    let at = start
    while (at < end) {
      if (count === maxCount) throw new MessageError(431, "too many header fields")
      let i = at
      while (tokenBytes[bytes[i]!] === 1) i++
      if (i === at) throw new MessageError(400, "a header field has no name, or a line is folded")
      if (bytes[i] !== 58) throw new MessageError(400, "a header field's name is not followed by a colon")
      ids[count] = fieldNameOf(bytes, at, i)
      const place = 4 * count
      places[place] = at
      places[place + 1] = i++
      while (bytes[i] === 32 || bytes[i] === 9) i++
      places[place + 2] = i
      while (valueBytes[bytes[i]!] === 1) i++
      if (bytes[i] !== 13 || i >= end) throw new MessageError(400, "a header field's value has a control character")
      if (bytes[i + 1] !== 10) throw new MessageError(400, "a line does not end in CRLF")
      at = i + 2
      while (i > places[place + 2]! && (bytes[i - 1] === 32 || bytes[i - 1] === 9)) i--
      places[place + 3] = i
      count++
    }
    this.count = count
  }

  /** Lets go of the bytes, which would otherwise stay until the next message. */
  clear(): void {
    this.bytes = EMPTY
    this.count = 0
  }

  /** The place of the one field of a name, or -1; throws MessageError for two. */
  find(name: FieldName): number {
    return singleIndex(this.ids, this.count, name)
  }

  /** Whether the value at a place is exactly this text. */
  valueIs(index: number, text: string): boolean {
    const from = this.places[4 * index + 2]!
    if (this.places[4 * index + 3]! - from !== text.length) return false
    for (let i = 0; i < text.length; i++) if (this.bytes[from + i] !== text.charCodeAt(i)) return false
    return true
  }

  value(index: number): string {
    return this.bytes.toString("latin1", this.places[4 * index + 2]!, this.places[4 * index + 3]!)
  }

  isTidy(name: FieldName): boolean {
    const { bytes, count, ids, places } = this
    for (let i = 0; i < count; i++) {
      if (ids[i] !== name) continue
      const from = places[4 * i + 2]!
      const blanks = from - places[4 * i + 1]! - 1
      if (bytes[places[4 * i + 3]!] !== 13 || blanks > 1 || (blanks === 1 && bytes[from - 1] !== 32)) return false
    }
    return true
  }

  single(name: FieldName): string | undefined {
    const index = this.find(name)
    return index < 0 ? undefined : this.value(index)
  }

  all(name: FieldName): readonly string[] {
    const first = this.ids.indexOf(name)
    if (first < 0 || first >= this.count) return NO_VALUES
    const values: string[] = []
    for (let i = first; i < this.count; i++) if (this.ids[i] === name) values.push(this.value(i))
    return values
  }

  /** Lines next to each other are copied in runs. */
  writeTo(out: Outbox, dropped: Uint8Array, named: readonly string[]): void {
    const { count, ids, places } = this
    if (count === 0) return
    let runStart = places[0]!
    for (let i = 0; i < count; i++) {
      if (dropped[ids[i]!] === 0 && (named.length === 0 || !this.isNamed(i, named))) continue
      const start = places[4 * i]!
      if (start > runStart) out.copy(this.bytes, runStart, start)
      runStart = i + 1 < count ? places[4 * i + 4]! : this.end
    }
    if (this.end > runStart) out.copy(this.bytes, runStart, this.end)
  }

  appendTo(list: HeaderField[], dropped: Uint8Array, named: readonly string[]): void {
    for (let i = 0; i < this.count; i++) {
      if (dropped[this.ids[i]!] === 0 && !this.isNamed(i, named)) list.push(this.field(i))
    }
  }

  private field(index: number): HeaderField {
    const { places } = this
    const at = 4 * index
    this.cache ??= new FieldCache()
    return this.cache.field(this.bytes, places[at]!, places[at + 1]!, places[at + 2]!, places[at + 3]!)
  }

  /** The framing is ours to judge, whatever a Connection field says of it. */
  private isNamed(index: number, named: readonly string[]): boolean {
    if (named.length === 0 || this.ids[index] === FieldName.ContentLength) return false
    for (const name of named) if (this.nameIs(index, name)) return true
    return false
  }

  /** Whether the name at a place is this one in lower case. */
  private nameIs(index: number, name: string): boolean {
    const start = this.places[4 * index]!
    if (this.places[4 * index + 1]! - start !== name.length) return false
    for (let i = 0; i < name.length; i++) if (lowerCase[this.bytes[start + i]!] !== name.charCodeAt(i)) return false
    return true
  }
}

/** ASCII letters in lower case, other bytes as they are. */
const lowerCase = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte))

const EMPTY = Buffer.alloc(0)
const NO_VALUES: readonly string[] = Object.freeze([])

/** Fields that came by HTTP/2, already checked by its session (RFC 9113 section 8.2.1): names are lower case tokens, values hold no line break. */
export class FieldList implements Fields {
  /** Values of HTTP/2 have no blanks around them. */
  isTidy(): boolean {
    return true
  }

  private ids: Uint8Array

  /** The fields of `list` from the place `from` on. */
  constructor(
    private list: readonly HeaderField[],
    private from = 0,
  ) {
    this.ids = new Uint8Array(list.length)
    for (let i = from; i < list.length; i++) this.ids[i] = fieldNameOfText(list[i]!.name)
  }

  single(name: FieldName): string | undefined {
    const index = singleIndex(this.ids, this.list.length, name)
    return index < 0 ? undefined : this.list[index]!.value
  }

  all(name: FieldName): readonly string[] {
    const values: string[] = []
    for (let i = this.from; i < this.list.length; i++) if (this.ids[i] === name) values.push(this.list[i]!.value)
    return values
  }

  writeTo(out: Outbox, dropped: Uint8Array, named: readonly string[]): void {
    let cookies = ""
    for (let i = this.from; i < this.list.length; i++) {
      if (dropped[this.ids[i]!] === 1) continue
      const { name, value } = this.list[i]!
      // HTTP/2 may cut the cookies into several fields, HTTP/1.1 may not (RFC 9113 section 8.2.3).
      if (this.ids[i] === FieldName.Cookie) cookies += cookies === "" ? value : `; ${value}`
      else if (named.length === 0 || !named.includes(name)) out.text(`${name}: ${value}\r\n`)
    }
    if (cookies !== "") out.text(`cookie: ${cookies}\r\n`)
  }

  appendTo(list: HeaderField[], dropped: Uint8Array, named: readonly string[]): void {
    for (let i = this.from; i < this.list.length; i++) {
      const field = this.list[i]!
      if (dropped[this.ids[i]!] === 0 && (named.length === 0 || !named.includes(field.name))) list.push(field)
    }
  }
}
