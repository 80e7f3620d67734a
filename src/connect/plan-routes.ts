import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { Scope } from "./model"
import { type ConnectGuard, readBody } from "./request"
import type { Usage } from "./usage"

const any: Scope[] = ["connections:read", "connections:write", "apps:admin", "webhooks:write", "usage:read"]

/** Usage and plans (connect-api.md section 13). There is nothing to buy here, so there is no billing. */
export const planRoutes = (usage: Usage, guard: ConnectGuard, catalog: () => unknown[]) =>
  new Elysia({ name: "plan-routes" })
    .get("/v1/providers", async ({ request }) => {
      await guard(request, ["connections:read"])
      return { data: catalog(), next_cursor: null }
    })
    .get("/v1/usage", async ({ request, query }) => {
      const { personId } = await guard(request, ["usage:read", "connections:read"])
      return usage.report(personId, query.period)
    })
    .get("/v1/plans", async ({ request }) => {
      await guard(request, any)
      return usage.plans()
    })
    .put(
      "/v1/plans/:key",
      async ({ request, params }) => {
        const principal = await guard(request, ["apps:admin"])
        if (principal.kind !== "session" || !principal.isAdmin)
          throw new AppError("forbidden", "only an administrator's session changes plans")
        return usage.putPlan(params.key, (await readBody(request)).limits)
      },
      { parse: "none" },
    )
    .get("/v1/subscription", async ({ request }) => usage.subscription((await guard(request, any)).personId))
    .post(
      "/v1/subscriptions",
      async ({ request }) => {
        const principal = await guard(request, ["apps:admin"])
        // Else everybody could take themselves out of their limits.
        if (!principal.isAdmin) throw new AppError("forbidden", "only an administrator says who has which plan")
        const { plan, user_id } = await readBody(request)
        return usage.subscribe(typeof user_id === "string" ? user_id : principal.personId, plan)
      },
      { parse: "none" },
    )
    .post("/v1/billing/checkout", async ({ request }) => {
      await guard(request, ["apps:admin"])
      throw new AppError("bad_gateway", "no billing provider is configured", { reason: "billing_unavailable" })
    })
