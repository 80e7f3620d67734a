/** Writes the events of one stream. */
export type EventWriter = {
  /** One event with an object as its data; false, and nothing is written, where the reader has let too many wait. */
  send: (event: string, data: object) => boolean
  end: () => void
}

export type EventStreamOptions = {
  /** Called once, when the stream begins; what it answers is called once, at the end, whoever ends it. */
  open: (writer: EventWriter) => () => void
  /** Asked again and again while the stream is open; rejects when its reader may not listen any more, which ends it. */
  mayListen: () => Promise<unknown>
  /** Aborts when the reader is gone, where the cancelled body does not tell. */
  signal: AbortSignal
}

/** Keeps proxies from cutting a silent stream, and is when a reader who may not listen any more is noticed. */
const beatMs = 25_000
const mostWaiting = 64

const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" }
const encoder = new TextEncoder()

/** Server-sent events (HTML Standard, section 9.2), of which the reader asks again two seconds after an end. To HEAD only the header is answered. */
export function eventStream(method: string, options: EventStreamOptions): Response {
  // The framework would read a stream to its end, to say how long it is.
  return new Response(method === "HEAD" ? null : bodyOf(options), { headers })
}

function bodyOf({ open, mayListen, signal }: EventStreamOptions): ReadableStream<Uint8Array> {
  let leave: (() => void) | undefined
  let beat: Timer | undefined
  let isOver = false
  const stop = () => {
    isOver = true
    clearInterval(beat)
    leave?.()
    leave = undefined
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const end = () => {
        if (isOver) return
        stop()
        try {
          controller.close()
        } catch {
          // The reader has gone before.
        }
      }
      const write = (text: string): boolean => {
        if (isOver || (controller.desiredSize ?? 0) < -mostWaiting) return false
        controller.enqueue(encoder.encode(text))
        return true
      }
      write("retry: 2000\n")
      beat = setInterval(() => void mayListen().then(() => write(": \n\n") || end(), end), beatMs)
      signal.addEventListener("abort", end)
      leave = open({ send: (event, data) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`), end })
      // It may have been ended while it was opened.
      if (isOver) stop()
    },
    cancel: stop,
  })
}
