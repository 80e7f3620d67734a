import { Elysia } from "elysia"
import type { StorageAccess } from "./access"
import type { Progress } from "./progress"

/** Server-sent events (HTML standard section 9.2) of one's own transfer, `/sse/progress?id=` and `/storage/progress?id=`. */
export const progressRoutes = (progress: Progress, { door }: StorageAccess) => {
  const listen = async ({ request }: { request: Request }) => {
    const { personId } = await door.token(request)
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store", "x-content-type-options": "nosniff" }
    // Elysia would read such a stream to its end, to say how long it is.
    if (request.method === "HEAD") return new Response(null, { headers })
    return new Response(progress.listen(personId, new URL(request.url).searchParams.get("id")), { headers })
  }
  return new Elysia({ name: "storage-progress-routes" }).get("/sse/progress", listen).get("/storage/progress", listen)
}
