import { AppError } from "../errors"

const checkEveryMs = 10_000

/**
 * The stream for as long as its reader may have it: `mayStay` is asked every ten seconds, as for an open WebSocket, and the stream ends when it
 * throws an AppError. A fault of another kind ends nothing, since it says nothing about the right.
 */
export function watchedStream(
  source: ReadableStream<Uint8Array>,
  mayStay: () => Promise<unknown>,
  everyMs = checkEveryMs,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  let timer: Timer | undefined
  let isOver = false
  const end = () => {
    isOver = true
    clearTimeout(timer)
  }
  const watch = () => {
    timer = setTimeout(async () => {
      const isRefused = await mayStay().then(
        () => false,
        (error: unknown) => error instanceof AppError,
      )
      if (isOver) return
      if (!isRefused) return watch()
      end()
      // What waits for the next line is told that there is none.
      await reader.cancel().catch(() => undefined)
    }, everyMs)
  }
  watch()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await reader.read()
        if (!done) return controller.enqueue(value)
        end()
        controller.close()
      },
      async cancel() {
        end()
        await reader.cancel()
      },
    },
    { highWaterMark: 0 },
  )
}
