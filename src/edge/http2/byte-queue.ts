/** Blocks are at least this large, so that many small pieces do not each take one. */
const BLOCK_BYTES = 4096

type Block = { bytes: Buffer; from: number; to: number }

/** Bytes that wait, first in, first out; pieces are copied in. */
export class ByteQueue {
  length = 0
  private blocks: Block[] = []

  push(piece: Buffer): void {
    this.length += piece.length
    let at = 0
    const tail = this.blocks.at(-1)
    if (tail !== undefined && tail.to < tail.bytes.length) {
      at = Math.min(piece.length, tail.bytes.length - tail.to)
      piece.copy(tail.bytes, tail.to, 0, at)
      tail.to += at
    }
    const rest = piece.length - at
    if (rest === 0) return
    const bytes = Buffer.allocUnsafeSlow(Math.max(rest, BLOCK_BYTES))
    piece.copy(bytes, 0, at)
    this.blocks.push({ bytes, from: 0, to: rest })
  }

  /** Takes everything out. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.length)
    this.shift(bytes, 0, bytes.length)
    return bytes
  }

  /** Moves the next `size` bytes into `target`; there must be as many. */
  shift(target: Buffer, offset: number, size: number): void {
    this.length -= size
    let at = offset
    const end = offset + size
    while (at < end) {
      const block = this.blocks[0]!
      const part = Math.min(end - at, block.to - block.from)
      block.bytes.copy(target, at, block.from, block.from + part)
      block.from += part
      at += part
      if (block.from === block.to) this.blocks.shift()
    }
  }
}
