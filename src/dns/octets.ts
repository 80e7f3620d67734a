import { labelsOf, type Name, nameFromLabels, WireError } from "./name"

const MAX_POINTERS = 64

/** Reads a DNS message (RFC 1035 section 4.1); every step throws WireError at the end of the message. */
export class Reader {
  at = 0
  private view: DataView

  constructor(private bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length(): number {
    return this.bytes.length
  }

  private take(count: number): number {
    const start = this.at
    if (start + count > this.bytes.length) throw new WireError(`the message ends at octet ${this.bytes.length}, inside a field`)
    this.at = start + count
    return start
  }

  u8 = () => this.view.getUint8(this.take(1))
  u16 = () => this.view.getUint16(this.take(2))
  u32 = () => this.view.getUint32(this.take(4))

  slice(count: number): Uint8Array {
    const start = this.take(count)
    return this.bytes.subarray(start, start + count)
  }

  /** Labels of a name that may be compressed; each pointer must lead to before the part that holds it, so no name can loop. */
  labels(): Uint8Array[] {
    const labels: Uint8Array[] = []
    let octets = 1
    let partStart = this.at
    let resumeAt: number | undefined
    for (let pointers = 0; ;) {
      const length = this.u8()
      if (length === 0) break
      if (length < 64) {
        octets += length + 1
        if (octets > 255) throw new WireError("a name is longer than 255 octets")
        labels.push(this.slice(length))
        continue
      }
      if (length < 0xc0) throw new WireError("a label has a reserved type")
      const target = ((length & 0x3f) << 8) | this.u8()
      if (target >= partStart) throw new WireError("a compression pointer does not lead backwards")
      if (++pointers > MAX_POINTERS) throw new WireError("a name has too many compression pointers")
      resumeAt ??= this.at
      this.at = partStart = target
    }
    if (resumeAt !== undefined) this.at = resumeAt
    return labels
  }

  name = (): Name => nameFromLabels(this.labels())
}

/** Builds a DNS message; names are compressed against those written before (RFC 1035 section 4.1.4). */
export class Writer {
  private bytes = new Uint8Array(512)
  private length = 0
  private written = new Map<Name, number>()

  private grow(count: number): number {
    const start = this.length
    this.length += count
    if (this.length > 65535) throw new WireError("the message is longer than 65535 octets")
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2))
      larger.set(this.bytes)
      this.bytes = larger
    }
    return start
  }

  u8(value: number): void {
    // Growing replaces the array, so it comes before the array is named.
    const at = this.grow(1)
    this.bytes[at] = value
  }

  u16(value: number): void {
    this.u8((value >>> 8) & 0xff)
    this.u8(value & 0xff)
  }

  u32(value: number): void {
    this.u16(value >>> 16)
    this.u16(value & 0xffff)
  }

  octets(value: Uint8Array): void {
    const start = this.grow(value.length)
    this.bytes.set(value, start)
  }

  /** Throws WireError where the name breaks the limits. The spelling is kept; compression ignores case. */
  name(text: string): void {
    const labels = labelsOf(text)
    for (const [index, label] of labels.entries()) {
      const rest = nameFromLabels(labels.slice(index))
      const seenAt = this.written.get(rest)
      if (seenAt !== undefined) return this.u16(0xc000 | seenAt)
      if (this.length < 0x4000) this.written.set(rest, this.length)
      this.u8(label.length)
      this.octets(label)
    }
    this.u8(0)
  }

  /** Writes what `body` writes, behind its length in 16 bits. */
  measured(body: () => void): void {
    const start = this.grow(2)
    body()
    const size = this.length - start - 2
    this.bytes[start] = size >>> 8
    this.bytes[start + 1] = size & 0xff
  }

  done = (): Uint8Array<ArrayBuffer> => this.bytes.slice(0, this.length)
}
