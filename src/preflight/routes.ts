import { Elysia } from "elysia"
import { AppError } from "../errors"

/** `GET /api/preflight?hostname=`: what is known of a name before it is mapped; who may make a mapping may ask. */
export const namePreflightRoutes = <C>(
  guard: (request: Request, resource: "domain-mappings", id: undefined, action: "create") => Promise<C>,
  check: (caller: C, hostname: string) => Promise<object>,
) =>
  new Elysia({ name: "name-preflight-routes" })
    .get("/api/preflight", async ({ request }) => {
      const caller = await guard(request, "domain-mappings", undefined, "create")
      if (new URL(request.url).pathname.endsWith("/")) throw new AppError("not_found", "not found")
      return check(caller, new URL(request.url).searchParams.get("hostname") ?? "")
    })
    .all(
      "/api/preflight",
      async ({ request }) => {
        await guard(request, "domain-mappings", undefined, "create")
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )
