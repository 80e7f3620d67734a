import { Elysia } from "elysia"
import type { OverviewService } from "./service"

/** A person's own session; throws `unauthorized`. */
export type OverviewGuard = (request: Request) => Promise<{ personId: string; isAdmin: boolean }>

/** `GET /api/overview`, for a session: what needs attention, the traffic of the day, how things stand. Errors are `{"error": "…"}`. */
export const overviewRoutes = (overview: OverviewService, session: OverviewGuard) =>
  new Elysia({ name: "overview-routes" }).get("/api/overview", async ({ request }) => overview.read(await session(request)))
