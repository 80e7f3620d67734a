import { Elysia } from "elysia"
import type { AdminGuard } from "./admin-routes"
import type { TwoFactor } from "./two-factor"

/** What administrators may do about others' second factors: remove them all. */
export const twoFactorAdminRoutes = (twoFactor: TwoFactor, guard: AdminGuard) =>
  new Elysia({ name: "two-factor-admin-routes" }).delete("/admin/users/:id/two-factor", async ({ request, params }) => {
    await guard(request)
    return twoFactor.removeAll(params.id)
  })
