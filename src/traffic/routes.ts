import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { DayReply } from "./day"
import type { TrafficService } from "./service"

/** Authentication and scope check of one request; throws `unauthorized` or `forbidden`. */
export type TrafficGuard = (request: Request, resource: "domain-mappings", id: string | undefined) => Promise<{ personId: string }>

/** Networking API, `/api/domain-mappings/{id}/traffic` under the scope of the mapping, and `/api/domain-mappings/traffic`, the last day of all; errors are the family's plain text. */
export const trafficRoutes = (traffic: TrafficService, day: (personId: string) => Promise<DayReply>, guard: TrafficGuard) =>
  new Elysia({ name: "traffic-routes" })
    .get("/api/domain-mappings/traffic", async ({ request }) => {
      const { personId } = await guard(request, "domain-mappings", undefined)
      if (new URL(request.url).pathname.endsWith("/")) throw new AppError("not_found", "not found")
      return day(personId)
    })
    .get("/api/domain-mappings/:id/traffic", async ({ request, params }) => {
      const { personId } = await guard(request, "domain-mappings", params.id)
      const url = new URL(request.url)
      // The router would take the slash at the end of a path as if it were not there.
      if (url.pathname.endsWith("/")) throw new AppError("not_found", "not found")
      return traffic.read(personId, params.id, url.searchParams)
    })
    .all(
      "/api/domain-mappings/:id/traffic",
      async ({ request, params }) => {
        await guard(request, "domain-mappings", params.id)
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )
