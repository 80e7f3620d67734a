import { DynamicTable, fieldBytes, type HeaderField, INITIAL_TABLE_BYTES, type Latin1Buffer, STATIC_FIELDS } from "./hpack-table"
import { huffmanBytes, huffmanWrite } from "./huffman"

/** How a literal of a name goes: into the table, outside of it, or marked so that no one downstream puts it in a table (RFC 7541 section 7.1.3). */
type Form = "indexed" | "plain" | "secret"

/** Names whose values seldom repeat, so that an entry would only push a useful one out. */
const PLAIN = `:path age cf-ray content-disposition content-length content-md5 content-range date digest etag expires grpc-message
  grpc-timeout if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location range retry-after
  server-timing traceparent tracestate x-amz-id-2 x-amz-request-id x-amzn-trace-id x-correlation-id x-request-id x-request-start
  x-response-time x-runtime`
const SECRET = "authorization proxy-authorization set-cookie"
/** A shorter cookie could be guessed, byte by byte, from the sizes of blocks (RFC 7541 section 7.1). */
const GUESSABLE_COOKIE_BYTES = 20
const FORMS = new Map<string, Form>([
  ...PLAIN.split(/\s+/).map((name) => [name, "plain"] as const),
  ...SECRET.split(" ").map((name) => [name, "secret"] as const),
])

type StaticName = { index: number; values: { value: string; index: number }[] }
const STATIC_NAMES = new Map<string, StaticName>()
for (const [i, { name, value }] of STATIC_FIELDS.entries()) {
  const known = STATIC_NAMES.get(name) ?? { index: i + 1, values: [] }
  known.values.push({ value, index: i + 1 })
  STATIC_NAMES.set(name, known)
}
const NOT_STATIC: StaticName = { index: 0, values: [] }

/** What the encoder knows of a name: its entries in the dynamic table, oldest first, and how many of those were of no use so far. */
type Name = { text: string; static: StaticName; form: Form; entries: Entry[]; unused: number; last: string }
type Entry = HeaderField & { owner: Name; number: number; wasUsed: boolean }

/** A name whose values did not repeat this often gets no further entry before one comes twice in a row. */
const MAX_UNUSED = 2
/** Most that a field takes beside its texts: the index or the name's length, and the value's length. */
const FIELD_OVERHEAD_BYTES = 12
const SIZE_UPDATES_BYTES = 12
const LOOP_BYTES = 16

/** Encodes the header blocks of one connection, in the order in which they are sent (RFC 7541). A field's texts are latin1. */
export class HpackEncoder {
  private names = new Map<string, Name>()
  private added = 0
  private table: DynamicTable<Entry>
  /** Sizes to be signalled: the smallest since the last block, then the last (RFC 7541 section 4.2). */
  private smallest = Infinity
  private wanted: number

  /** `maxTableBytes` is our own bound; a table above the initial 4,096 bytes waits for the peer's setting. */
  constructor(private maxTableBytes = INITIAL_TABLE_BYTES) {
    this.table = new DynamicTable(INITIAL_TABLE_BYTES, (entry) => this.forget(entry))
    this.wanted = INITIAL_TABLE_BYTES
    this.setPeerTableBytes(INITIAL_TABLE_BYTES)
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; a change is signalled at the start of the next block (RFC 7541 sections 4.2 and 6.3). */
  setPeerTableBytes(bytes: number): void {
    this.wanted = Math.min(bytes, this.maxTableBytes)
    this.smallest = Math.min(this.smallest, this.wanted)
  }

  /**
   * Writes a block at `offset` of `target` and answers the offset past it, or -1 where it might not fit, with nothing changed: it asks for
   * the size of the texts and 12 bytes a field, and 12 more.
   */
  encode(fields: readonly HeaderField[], target: Buffer, offset: number): number {
    const output = target as Latin1Buffer
    let needed = SIZE_UPDATES_BYTES + fields.length * FIELD_OVERHEAD_BYTES
    for (const field of fields) needed += field.name.length + field.value.length
    if (needed > target.length - offset) return -1
    let at = this.resize(output, offset)
    for (const field of fields) at = this.field(field.name, field.value, output, at)
    return at
  }

  private resize(target: Latin1Buffer, offset: number): number {
    let at = offset
    if (this.smallest < this.table.capacityBytes && this.smallest < this.wanted) {
      at = writeInteger(this.smallest, 0x20, 0x1f, target, at)
      this.table.resize(this.smallest)
    }
    if (this.wanted !== this.table.capacityBytes) {
      at = writeInteger(this.wanted, 0x20, 0x1f, target, at)
      this.table.resize(this.wanted)
    }
    this.smallest = Infinity
    return at
  }

  private field(text: string, value: string, target: Latin1Buffer, at: number): number {
    const name = this.names.get(text) ?? this.meet(text)
    if (name.form !== "secret") {
      const known = name.static.values
      for (let i = 0; i < known.length; i++) if (known[i]!.value === value) return writeInteger(known[i]!.index, 0x80, 0x7f, target, at)
      for (let i = name.entries.length - 1; i >= 0; i--) {
        const entry = name.entries[i]!
        if (entry.value !== value) continue
        if (!entry.wasUsed) name.unused--
        entry.wasUsed = true
        return writeInteger(this.index(entry), 0x80, 0x7f, target, at)
      }
    }
    return this.literal(name, value, target, at)
  }

  private literal(name: Name, value: string, target: Latin1Buffer, at: number): number {
    const newest = name.entries.length - 1
    const index = name.static.index > 0 ? name.static.index : newest < 0 ? 0 : this.index(name.entries[newest]!)
    const guessable = value.length < GUESSABLE_COOKIE_BYTES && name.text === "cookie"
    const form = guessable ? "secret" : name.form === "indexed" && !this.mayEnter(name, value) ? "plain" : name.form
    if (form === "plain" && name.form === "indexed" && value.length < this.table.capacityBytes) name.last = value
    let end =
      form === "indexed" ? writeInteger(index, 0x40, 0x3f, target, at) : writeInteger(index, form === "secret" ? 0x10 : 0, 0x0f, target, at)
    if (index === 0) end = form === "indexed" ? writeShorter(name.text, target, end) : writeText(name.text, target, end)
    if (form !== "indexed") return writeText(value, target, end)
    this.enter(name, value)
    return writeShorter(value, target, end)
  }

  private index(entry: Entry): number {
    return STATIC_FIELDS.length + 1 + this.added - entry.number
  }

  private mayEnter(name: Name, value: string): boolean {
    // One that takes nearly all of the table would leave it to no other.
    if (fieldBytes(name.text, value) > this.table.capacityBytes * 0.75) return false
    return name.unused < MAX_UNUSED || name.last === value
  }

  private enter(owner: Name, value: string): void {
    const entry = { name: owner.text, value, owner, number: this.added + 1, wasUsed: false }
    if (!this.table.add(entry)) return
    // Making room may have forgotten the name with its last entry.
    this.names.set(owner.text, owner)
    this.added++
    owner.entries.push(entry)
    owner.unused++
  }

  private forget(entry: Entry): void {
    const { owner } = entry
    owner.entries.shift()
    if (!entry.wasUsed) owner.unused--
    // Only names of the two fixed lists outlive their entries, so that the table bounds the map.
    if (owner.entries.length === 0 && owner.static === NOT_STATIC && owner.form === "indexed") this.names.delete(owner.text)
  }

  private meet(text: string): Name {
    const known = STATIC_NAMES.get(text) ?? NOT_STATIC
    const name: Name = { text, static: known, form: FORMS.get(text) ?? "indexed", entries: [], unused: 0, last: "" }
    if (known !== NOT_STATIC || name.form !== "indexed") this.names.set(text, name)
    return name
  }
}

/** An integer after the bits `flags`, with a prefix of `mask` (RFC 7541 section 5.1). */
function writeInteger(value: number, flags: number, mask: number, target: Buffer, offset: number): number {
  let at = offset
  if (value < mask) {
    target[at++] = flags | value
    return at
  }
  target[at++] = flags | mask
  let rest = value - mask
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest & 0x7f) | 0x80
  target[at++] = rest
  return at
}

function writeText(text: string, target: Latin1Buffer, offset: number): number {
  const at = writeInteger(text.length, 0, 0x7f, target, offset)
  // A call out of JavaScript costs more than the loop on such texts: "200", a length, a short path.
  if (text.length > LOOP_BYTES) return at + target.latin1Write(text, at)
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i)
  return at + text.length
}

/**
 * For texts that enter the table, which are written once a connection. Others go as they are: for a date of 29 bytes the code took 100–150 ns
 * where latin1Write took 20, for a path of 62 bytes 140 and 15, for 200 bytes 790 and 17 (Bun 1.4.5 on a busy machine), to save a quarter of the bytes.
 */
function writeShorter(text: string, target: Latin1Buffer, offset: number): number {
  const bytes = huffmanBytes(text)
  if (bytes >= text.length) return writeText(text, target, offset)
  return huffmanWrite(text, target, writeInteger(bytes, 0x80, 0x7f, target, offset))
}
