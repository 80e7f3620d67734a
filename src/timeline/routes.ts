import { Elysia } from "elysia"
import { AppError } from "../errors"
import { parsePage, page } from "../paging"
import { entryLines, entryReply, type Subject } from "./model"
import type { Timeline } from "./timeline"

/** What a request's id stands for, after authentication, scope and ownership; throws AppError, `not_found` for what is not the caller's. */
export type TimelineDoor = (request: Request, id: string) => Promise<{ hostname: string; subject: Subject }>

/**
 * `/v1/connections/{id}/timeline`: entries newest first in pages, or with `?format=text` the whole as text, oldest first. `C` is whom the guard
 * recognised; the finder gives the hostname of a connection that is theirs.
 */
export const connectionTimelineRoutes = <C>(
  timeline: Timeline,
  guard: (request: Request, id: string) => Promise<C>,
  find: (caller: C, id: string) => Promise<{ hostname: string } | undefined>,
) => {
  const door: TimelineDoor = async (request, id) => {
    const found = await find(await guard(request, id), id)
    if (found === undefined) throw new AppError("not_found", "no such connection")
    return { hostname: found.hostname, subject: { kind: "connection", id } }
  }
  return new Elysia({ name: "connection-timeline-routes" })
    .get("/v1/connections/:id/timeline", ({ request, params }) => answer(timeline, door, request, params.id))
    .all("/v1/connections/:id/timeline", ({ request, params }) => refuse(door, request, params.id), { parse: "none" })
}

/** `/api/domain-mappings/{id}/timeline`, in the same way; errors are plain text, as those of the family. */
export const mappingTimelineRoutes = <C>(
  timeline: Timeline,
  guard: (request: Request, resource: "domain-mappings", id: string) => Promise<C>,
  find: (caller: C, id: string) => Promise<{ hostname: string } | undefined>,
) => {
  const door: TimelineDoor = async (request, id) => {
    const caller = await guard(request, "domain-mappings", id)
    // The router would take the slash at the end of a path as if it were not there.
    const found = new URL(request.url).pathname.endsWith("/") ? undefined : await find(caller, id)
    if (found === undefined) throw new AppError("not_found", "not found")
    return { hostname: found.hostname, subject: { kind: "mapping", id } }
  }
  return new Elysia({ name: "mapping-timeline-routes" })
    .get("/api/domain-mappings/:id/timeline", ({ request, params }) => answer(timeline, door, request, params.id))
    .all("/api/domain-mappings/:id/timeline", ({ request, params }) => refuse(door, request, params.id), { parse: "none" })
}

async function answer(timeline: Timeline, door: TimelineDoor, request: Request, id: string) {
  const { hostname, subject } = await door(request, id)
  const query = new URL(request.url).searchParams
  const format = query.get("format") ?? "json"
  if (format !== "json" && format !== "text") throw new AppError("invalid", "format must be json or text")
  if (format === "text") {
    const rows = await timeline.all(subject)
    const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", "x-content-type-options": "nosniff" }
    return new Response(`Timeline of ${hostname}, ${rows.length} entries, times in UTC\n\n${rows.map(entryLines).join("")}`, { headers })
  }
  const { limit, after } = parsePage({ limit: query.get("limit") ?? undefined, cursor: query.get("cursor") ?? undefined })
  const before = after === undefined ? undefined : Number(after.id)
  if (before !== undefined && !Number.isSafeInteger(before))
    throw new AppError("invalid", "cursor must be the next_cursor of an earlier page")
  const rows = await timeline.list(subject, before, limit + 1)
  return page(
    rows.map((row) => ({ createdAt: row.at, id: String(row.id), row })),
    limit,
    ({ row }) => entryReply(row),
  )
}

async function refuse(door: TimelineDoor, request: Request, id: string): Promise<never> {
  await door(request, id)
  throw new AppError("method_not_allowed", "method not allowed")
}
