import type { Scene } from "./reference-story"

type Made = { id: string }
type Connection = {
  id: string
  state: string
  ownership_challenge: { name: string; value: string }
  desired_records: { host: string; type: string; value: string }[]
}

/** A product whose customers bring their own domains. */
export async function tellConnect(scene: Scene): Promise<void> {
  const { recorder, origin } = scene
  const about = { name: "Acme Sites", origin_url: origin, allowed_origins: ["https://app.acme.example"] }
  const application = await recorder.ask<Made>("POST /v1/applications", { body: about })
  const at = { id: application.id }
  await recorder.ask("GET /v1/applications")
  await recorder.ask("GET /v1/applications/:id", { at })
  await recorder.ask("PATCH /v1/applications/:id", { at, body: { name: "Acme" } })
  const key = await recorder.ask<Made>("POST /v1/applications/:id/keys", {
    at,
    body: { name: "server", scopes: ["connections:read", "connections:write"] },
  })
  await recorder.ask("GET /v1/applications/:id/keys", { at })
  await recorder.ask("DELETE /v1/applications/:id/keys/:key", { at: { ...at, key: key.id } })
  await recorder.ask("POST /v1/tokens", { body: { application_id: application.id, domain: "app.customer.com" } })
  for (const route of ["GET /v1/plans", "GET /v1/subscription"]) await recorder.ask(route)
  await recorder.ask("GET /v1/providers")
  const { user_id: person } = await recorder.ask<{ user_id: string }>("GET /api/session")
  await recorder.ask("PUT /v1/plans/:key", { at: { key: "small" }, body: { limits: { connect: 50 } } })
  await recorder.ask("POST /v1/subscriptions", { body: { plan: "small", user_id: person } })
  await recorder.ask("POST /v1/billing/checkout", { body: {}, status: 502 })
  await recorder.ask("GET /v1/domain-connect/template", { status: 404 })
  await tellWebhooks(scene)
  await tellConnection(scene, application.id)
  await tellCredential(scene, application.id)
  await recorder.ask("GET /v1/usage")
  const spare = await recorder.ask<Made>("POST /v1/applications", { body: { name: "Spare" } })
  await recorder.ask("DELETE /v1/applications/:id", { at: { id: spare.id } })
}

async function tellWebhooks({ recorder, origin }: Scene): Promise<void> {
  const endpoint = await recorder.ask<Made>("POST /v1/webhook-endpoints", {
    body: { url: `${origin}/hooks`, events: ["ssl.issued", "domain.drift"] },
  })
  const at = { id: endpoint.id }
  await recorder.ask("GET /v1/webhook-endpoints")
  await recorder.ask("GET /v1/webhook-endpoints/:id", { at })
  const delivery = await recorder.ask<Made>("POST /v1/webhook-endpoints/:id/test", { at })
  const of = { id: delivery.id }
  await recorder.until(`/v1/webhook-deliveries/${delivery.id}`, '"status":"delivered"')
  await recorder.ask("GET /v1/webhook-deliveries", { query: { endpoint_id: endpoint.id } })
  await recorder.ask("GET /v1/webhook-deliveries/:id", { at: of })
  await recorder.ask("POST /v1/webhook-deliveries/:id/replay", { at: of })
  await recorder.ask("POST /v1/webhook-endpoints/:id/rotate-secret", { at })
  await recorder.ask("PATCH /v1/webhook-endpoints/:id", { at, body: { disabled: true } })
  await recorder.ask("DELETE /v1/webhook-endpoints/:id", { at })
}

async function tellConnection({ recorder, publish, publishTxt, origin, hide }: Scene, application: string): Promise<void> {
  await recorder.ask("POST /v1/domains:check", { body: { domain: "app.customer.com", application_id: application } })
  await recorder.ask("POST /v1/email/records", { body: { domain: "customer.com", provider: "google_workspace" } })
  const made = await recorder.ask<Connection>("POST /v1/connections", {
    body: { application_id: application, hostname: "app.customer.com" },
  })
  const at = { id: made.id }
  const { url } = await recorder.ask<{ url: string }>("POST /v1/connections/:id/link", { at, body: { email: "ada@customer.com" } })
  const secret = url.split("/").at(-1) ?? ""
  hide(secret, "SECRET")
  await recorder.ask("GET /v1/connections/:id/link", { at })
  await recorder.ask("GET /c/:secret", { at: { secret }, token: null })
  await recorder.ask("GET /link.css", { token: null })
  await recorder.ask("POST /c/:secret/check", { at: { secret }, token: null, body: "" })
  await recorder.ask("DELETE /v1/connections/:id/link", { at })
  publishTxt(made.ownership_challenge.name, made.ownership_challenge.value)
  await recorder.ask("POST /v1/connections/:id/verify", { at })
  for (const { host, type, value } of made.desired_records) await publish(host, type, value)
  await recorder.ask("POST /v1/connections/:id/records:check", { at })
  await recorder.until(`/v1/connections/${made.id}/timeline`, "→ live")
  await recorder.ask("POST /v1/connections/:id/email:apply", { at, body: { domain: "customer.com", provider: "google_workspace" } })
  await recorder.ask("GET /v1/connections/:id/preflight", { at })
  await recorder.ask("GET /v1/connections/:id/records", { at })
  await recorder.ask("GET /v1/connections/:id/certificate", { at })
  await recorder.ask("GET /v1/connections", { query: { application_id: application, state: "issuing_cert,live", q: "customer" } })
  await recorder.ask("GET /v1/connection-counts")
  await recorder.ask("GET /v1/connections/:id/traffic", { at, query: { from: "2026-11-29T10:00:00Z", to: "2026-11-29T11:00:00Z" } })
  await recorder.ask("GET /v1/connections/:id/requests", { at, until: "ready" })
  await recorder.ask("GET /v1/connection-traffic")
  await recorder.ask("GET /v1/connections/:id", { at })
  await recorder.ask("PATCH /v1/connections/:id", { at, body: { origin_url: origin } })
  await recorder.ask("GET /v1/connections/:id/timeline", { at, query: { limit: "1" } })
  await recorder.ask("DELETE /v1/connections/:id", { at })
}

async function tellCredential({ recorder, providerToken }: Scene, application: string): Promise<void> {
  const at = { id: application }
  const made = await recorder.ask<Connection>("POST /v1/connections", {
    body: { application_id: application, hostname: "shop.customer.com" },
  })
  const credential = await recorder.ask<Made>("POST /v1/applications/:id/credentials", {
    at,
    body: { provider: "cloudflare", token: providerToken, domain: "shop.customer.com" },
  })
  await recorder.ask("GET /v1/applications/:id/credentials", { at })
  await recorder.ask("PUT /v1/applications/:id/credentials/:credential", {
    at: { ...at, credential: credential.id },
    body: { fields: { token: providerToken }, domain: "shop.customer.com" },
  })
  await recorder.ask("POST /v1/connections/:id/records:apply", { at: { id: made.id } })
  await recorder.ask("DELETE /v1/applications/:id/credentials/:credential", { at: { ...at, credential: credential.id } })
}
