import { Elysia } from "elysia"
import type { Health, HealthReply } from "./health"

/** How the appliance is, for whoever watches it: 200, or 503 while visitors should be led elsewhere. */
export const healthRoutes = (health: Pick<Health, "all" | "readiness">) =>
  new Elysia({ name: "health-routes" })
    .get("/healthz", async () => answer(await health.all()))
    .get("/readyz", async () => answer(await health.readiness()))

function answer(reply: HealthReply): Response {
  return Response.json(reply, { status: reply.status === "unavailable" ? 503 : 200, headers: { "cache-control": "no-store" } })
}
