import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { DomainConnect } from "./service"

/** Who asks, with at least one of the scopes. Throws `unauthorized` and `forbidden`. */
export type DomainConnectGuard = (
  request: Request,
  ...anyOf: string[]
) => Promise<{ personId: string; environment: "test" | "live" | undefined; hostname?: string }>

/** `GET /v1/domain-connect/template`: what an operator registers at DNS providers, and publishes in the provider id's zone. */
export const domainConnectRoutes = (domainConnect: DomainConnect, guard: DomainConnectGuard) =>
  new Elysia({ name: "domain-connect-routes" })
    .get("/v1/domain-connect/template", async ({ request }) => {
      await guard(request, "apps:admin")
      const templates = domainConnect.templates()
      if (templates.length === 0) throw new AppError("not_found", "no Domain Connect provider and service are configured")
      return { templates, public_key: domainConnect.publicKeyRecords() ?? null }
    })
    .all(
      "/v1/domain-connect/template",
      async ({ request }) => {
        await guard(request, "apps:admin")
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )
