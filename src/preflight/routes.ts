import { Elysia } from "elysia"
import { AppError } from "../errors"
import { preflightReply, type PreflightReport } from "./report"

/** Examines a hostname for its holder. */
export type Examine = (hostname: string) => Promise<PreflightReport>

/** `GET /api/domain-mappings/{id}/preflight`: what would keep a mapping's hostname from its certificate and its visitors, as it is now. */
export const mappingPreflightRoutes = <C>(
  guard: (request: Request, resource: "domain-mappings", id: string) => Promise<C>,
  find: (caller: C, id: string) => Promise<{ hostname: string } | undefined>,
  examine: Examine,
) =>
  new Elysia({ name: "mapping-preflight-routes" })
    .get("/api/domain-mappings/:id/preflight", async ({ request, params }) => {
      const caller = await guard(request, "domain-mappings", params.id)
      const found = new URL(request.url).pathname.endsWith("/") ? undefined : await find(caller, params.id)
      if (found === undefined) throw new AppError("not_found", "not found")
      return preflightReply(await examine(found.hostname))
    })
    .all(
      "/api/domain-mappings/:id/preflight",
      async ({ request, params }) => {
        await guard(request, "domain-mappings", params.id)
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )

/** `GET /v1/connections/{id}/preflight`, in the same way. */
export const connectionPreflightRoutes = (examine: (request: Request, id: string) => Promise<PreflightReport>) =>
  new Elysia({ name: "connection-preflight-routes" }).get("/v1/connections/:id/preflight", async ({ request, params }) =>
    preflightReply(await examine(request, params.id)),
  )
