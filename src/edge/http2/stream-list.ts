import type { Http2Stream } from "./stream"

/** Streams in a row, linked through themselves: a stream is in one list at most, and leaves it without a search. */
export class StreamList {
  first: Http2Stream | undefined
  private last: Http2Stream | undefined

  append(stream: Http2Stream): void {
    stream.list = this
    stream.previous = this.last
    stream.next = undefined
    if (this.last === undefined) this.first = stream
    else this.last.next = stream
    this.last = stream
  }

  remove(stream: Http2Stream): void {
    if (stream.previous === undefined) this.first = stream.next
    else stream.previous.next = stream.next
    if (stream.next === undefined) this.last = stream.previous
    else stream.next.previous = stream.previous
    stream.list = undefined
    stream.previous = undefined
    stream.next = undefined
  }
}
