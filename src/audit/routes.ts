import { Elysia } from "elysia"
import { parseQuery } from "./model"
import type { AuditTrail, Reader } from "./service"

/** The session of a request; throws `unauthorized`. */
export type AuditGuard = (request: Request) => Promise<Reader>

/** The audit trail, for a session: `/api/audit` in pages, `/api/audit/export` whole, as JSON lines. Errors are `{"error": "…"}`. */
export const auditRoutes = (trail: AuditTrail, guard: AuditGuard) =>
  new Elysia({ name: "audit-routes" })
    .get("/api/audit", async ({ request }) => {
      const reader = await guard(request)
      return trail.page(reader, parseQuery(new URL(request.url).searchParams))
    })
    .get("/api/audit/export", async ({ request }) => {
      const reader = await guard(request)
      const lines = trail.lines(reader, parseQuery(new URL(request.url).searchParams))
      const headers = {
        "content-type": "application/x-ndjson; charset=utf-8",
        "content-disposition": 'attachment; filename="freehold-audit.jsonl"',
        "cache-control": "no-store",
      }
      return new Response(streamOf(lines), { headers })
    })

/** Reads on only as fast as the client takes it, and no further once the client is gone. */
function streamOf(lines: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await lines.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    async cancel() {
      await lines.return(undefined)
    },
  })
}
