import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import type { Caller, MappingService } from "./service"

/** Authentication and scope check of one request; throws `unauthorized` or `forbidden`. */
export type MappingGuard = (request: Request, resource: "domain-mappings", id: string | undefined) => Promise<Caller>

/** Networking API, `/api/domain-mappings`: plain-text errors, and the guard before anything else is looked at. */
export const mappingRoutes = (mappings: MappingService, guard: MappingGuard) => {
  const may = async (request: Request, id?: string) => {
    const caller = await guard(request, "domain-mappings", id)
    // The router would take the slash at the end of a path as if it were not there.
    if (new URL(request.url).pathname.endsWith("/")) throw new AppError("not_found", "not found")
    return caller
  }
  const refuse = async ({ request, params }: { request: Request; params?: { id?: string } }) => {
    await may(request, params?.id)
    throw new AppError("method_not_allowed", "method not allowed")
  }
  return new Elysia({ name: "mapping-routes" })
    .get("/api/domain-mappings", async ({ request }) => ({ domains: await mappings.list((await may(request)).personId) }))
    .post(
      "/api/domain-mappings",
      async ({ request, status }) => {
        const caller = await may(request)
        return status(201, await mappings.create(caller, await readJsonObject(request, "invalid JSON")))
      },
      { parse: "none" },
    )
    .patch(
      "/api/domain-mappings/:id",
      async ({ request, params }) => {
        const { personId } = await may(request, params.id)
        return mappings.update(personId, params.id, await readJsonObject(request, "invalid JSON"))
      },
      { parse: "none" },
    )
    .delete("/api/domain-mappings/:id", async ({ request, params, set }) => {
      await mappings.delete((await may(request, params.id)).personId, params.id)
      set.status = 204
    })
    .post(
      "/api/domain-mappings/:id/verify",
      async ({ request, params }) => mappings.verify((await may(request, params.id)).personId, params.id),
      {
        parse: "none",
      },
    )
    .all("/api/domain-mappings", refuse, { parse: "none" })
    .all("/api/domain-mappings/:id", refuse, { parse: "none" })
    .all("/api/domain-mappings/:id/verify", refuse, { parse: "none" })
}
