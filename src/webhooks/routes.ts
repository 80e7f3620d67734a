import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { Caller } from "./model"
import type { Query, WebhookService } from "./service"

/** Says who asks and that they hold one of the scopes; throws `unauthorized` or `forbidden`. */
export type WebhookGuard = (request: Request, ...anyOf: string[]) => Promise<Caller>

const raw = { parse: "none" } as const

/** `/v1/webhook-endpoints` and `/v1/webhook-deliveries`. The guard comes before everything else. */
export const webhookRoutes = (webhooks: WebhookService, guard: WebhookGuard) => {
  const caller = (request: Request) => guard(request, "webhooks:write", "apps:admin")
  const body = (request: Request) => readJsonObject(request, "the body must be a JSON object")
  return new Elysia({ prefix: "/v1" })
    .get("/webhook-endpoints", async ({ request, query }) => webhooks.list(await caller(request), query as Query))
    .post(
      "/webhook-endpoints",
      async ({ request, status }) => {
        const who = await caller(request)
        return status(201, await webhooks.create(who, await body(request)))
      },
      raw,
    )
    .get("/webhook-endpoints/:id", async ({ request, params }) => webhooks.find(await caller(request), params.id))
    .patch(
      "/webhook-endpoints/:id",
      async ({ request, params }) => {
        const who = await caller(request)
        return webhooks.change(who, params.id, await body(request))
      },
      raw,
    )
    .delete(
      "/webhook-endpoints/:id",
      async ({ request, params, status }) => {
        await webhooks.delete(await caller(request), params.id)
        return status(204, undefined)
      },
      raw,
    )
    .post(
      "/webhook-endpoints/:id/test",
      async ({ request, params, status }) => status(202, await webhooks.test(await caller(request), params.id)),
      raw,
    )
    .post(
      "/webhook-endpoints/:id/rotate-secret",
      async ({ request, params }) => webhooks.rotateSecret(await caller(request), params.id),
      raw,
    )
    .get("/webhook-deliveries", async ({ request, query }) => webhooks.deliveries(await caller(request), query as Query))
    .get("/webhook-deliveries/:id", async ({ request, params }) => webhooks.findDelivery(await caller(request), params.id))
    .post(
      "/webhook-deliveries/:id/replay",
      async ({ request, params, status }) => status(202, await webhooks.replay(await caller(request), params.id)),
      raw,
    )
}
