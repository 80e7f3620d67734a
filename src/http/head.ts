/**
 * Answers to HEAD. Elysia answers it with what GET would, and reads the whole body to say how long it is: of a stream that ends when the client goes, it
 * would never come to the end. Here a body that is there whole is counted, and a stream is cancelled.
 */
export class Heads {
  private streams = new WeakSet<Request>()

  /** What stands for a handler's answer, once a body that was made for GET is gone; undefined where nothing does. */
  async shorten(request: Request, answer: unknown): Promise<Response | undefined> {
    if (request.method !== "HEAD" || !(answer instanceof Response) || answer.body === null) return undefined
    const headers = new Headers(answer.headers)
    const length = await lengthAtHand(answer.body)
    if (length !== undefined && !headers.has(ownLength)) headers.set(ownLength, String(length))
    if (!headers.has(ownLength)) this.streams.add(request)
    return new Response(null, { status: answer.status, headers })
  }

  /** Puts right the length that Elysia has counted of nothing. */
  finish(request: Request, response: Response): Response {
    if (request.method !== "HEAD") return response
    const { status, headers } = response
    const length = headers.get(ownLength)
    if (length !== null) headers.set("content-length", length)
    headers.delete(ownLength)
    if (!this.streams.has(request)) return response
    headers.delete("content-length")
    return new Response(later(), { status, headers })
  }
}

/** In which a route says how long a body would be. */
const ownLength = "x-freehold-length"

/** A body in one piece comes as two or three. */
const mostChunks = 16

/** How long a body is that is whole in memory; undefined for one that comes by and by, which is cancelled. */
async function lengthAtHand(body: ReadableStream<Uint8Array>): Promise<number | undefined> {
  const reader = body.getReader()
  let length = 0
  try {
    for (let i = 0; i < mostChunks; i++) {
      const read = await Promise.race([reader.read(), Bun.sleep(0)])
      if (read === undefined) break
      if (read.done) return length
      length += read.value.byteLength
    }
  } catch {
    // With GET the head of the answer had left by now.
    return undefined
  }
  // Nobody waits for what the source does then.
  reader.cancel().catch(() => undefined)
  return undefined
}

/** No bytes, but not at once: of a body that is empty already the server (Bun 1.4.5) says that GET would send none. */
const later = () =>
  new ReadableStream({
    async pull(controller) {
      await Bun.sleep(0)
      controller.close()
    },
  })
