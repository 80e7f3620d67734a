import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { Alerts } from "./service"

/** The session of an administrator; throws `unauthorized` or `forbidden`. */
type Guard = (request: Request) => Promise<unknown>

/** `/admin/alerts`: what goes on and who is told of it, for administrators' sessions. Errors are `{"error": "…"}`. */
export const alertRoutes = (alerts: Alerts, guard: Guard) =>
  new Elysia({ name: "alert-routes" })
    .get("/admin/alerts", async ({ request }) => {
      await guard(request)
      return alerts.describe()
    })
    .post("/admin/alerts/test", async ({ request }) => {
      await guard(request)
      return { results: await testAlerts(alerts) }
    })

/** Sends a test to every receiver. Throws `conflict` where there is none. */
export async function testAlerts(alerts: Alerts) {
  const results = await alerts.test()
  if (results.length > 0) return results
  throw new AppError(
    "conflict",
    "nobody is told of alerts: set FREEHOLD_ALERT_WEBHOOK, FREEHOLD_ALERT_NTFY, or FREEHOLD_ALERT_SMTP_URL with FREEHOLD_ALERT_MAIL_FROM and FREEHOLD_ALERT_MAIL_TO",
  )
}
