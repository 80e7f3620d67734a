/**
 * Output buffers that sessions borrow from their first frame to the write, so that an idle connection has none. One pool serves all
 * connections of a listener; it keeps at most `spare` buffers.
 */
export class BufferPool {
  private free: Buffer[] = []

  constructor(
    readonly bufferBytes: number,
    private spare = 16,
  ) {}

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.bufferBytes)
  }

  give(buffer: Buffer): void {
    if (this.free.length < this.spare) this.free.push(buffer)
  }
}
