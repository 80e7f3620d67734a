/** A header field: `name` in lower case as sent, `value` as latin1 text; shared between blocks, so never changed. */
export type HeaderField = { name: string; value: string }

/** A header block that cannot be decoded: the two tables no longer agree, so the connection ends with COMPRESSION_ERROR (RFC 9113 section 4.3). */
export class HpackError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "HpackError"
  }
}

/** Methods of Buffer that its types leave out: the same as toString and write with "latin1", in half the time. */
export type Latin1Buffer = Buffer & { latin1Slice(start: number, end: number): string; latin1Write(text: string, offset: number): number }

/** What both sides take for the dynamic table's size until a SETTINGS_HEADER_TABLE_SIZE says otherwise (RFC 9113 section 6.5.2). */
export const INITIAL_TABLE_BYTES = 4096

/** The static table (RFC 7541 appendix A): entry i has index i + 1. */
export const STATIC_FIELDS: readonly HeaderField[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
].map(([name = "", value = ""]) => ({ name, value }))

/** A field's size in the dynamic table and in SETTINGS_MAX_HEADER_LIST_SIZE (RFC 7541 section 4.1, RFC 9113 section 6.5.2). */
export const fieldBytes = (name: string, value: string) => name.length + value.length + 32

/** The dynamic table (RFC 7541 sections 2.3.2 and 4): first in, first out, never above `maxBytes`; `evicted` is told of each entry that leaves. */
export class DynamicTable<Entry extends HeaderField> {
  length = 0
  private bytes = 0
  /** A ring whose size is a power of two; it grows with what is stored, since most connections store little. */
  private ring: (Entry | undefined)[] = Array.from({ length: 8 })
  private newest = 0

  constructor(
    private maxBytes: number,
    private evicted: (entry: Entry) => void = () => {},
  ) {}

  get capacityBytes(): number {
    return this.maxBytes
  }

  get usedBytes(): number {
    return this.bytes
  }

  /** The entry at `place`, 0 being the newest. */
  at(place: number): Entry | undefined {
    return place < this.length ? this.ring[(this.newest - place) & (this.ring.length - 1)] : undefined
  }

  /** Adds an entry, after evicting what it has no room beside; one larger than the table empties it and is not stored: false. */
  add(entry: Entry): boolean {
    const bytes = fieldBytes(entry.name, entry.value)
    this.evictAbove(this.maxBytes - bytes)
    if (bytes > this.maxBytes) return false
    if (this.length === this.ring.length) this.grow()
    this.newest = (this.newest + 1) & (this.ring.length - 1)
    this.ring[this.newest] = entry
    this.length++
    this.bytes += bytes
    return true
  }

  /** Sets another maximum and evicts what is above it (RFC 7541 section 4.3). */
  resize(maxBytes: number): void {
    this.maxBytes = maxBytes
    this.evictAbove(maxBytes)
  }

  private evictAbove(bytes: number): void {
    while (this.bytes > bytes && this.length > 0) {
      const place = (this.newest - this.length + 1) & (this.ring.length - 1)
      const entry = this.ring[place]!
      this.ring[place] = undefined
      this.length--
      this.bytes -= fieldBytes(entry.name, entry.value)
      this.evicted(entry)
    }
  }

  private grow(): void {
    const oldestFirst = Array.from({ length: this.length }, (_, i) => this.at(this.length - 1 - i))
    this.newest = this.length - 1
    this.ring = [...oldestFirst, ...Array.from<undefined>({ length: this.length })]
  }
}
