import {
  DynamicTable,
  fieldBytes,
  type HeaderField,
  HpackError,
  INITIAL_TABLE_BYTES,
  type Latin1Buffer,
  STATIC_FIELDS,
} from "./hpack-table"
import { huffmanDecode, huffmanRoom } from "./huffman"

/** Texts that decode to at most this need no buffer of their own; every connection has one, so it is small. */
const SCRATCH_BYTES = 256
const MAX_INTEGER = 0x7fff_ffff
const MAX_CONTINUATION_BYTES = 5

/**
 * Decodes the header blocks of one connection in the order in which they came (RFC 7541). What we do not do: demand a table size update after
 * our setting went below 4,096, since the entries of a table that the peer keeps smaller than ours have the same indexes.
 */
export class HpackDecoder {
  private table = new DynamicTable<HeaderField>(INITIAL_TABLE_BYTES)
  private scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES) as Latin1Buffer
  private block: Latin1Buffer = this.scratch
  private at = 0

  /** `maxTableBytes` is what our SETTINGS_HEADER_TABLE_SIZE says: the largest table that the peer may ask for. */
  constructor(private maxTableBytes = INITIAL_TABLE_BYTES) {}

  /**
   * Decodes one whole header block. Fields beyond `limits` (bytes of name, value and 32 a field; how many) are still decoded for the table's
   * sake but not kept, and `tooLarge` says so: the work is bounded by the block's size. Throws HpackError, and then must not be used again.
   */
  decode(block: Buffer, limits: { listBytes: number; count: number }): { fields: HeaderField[]; tooLarge: boolean } {
    const fields: HeaderField[] = []
    let bytes = 0
    let tooLarge = false
    let mayResize = true
    this.block = block as Latin1Buffer
    this.at = 0
    while (this.at < block.length) {
      const first = block[this.at++]!
      let field: HeaderField | undefined
      if (first >= 0x80) {
        field = this.entry(this.integer(first, 0x7f))
      } else if (first >= 0x40) {
        field = this.literal(this.integer(first, 0x3f))
        this.table.add(field)
      } else if (first >= 0x20) {
        if (!mayResize) throw new HpackError("a table size update stands after a field")
        this.resize(this.integer(first, 0x1f))
        continue
      } else if (tooLarge) {
        this.skipLiteral(this.integer(first, 0x0f))
        continue
      } else {
        field = this.literal(this.integer(first, 0x0f))
      }
      mayResize = false
      if (tooLarge) continue
      bytes += fieldBytes(field.name, field.value)
      if (bytes > limits.listBytes || fields.length >= limits.count) tooLarge = true
      else fields.push(field)
    }
    this.block = this.scratch
    return { fields, tooLarge }
  }

  private literal(nameIndex: number): HeaderField {
    const name = nameIndex === 0 ? this.text() : this.entry(nameIndex).name
    return { name, value: this.text() }
  }

  /** A literal that is neither kept nor stored; a fault in it is a fault all the same. */
  private skipLiteral(nameIndex: number): void {
    if (nameIndex === 0) this.skipText()
    else this.entry(nameIndex)
    this.skipText()
  }

  private entry(index: number): HeaderField {
    const field = index <= STATIC_FIELDS.length ? STATIC_FIELDS[index - 1] : this.table.at(index - STATIC_FIELDS.length - 1)
    if (field === undefined) throw new HpackError(`index ${index} is in no table`)
    return field
  }

  private resize(maxBytes: number): void {
    if (maxBytes > this.maxTableBytes) throw new HpackError(`a table of ${maxBytes} bytes is more than the ${this.maxTableBytes} allowed`)
    this.table.resize(maxBytes)
  }

  /** An integer whose prefix is `first & mask` (RFC 7541 section 5.1). */
  private integer(first: number, mask: number): number {
    let value = first & mask
    if (value < mask) return value
    for (let i = 0; i < MAX_CONTINUATION_BYTES; i++) {
      if (this.at >= this.block.length) throw new HpackError("the block ends within an integer")
      const byte = this.block[this.at++]!
      // Not a shift: that would wrap at 32 bits.
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (value > MAX_INTEGER) throw new HpackError("an integer is above 2^31 - 1")
      if (byte < 0x80) return value
    }
    throw new HpackError(`an integer has more than ${MAX_CONTINUATION_BYTES} continuation bytes`)
  }

  /** A string literal (RFC 7541 section 5.2). */
  private text(): string {
    const block = this.block
    const first = this.byte()
    const length = this.integer(first, 0x7f)
    const start = this.at
    const end = this.past(length)
    if (first < 0x80) return block.latin1Slice(start, end)
    const target = this.room(length)
    return target.latin1Slice(0, this.huffman(start, end, target))
  }

  private skipText(): void {
    const first = this.byte()
    const length = this.integer(first, 0x7f)
    const start = this.at
    const end = this.past(length)
    if (first >= 0x80) this.huffman(start, end, this.room(length))
  }

  private byte(): number {
    if (this.at >= this.block.length) throw new HpackError("the block ends where a string should stand")
    return this.block[this.at++]!
  }

  /** Moves past a string of `length` bytes. */
  private past(length: number): number {
    const end = this.at + length
    if (end > this.block.length) throw new HpackError("the block ends within a string")
    this.at = end
    return end
  }

  private huffman(start: number, end: number, target: Uint8Array): number {
    const length = huffmanDecode(this.block, start, end, target)
    if (length < 0) throw new HpackError("a string's Huffman code has EOS in it, or false padding")
    return length
  }

  private room(codeBytes: number): Latin1Buffer {
    const bytes = huffmanRoom(codeBytes)
    return bytes <= SCRATCH_BYTES ? this.scratch : (Buffer.allocUnsafe(bytes) as Latin1Buffer)
  }
}
