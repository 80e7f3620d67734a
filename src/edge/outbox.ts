import type { Wire } from "./wire"

/** Room for the largest head we pass on, with what is added to it. */
const CAPACITY = 64 * 1024
/** Bytes at least this many are written from where they are, since another write costs less than the copy. */
const DIRECT_BYTES = 16 * 1024

/** Gathers the pieces of a message so that they leave in one write. One outbox serves all connections of a thread, one message at a time. */
export class Outbox {
  private bytes = Buffer.allocUnsafeSlow(CAPACITY)
  private length = 0
  private flowing = true
  private wire: Wire | undefined

  /** Begins a message to a connection. */
  begin(wire: Wire): this {
    this.wire = wire
    this.length = 0
    this.flowing = true
    return this
  }

  /** Appends a text of Latin-1 characters. */
  text(text: string): this {
    if (this.length + text.length > CAPACITY) {
      if (text.length > CAPACITY) return this.copy(Buffer.from(text, "latin1"))
      this.flush()
    }
    this.length += this.bytes.write(text, this.length, text.length, "latin1")
    return this
  }

  /** Appends bytes of another buffer; with `lasting` they stay as they are, and may be kept where they are. */
  copy(bytes: Buffer, from = 0, to = bytes.length, lasting = false): this {
    const size = to - from
    if (size >= DIRECT_BYTES) {
      this.flush()
      this.flowing = this.wire!.write(bytes, from, to, lasting)
      return this
    }
    if (this.length + size > CAPACITY) this.flush()
    bytes.copy(this.bytes, this.length, from, to)
    this.length += size
    return this
  }

  /** Sends what is left. False when the connection is behind: no more should be sent before its `onDrain`. */
  send(): boolean {
    this.flush()
    this.wire = undefined
    return this.flowing
  }

  private flush(): void {
    if (this.length === 0) return
    this.flowing = this.wire!.write(this.bytes, 0, this.length)
    this.length = 0
  }
}
