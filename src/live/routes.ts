import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { LiveHub, Topic } from "./hub"

/** Who may listen: a person's own session. */
export type LiveDoor = (request: Request) => Promise<{ personId: string; isAdmin: boolean }>

const maxStreams = 50
/** Keeps proxies from cutting a silent stream, and is when a session that has ended is noticed. */
const beatMs = 25_000

/**
 * `GET /api/events`: server-sent events (HTML Standard, section 9.2). Each `changed` event has `{"topics": [...]}`; the first, `ready`, says that
 * whatever is shown should be looked at again, for nothing is told of the time before.
 */
export const liveRoutes = (hub: LiveHub, session: LiveDoor) =>
  new Elysia({ name: "live-routes" }).get("/api/events", async ({ request }) => {
    const { personId, isAdmin } = await session(request)
    if (hub.count(personId) >= maxStreams)
      throw new AppError("rate_limited", `no more than ${maxStreams} event streams of one person`, { retryAfterSeconds: 30 })
    return new Response(
      stream(hub, { personId, isAdmin }, () => session(request), request.signal),
      {
        headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
      },
    )
  })

function stream(
  hub: LiveHub,
  who: { personId: string; isAdmin: boolean },
  isStillIn: () => Promise<unknown>,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  let leave = () => {}
  let beat: Timer | undefined
  const end = () => {
    clearInterval(beat)
    leave()
  }
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const close = () => {
        end()
        try {
          controller.close()
        } catch {
          // The reader has gone before.
        }
      }
      const write = (text: string) => {
        // One who does not read what was told is cut off, and asks anew.
        if ((controller.desiredSize ?? 0) < -64) close()
        else controller.enqueue(encoder.encode(text))
      }
      const send = (topics: Topic[]) => write(`event: changed\ndata: ${JSON.stringify({ topics })}\n\n`)
      leave = hub.join({ ...who, send })
      beat = setInterval(() => {
        isStillIn().then(() => write(": \n\n"), close)
      }, beatMs)
      signal.addEventListener("abort", close)
      write("retry: 2000\nevent: ready\ndata: {}\n\n")
    },
    cancel: end,
  })
}
