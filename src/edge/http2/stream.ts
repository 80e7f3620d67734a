import type { ByteQueue } from "./byte-queue"
import type { HeaderField } from "./hpack-table"
import type { ReceiveWindows } from "./receive-windows"
import type { Sender } from "./sender"
import type { StreamList } from "./stream-list"

/** What a session tells the owner of one stream. */
export interface StreamUser {
  /** A response head (client role only), interim (1xx) ones too; `fields` includes pseudo fields. After `ended` there is no `onEnd`. */
  onHead(fields: HeaderField[], ended: boolean): void
  /** Bytes of a DATA frame, valid only during the call. Their window is given back by `stream.consumed`. */
  onData(bytes: Buffer): void
  /** The peer's side ended, with trailers if there were any. */
  onEnd(trailers: HeaderField[] | undefined): void
  /** Reset by the peer, or by the session for a fault or its own end: the last call. */
  onReset(code: number): void
  /** `write` answered false before, and there is room again. */
  onDrain(): void
}

/** Nobody listens: a stream before it has an owner. */
const NOBODY: StreamUser = Object.freeze({ onHead() {}, onData() {}, onEnd() {}, onReset() {}, onDrain() {} })

/** One request and its response. Calls after its end or reset do nothing. */
export class Http2Stream {
  user: StreamUser = NOBODY
  /** The peer sent END_STREAM. */
  remoteEnded = false
  /** Our side has ended, though some of it may still be queued. */
  localEnded = false
  /** Gone from the session. */
  closed = false

  /** The rest is the session's own state. */
  queue: ByteQueue | undefined
  heads: { fields: readonly HeaderField[]; end: boolean }[] | undefined
  trailers: readonly HeaderField[] | undefined
  endQueued = false
  endSent = false
  announced: boolean
  mustDrain = false
  /** Where the flags of the last frame stand, as long as the writer's generation is the same. */
  flagsAt = 0
  flagsGeneration = -1
  list: StreamList | undefined
  previous: Http2Stream | undefined
  next: Http2Stream | undefined
  credit = 0
  unconsumed = 0
  expectedBytes = -1
  receivedBytes = 0
  /** The final response head has come (client role). */
  hadHead = false
  /** What we asked with (client role): it says what a length in the answer means. */
  method: string | undefined

  constructor(
    readonly id: number,
    private sender: Sender,
    private windows: ReceiveWindows,
    public sendWindow: number,
    public receiveWindow: number,
    openedByPeer: boolean,
  ) {
    this.announced = openedByPeer
  }

  /** A head; `end` for one without body. Interim heads have no `end`, and may be dropped while the transport is backed up. */
  sendHead(fields: readonly HeaderField[], end: boolean): void {
    this.sender.head(this, fields, end)
  }

  /** DATA, and with `end` the end of our side; what windows or transport do not let through is copied and queued. False: stop until `onDrain`. */
  write(bytes: Buffer, end = false): boolean {
    return this.sender.data(this, bytes, end)
  }

  /** Ends our side; right after a `write` in the same turn this costs no frame of its own. */
  end(trailers?: readonly HeaderField[]): void {
    this.sender.end(this, trailers)
  }

  /** RST_STREAM; nothing more is reported to the user. */
  reset(code: number): void {
    this.sender.reset(this, code)
  }

  /** Gives credit for received bytes back to the peer, for the stream and the connection. */
  consumed(bytes: number): void {
    if (!this.closed) this.windows.consume(this, bytes)
  }

  /** Bytes that wait for a window or the transport. */
  get queuedBytes(): number {
    return this.queue?.length ?? 0
  }

  /** Whether anything of ours waits. */
  get waiting(): boolean {
    return this.endQueued || this.heads !== undefined || (this.queue !== undefined && this.queue.length > 0)
  }
}
