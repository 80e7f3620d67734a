import { Elysia } from "elysia"
import { AppError } from "../errors"
import { eventStream } from "../event-stream"
import type { RequestFeed, Watched } from "./request-feed"
import { entryOf } from "./requests"

/** What a request's id stands for, after authentication, scope and ownership; throws AppError, `not_found` for what is not the caller's. */
type Door = (request: Request, id: string) => Promise<Watched>

/**
 * `GET /api/domain-mappings/{id}/requests`: server-sent events. `ready` says that from here on every request is told of, each `requests` has
 * `{"requests": [...], "left_out": n}`, and `end` says that the watch is to be asked for anew. Errors are the family's plain text.
 */
export const mappingRequestRoutes = <C extends { personId: string }>(
  feed: RequestFeed,
  guard: (request: Request, resource: "domain-mappings", id: string) => Promise<C>,
  find: (caller: C, id: string) => Promise<{ hostname: string } | undefined>,
) => {
  const door: Door = async (request, id) => {
    const caller = await guard(request, "domain-mappings", id)
    // The router would take the slash at the end of a path as if it were not there.
    const found = new URL(request.url).pathname.endsWith("/") ? undefined : await find(caller, id)
    if (found === undefined) throw new AppError("not_found", "not found")
    return { personId: caller.personId, id, hostname: found.hostname }
  }
  return new Elysia({ name: "mapping-request-routes" })
    .get("/api/domain-mappings/:id/requests", ({ request, params }) => watch(feed, door, request, params.id))
    .all(
      "/api/domain-mappings/:id/requests",
      async ({ request, params }) => {
        await door(request, params.id)
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )
}

/** `GET /v1/connections/{id}/requests`, in the same way; `own` throws for what is not the caller's. */
export const connectionRequestRoutes = <C extends { personId: string }>(
  feed: RequestFeed,
  guard: (request: Request) => Promise<C>,
  own: (caller: C, id: string) => Promise<{ id: string; hostname: string }>,
) => {
  const door: Door = async (request, asked) => {
    const caller = await guard(request)
    const { id, hostname } = await own(caller, asked)
    return { personId: caller.personId, id, hostname }
  }
  return new Elysia({ name: "connection-request-routes" }).get("/v1/connections/:id/requests", ({ request, params }) =>
    watch(feed, door, request, params.id),
  )
}

async function watch(feed: RequestFeed, door: Door, request: Request, id: string): Promise<Response> {
  const watched = await door(request, id)
  feed.mayWatch(watched.personId)
  return eventStream(request.method, {
    open: ({ send, end }) => {
      let unsaid = 0
      return feed.watch(watched, {
        onReady: () => void (send("ready", { hostname: watched.hostname }) || end()),
        onRequests: (requests, leftOut) => {
          // A reader who is behind is told how many were left out as soon as there is room.
          const isSaid = send("requests", { requests: requests.map(entryOf), left_out: leftOut + unsaid })
          unsaid = isSaid ? 0 : unsaid + leftOut + requests.length
        },
        onOver: () => {
          send("end", {})
          end()
        },
      })
    },
    mayListen: () => door(request, id),
    signal: request.signal,
  })
}
