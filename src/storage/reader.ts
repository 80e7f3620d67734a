import { AppError } from "../errors"
import type { Blobs } from "./blobs"
import type { ObjectInfo, Segment } from "./model"

/** First and last byte, both included. */
export type Range = { first: number; last: number }

const readBytes = 512 * 1024

/** Reads the bytes of objects from disk. */
export class Reader {
  /** `onFault` hears of bytes that are not there as the store knows them. */
  constructor(
    private blobs: Blobs,
    private segments: (object: ObjectInfo) => Promise<Segment[]>,
    private onFault: (hash: string, detail: string) => void,
  ) {}

  /** The bytes, or some of them; a file where they lie in one, so that the kernel can send it by itself. Throws `unavailable` where they are not whole. */
  async open(object: ObjectInfo, range?: Range): Promise<Blob | ReadableStream<Uint8Array>> {
    const { first, last } = range ?? { first: 0, last: object.size - 1 }
    if (last < first) return new Blob([])
    if (object.hash !== undefined) {
      const file = Bun.file(this.path(object, object.hash, object.size))
      return first === 0 && last === object.size - 1 ? file : file.slice(first, last + 1)
    }
    const segments = await this.segments(object)
    if (segments.length === 0)
      throw new AppError("unavailable", `${object.key} was replaced or removed while it was opened: try again`, { retryAfterSeconds: 1 })
    // Each is looked at before the first byte is sent, for then it is too late to say what is wrong.
    for (const { hash, size } of segments) this.path(object, hash, size)
    const pieces = piecesOf(segments, { first, last })
    const [only] = pieces
    if (only !== undefined && pieces.length === 1) return Bun.file(this.blobs.path(only.hash)).slice(only.from, only.to + 1)
    return this.stream(pieces)
  }

  /** The same as chunks, for copying parts and the like. */
  async *chunks(object: ObjectInfo, range?: Range): AsyncGenerator<Uint8Array> {
    const bytes = await this.open(object, range)
    yield* bytes instanceof Blob ? bytes.stream() : bytes
  }

  private path(object: ObjectInfo, hash: string, size: number): string {
    const path = this.blobs.file(hash, size)
    if (path !== undefined) return path
    this.onFault(hash, "the file is missing or has another size")
    throw new AppError("unavailable", `the bytes of ${object.key} are damaged on this server's disk: write it anew, or restore a backup`)
  }

  private stream(pieces: Piece[]): ReadableStream<Uint8Array> {
    const unpin = this.blobs.pin(pieces.map(({ hash }) => hash))
    const chunks = this.read(pieces)
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            const { value, done } = await chunks.next()
            if (!done) return controller.enqueue(value)
            unpin()
            controller.close()
          } catch (error) {
            unpin()
            controller.error(error)
          }
        },
        async cancel() {
          unpin()
          await chunks.return(undefined)
        },
      },
      { highWaterMark: 1 },
    )
  }

  private async *read(pieces: Piece[]): AsyncGenerator<Uint8Array> {
    for (const { hash, from, to } of pieces) {
      const file = Bun.file(this.blobs.path(hash))
      for (let at = from; at <= to; at += readBytes)
        yield new Uint8Array(await file.slice(at, Math.min(at + readBytes, to + 1)).arrayBuffer())
    }
  }
}

/** Bytes of one file, the first and the last included. */
type Piece = { hash: string; from: number; to: number }

function piecesOf(segments: Segment[], { first, last }: Range): Piece[] {
  const pieces: Piece[] = []
  let start = 0
  for (const { hash, size } of segments) {
    const [from, to] = [Math.max(first - start, 0), Math.min(last - start, size - 1)]
    start += size
    if (from <= to) pieces.push({ hash, from, to })
  }
  return pieces
}
