import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { Caller } from "./service"

/** Authentication and scope check of one request; throws `unauthorized` or `forbidden`. */
type ViewGuard = (request: Request, resource: "domain-mappings", id: string) => Promise<Caller>

/** `GET /api/domain-mappings/{id}/{what}`: something of a mapping as it is now; `view` answers undefined for what is not the caller's. */
export const mappingViewRoutes = (
  what: "preflight" | "records" | "certificate",
  guard: ViewGuard,
  view: (caller: Caller, id: string) => Promise<object | undefined>,
) =>
  new Elysia({ name: `mapping-${what}-routes` })
    .get(`/api/domain-mappings/:id/${what}`, async ({ request, params }) => {
      const caller = await guard(request, "domain-mappings", idOf(params))
      // The router would take the slash at the end of a path as if it were not there.
      const found = new URL(request.url).pathname.endsWith("/") ? undefined : await view(caller, idOf(params))
      if (found === undefined) throw new AppError("not_found", "not found")
      return found
    })
    .all(
      `/api/domain-mappings/:id/${what}`,
      async ({ request, params }) => {
        await guard(request, "domain-mappings", idOf(params))
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )

/** Elysia's types see no parameter in a path that is made. */
const idOf = (params: object) => (params as { id: string }).id
