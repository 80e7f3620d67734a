import { ClosedStreams } from "./closed-streams"
import type { ReceiveWindows } from "./receive-windows"
import type { Http2Stream } from "./stream"

/** The open streams of a session, and what is remembered of closed ones. */
export class StreamTable {
  readonly open = new Map<number, Http2Stream>()
  readonly closed: ClosedStreams
  /** The highest identifier that the peer used (server role) and the next of ours (client role). */
  lastPeerId = 0
  /** The highest that was taken, for GOAWAY. */
  lastTakenId = 0
  nextId = 1

  constructor(
    remembered: number,
    private windows: ReceiveWindows,
    private onChange: () => void,
  ) {
    this.closed = new ClosedStreams(remembered)
  }

  add(stream: Http2Stream): void {
    this.open.set(stream.id, stream)
    this.onChange()
  }

  /** Takes a stream out; `wasReset` when we reset it, so that what its peer still sends is ignored. */
  remove(stream: Http2Stream, wasReset: boolean): void {
    stream.closed = true
    stream.queue = undefined
    stream.heads = undefined
    this.open.delete(stream.id)
    this.windows.giveBack(stream.unconsumed)
    if (wasReset) this.closed.addReset(stream.id, Math.max(0, stream.receiveWindow))
    else this.closed.addEnded(stream.id)
    this.onChange()
  }
}
