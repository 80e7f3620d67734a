import { Elysia } from "elysia"
import { AppError } from "../errors"
import { eventStream } from "../event-stream"
import type { LiveHub } from "./hub"

/** Who may listen: a person's own session. */
export type LiveDoor = (request: Request) => Promise<{ personId: string; isAdmin: boolean }>

const maxStreams = 50

/**
 * `GET /api/events`: server-sent events (HTML Standard, section 9.2). Each `changed` event has `{"topics": [...]}`; the first, `ready`, says that
 * whatever is shown should be looked at again, for nothing is told of the time before.
 */
export const liveRoutes = (hub: LiveHub, session: LiveDoor) =>
  new Elysia({ name: "live-routes" }).get("/api/events", async ({ request }) => {
    const { personId, isAdmin } = await session(request)
    if (hub.count(personId) >= maxStreams)
      throw new AppError("rate_limited", `no more than ${maxStreams} event streams of one person`, { retryAfterSeconds: 30 })
    return eventStream(request.method, {
      open: ({ send, end }) => {
        send("ready", {})
        // One who does not read what was told is cut off, and asks anew.
        return hub.join({ personId, isAdmin, send: (topics) => void (send("changed", { topics }) || end()) })
      },
      mayListen: () => session(request),
      signal: request.signal,
    })
  })
