const EMPTY = Buffer.alloc(0)

/** Bytes of a client that were received and not yet used. */
export class Inbox {
  bytes: Buffer = EMPTY
  /** Where the unused ones begin. */
  at = 0
  /** How far a head was looked for. */
  searched = 0

  get size(): number {
    return this.bytes.length - this.at
  }

  /** Adds what stands in a chunk from `from` on; nothing is copied unless bytes are waiting already. */
  append(chunk: Buffer, from: number): void {
    if (this.bytes.length === this.at) {
      this.bytes = chunk
      this.at = from
      this.searched = from
    } else {
      this.searched = Math.max(0, this.searched - this.at)
      this.bytes = Buffer.concat([this.bytes.subarray(this.at), chunk.subarray(from)])
      this.at = 0
    }
  }

  /** Goes on after what was used. */
  use(to: number): void {
    this.at = to
    this.searched = to
    if (to < this.bytes.length) return
    this.clear()
  }

  /** Takes everything out. */
  take(): Buffer {
    const rest = this.bytes.subarray(this.at)
    this.clear()
    return rest
  }

  clear(): void {
    this.bytes = EMPTY
    this.at = 0
    this.searched = 0
  }
}
