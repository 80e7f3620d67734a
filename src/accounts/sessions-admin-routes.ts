import { Elysia } from "elysia"
import type { AdminGuard } from "./admin-routes"
import { parseSessionQuery } from "./session-page"
import type { Sessions } from "./sessions"

/** Everybody's sessions, for administrators' sessions: listed in pages, and ended one by one. */
export const sessionsAdminRoutes = (sessions: Sessions, guard: AdminGuard) =>
  new Elysia({ name: "sessions-admin-routes" })
    .get("/admin/sessions", async ({ request }) => {
      const { sessionId } = await guard(request)
      return sessions.page(parseSessionQuery(new URL(request.url).searchParams), sessionId)
    })
    .delete("/admin/sessions/:id", async ({ request, params }) => {
      await guard(request)
      return { status: "ok", ...(await sessions.endAnyones(params.id)) }
    })
