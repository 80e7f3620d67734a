import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { DayReply } from "./day"
import type { TrafficReply } from "./model"

/** What is asked of traffic: that of one mapping or connection, and the last day of many. */
export type Traffic = {
  read: (holder: { id: string; hostname: string }, query: URLSearchParams) => Promise<TrafficReply>
  day: (ids: string[]) => Promise<DayReply>
}

/** Networking API, `/api/domain-mappings/{id}/traffic` under the scope of the mapping, and `/api/domain-mappings/traffic`, the last day of all; errors are the family's plain text. */
export const mappingTrafficRoutes = <C>(
  traffic: Traffic,
  guard: (request: Request, resource: "domain-mappings", id: string | undefined) => Promise<C>,
  find: (caller: C, id: string) => Promise<{ hostname: string } | undefined>,
  ids: (caller: C) => Promise<string[]>,
) =>
  new Elysia({ name: "mapping-traffic-routes" })
    .get("/api/domain-mappings/traffic", async ({ request }) => {
      const caller = await guard(request, "domain-mappings", undefined)
      if (new URL(request.url).pathname.endsWith("/")) throw new AppError("not_found", "not found")
      const { holders, ...day } = await traffic.day(await ids(caller))
      return { ...day, domains: holders }
    })
    .get("/api/domain-mappings/:id/traffic", async ({ request, params }) => {
      const caller = await guard(request, "domain-mappings", params.id)
      const url = new URL(request.url)
      // The router would take the slash at the end of a path as if it were not there.
      const found = url.pathname.endsWith("/") ? undefined : await find(caller, params.id)
      if (found === undefined) throw new AppError("not_found", "not found")
      const { hostname: domain } = found
      return { domain, ...(await traffic.read({ id: params.id, hostname: domain }, url.searchParams)) }
    })
    .all(
      "/api/domain-mappings/:id/traffic",
      async ({ request, params }) => {
        await guard(request, "domain-mappings", params.id)
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )

/** Connect API, `/v1/connections/{id}/traffic`, and `/v1/connection-traffic`, the last day of all that the caller may see; `own` throws for what is not the caller's. */
export const connectionTrafficRoutes = <C>(
  traffic: Traffic,
  guard: (request: Request) => Promise<C>,
  own: (caller: C, id: string) => Promise<{ id: string; hostname: string }>,
  ids: (caller: C) => Promise<string[]>,
) =>
  new Elysia({ name: "connection-traffic-routes" })
    .get("/v1/connection-traffic", async ({ request }) => {
      const { holders, ...day } = await traffic.day(await ids(await guard(request)))
      return { ...day, data: holders }
    })
    .get("/v1/connections/:id/traffic", async ({ request, params }) => {
      const { id, hostname } = await own(await guard(request), params.id)
      return { hostname, ...(await traffic.read({ id, hostname }, new URL(request.url).searchParams)) }
    })
