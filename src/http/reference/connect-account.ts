import { t } from "elysia"
import { environment, gone, idempotent } from "./connect"
import {
  anything,
  boolean,
  created,
  empty,
  integer,
  json,
  maybe,
  moment,
  named,
  number,
  oneOf,
  type Operations,
  orNull,
  paged,
  pageOf,
  said,
} from "./operation"

const eventTypes = ["domain.added", "domain.verified", "ssl.issued", "domain.flow.completed", "domain.drift", "domain.recovered"] as const
const wrong = "Names the field and its rule."
const limits = t.Record(t.String(), t.Union([integer({ minimum: 0 }), t.Null()]), {
  description: "`connect`, `active_domain`, `cert` or `api_call` → the most of it in a month; null for no bound.",
})
const shownLimits = t.Record(t.String(), integer())
const subscription = named("Subscription", t.Object({ plan: t.String(), limits: shownLimits, status: t.Literal("active") }))
const plan = t.Object({ key: t.String(), limits: shownLimits })

const endpoint = named(
  "WebhookEndpoint",
  t.Object({
    id: t.String(),
    url: t.String(),
    events: t.Array(t.String()),
    environment,
    disabled: boolean(),
    created_at: moment(),
    signing_secret: maybe(said("When it was made, and when it was renewed; nowhere else.")),
  }),
)

const statuses = ["pending", "retrying", "delivered", "failed"] as const
const deliveryFields = {
  id: t.String(),
  endpoint_id: t.String(),
  event_id: t.String(),
  type: t.String(),
  job_id: orNull(said("The connection.")),
  status: oneOf(statuses),
  attempts: integer(),
  next_retry_at: orNull(moment()),
  last_status: orNull(integer()),
  last_error: orNull(t.String()),
  created_at: moment(),
  delivered_at: orNull(moment()),
}
const delivery = named("WebhookDelivery", t.Object(deliveryFields))

const url = said("Public, over HTTPS; `FREEHOLD_WEBHOOK_ALLOW` lets in receivers at home.", { maxLength: 2048 })
const events = t.Array(oneOf(eventTypes), { description: "An empty list stands for all." })
const noSuch = { 404: gone[404] }

export const connectAccount: Operations = {
  "GET /v1/providers": {
    summary: "List the DNS providers that are known",
    good: json(
      pageOf(
        named(
          "Provider",
          t.Object({
            key: t.String(),
            name: t.String(),
            logo_url: t.Null(),
            auto_write: boolean(),
            credential_hint: said("The form of its credential, and what rights it needs."),
            docs_url: t.String(),
            made_at: orNull(said("Where the provider makes one, where that has one address for everybody.")),
            rights: t.Array(t.String(), { description: "What it has to be allowed, as the provider calls it." }),
            fields: t.Array(
              t.Object({
                key: said("What it is called in `fields`."),
                label: said("As the provider calls it."),
                hint: orNull(t.String()),
                secret: boolean({ description: "Not to be shown while it is typed." }),
                optional: boolean(),
                long: boolean({ description: "A document of many lines." }),
                choices: orNull(t.Array(t.String())),
              }),
              { description: "What its credential is asked for as." },
            ),
            proven: said("How it was tried."),
          }),
        ),
      ),
    ),
  },
  "GET /v1/domain-connect/template": {
    summary: "What to register at DNS providers for Domain Connect",
    good: json(
      t.Object({ templates: t.Array(anything("A template for the registry.")), public_key: orNull(anything("What to publish.")) }),
    ),
    errors: { 404: "No Domain Connect provider and service are configured." },
  },
  "GET /v1/usage": {
    summary: "What one has used in a month",
    query: t.Object({ period: maybe(said("Such as `2026-11`; this month where it is left out.", { pattern: "^\\d{4}-\\d\\d$" })) }),
    good: json(
      t.Object({
        period: t.String(),
        usage: t.Array(t.Object({ kind: t.String(), used: integer(), limit: orNull(integer()) })),
      }),
    ),
    errors: { 400: "`period` is not as above." },
  },
  "GET /v1/plans": { summary: "List the plans", good: json(t.Object({ data: t.Array(plan) })) },
  "PUT /v1/plans/:key": {
    summary: "Make or change a plan",
    params: { key: "Of the plan." },
    body: t.Object({ limits }),
    good: json(plan),
    errors: { 400: wrong },
  },
  "GET /v1/subscription": { summary: "Which plan one has", good: json(subscription) },
  "POST /v1/subscriptions": {
    summary: "Give somebody a plan",
    body: t.Object({ plan: t.String(), user_id: maybe(said("Oneself where it is left out.")) }),
    good: json(subscription),
    errors: { 400: wrong, 404: "No such plan or person." },
  },
  "POST /v1/billing/checkout": {
    summary: "Buy a plan",
    text: "There is nothing to buy here; stock clients ask.",
    good: empty(204, "Never."),
    errors: { 502: "`billing_unavailable`, always." },
  },
  "GET /v1/webhook-endpoints": { summary: "List webhook endpoints", text: "Newest first.", query: paged(), good: json(pageOf(endpoint)) },
  "POST /v1/webhook-endpoints": {
    summary: "Make a webhook endpoint",
    text: "`signing_secret` is shown this once. docs/API.md says how a receiver checks a signature.",
    headers: idempotent,
    body: t.Object({ url, events: maybe(events), environment: maybe(environment) }),
    good: created(endpoint),
    errors: { 400: wrong, 409: "More than fifty." },
  },
  "GET /v1/webhook-endpoints/:id": { summary: "A webhook endpoint", good: json(endpoint), errors: noSuch },
  "PATCH /v1/webhook-endpoints/:id": {
    summary: "Change a webhook endpoint",
    text: "What waits for a disabled one is sent when it is not.",
    body: t.Object({ url: maybe(url), events: maybe(events), disabled: maybe(boolean()) }),
    good: json(endpoint),
    errors: { ...noSuch, 400: wrong },
  },
  "DELETE /v1/webhook-endpoints/:id": {
    summary: "Delete a webhook endpoint",
    text: "Its deliveries go with it.",
    good: empty(),
    errors: noSuch,
  },
  "POST /v1/webhook-endpoints/:id/test": {
    summary: "Send a test to a webhook endpoint",
    good: json(delivery, "Sent; the delivery tells what becomes of it.", 202),
    errors: { ...noSuch, 409: "It is disabled, or ten tests are unsent." },
  },
  "POST /v1/webhook-endpoints/:id/rotate-secret": {
    summary: "Renew a signing secret",
    text: "The new one counts at once.",
    good: json(endpoint),
    errors: noSuch,
  },
  "GET /v1/webhook-deliveries": {
    summary: "List webhook deliveries",
    text: "Newest first; kept for 30 days, and the last thousand of an endpoint.",
    query: paged({ endpoint_id: maybe(t.String()), status: maybe(oneOf(statuses)), job_id: maybe(said("The connection.")) }),
    good: json(pageOf(delivery)),
    errors: { 400: wrong },
  },
  "GET /v1/webhook-deliveries/:id": {
    summary: "A webhook delivery",
    text: "With the event's data and the last 25 tries.",
    good: json(
      t.Object({
        ...deliveryFields,
        data: t.Unsafe<unknown>({ description: "Of the event." }),
        history: t.Array(
          t.Object({
            at: moment(),
            status: orNull(integer()),
            error: orNull(t.String()),
            duration_ms: number(),
            reply: said("The first KiB of the answer."),
          }),
        ),
      }),
    ),
    errors: noSuch,
  },
  "POST /v1/webhook-deliveries/:id/replay": {
    summary: "Send a webhook delivery again",
    text: "The same event, with as many tries as a new one.",
    good: json(delivery, "It is sent.", 202),
    errors: { ...noSuch, 409: "The endpoint is disabled." },
  },
}
