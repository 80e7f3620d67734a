import { type Scope, scopes } from "../connect/model"

/** Who may use a route of the connect API: a key with one of the scopes, a widget's token where it says so, and a session; `admins` are for an administrator's session alone. */
export type ConnectNeed = { anyOf: readonly Scope[]; widget?: true; admins?: true }

const read: ConnectNeed = { anyOf: ["connections:read"] }
const write: ConnectNeed = { anyOf: ["connections:write"] }
const apps: ConnectNeed = { anyOf: ["apps:admin"] }
const hooks: ConnectNeed = { anyOf: ["webhooks:write", "apps:admin"] }
const every: ConnectNeed = { anyOf: scopes }

/** Every route of the connect API, as the reference says it and `connect-matrix.test.ts` holds the routes to it; a verb stands in its path as it is asked for. */
export const connectNeeds: Record<string, ConnectNeed> = {
  "POST /v1/applications": apps,
  "GET /v1/applications": { anyOf: ["apps:admin", "connections:read"] },
  "GET /v1/applications/:id": { anyOf: ["apps:admin", "connections:read"] },
  "PATCH /v1/applications/:id": apps,
  "DELETE /v1/applications/:id": apps,
  "POST /v1/applications/:id/keys": apps,
  "GET /v1/applications/:id/keys": apps,
  "DELETE /v1/applications/:id/keys/:key": apps,
  "POST /v1/applications/:id/credentials": apps,
  "GET /v1/applications/:id/credentials": apps,
  "PUT /v1/applications/:id/credentials/:credential": apps,
  "DELETE /v1/applications/:id/credentials/:credential": apps,
  "POST /v1/tokens": write,
  "POST /v1/domains:check": { ...read, widget: true },
  "POST /v1/connections": { ...write, widget: true },
  "GET /v1/connections": read,
  "GET /v1/connection-counts": read,
  "GET /v1/connection-traffic": read,
  "GET /v1/connections/:id": { ...read, widget: true },
  "PATCH /v1/connections/:id": write,
  "DELETE /v1/connections/:id": write,
  "POST /v1/connections/:id/verify": write,
  "POST /v1/connections/:id/records:check": { ...write, widget: true },
  "POST /v1/connections/:id/records:apply": write,
  "POST /v1/connections/:id/email:apply": { ...write, widget: true },
  "POST /v1/connections/:id/link": write,
  "DELETE /v1/connections/:id/link": write,
  "GET /v1/connections/:id/link": read,
  "GET /v1/connections/:id/timeline": read,
  "GET /v1/connections/:id/traffic": read,
  "GET /v1/connections/:id/requests": read,
  "GET /v1/connections/:id/preflight": { ...read, widget: true },
  "GET /v1/connections/:id/records": { ...read, widget: true },
  "GET /v1/connections/:id/certificate": { ...read, widget: true },
  "POST /v1/email/records": { ...read, widget: true },
  "GET /v1/domain-connect/template": apps,
  "GET /v1/providers": read,
  "GET /v1/usage": { anyOf: ["usage:read", "connections:read"] },
  "GET /v1/plans": every,
  "PUT /v1/plans/:key": { ...apps, admins: true },
  "GET /v1/subscription": every,
  "POST /v1/subscriptions": { ...apps, admins: true },
  "POST /v1/billing/checkout": apps,
  "GET /v1/webhook-endpoints": hooks,
  "POST /v1/webhook-endpoints": hooks,
  "GET /v1/webhook-endpoints/:id": hooks,
  "PATCH /v1/webhook-endpoints/:id": hooks,
  "DELETE /v1/webhook-endpoints/:id": hooks,
  "POST /v1/webhook-endpoints/:id/test": hooks,
  "POST /v1/webhook-endpoints/:id/rotate-secret": hooks,
  "GET /v1/webhook-deliveries": hooks,
  "GET /v1/webhook-deliveries/:id": hooks,
  "POST /v1/webhook-deliveries/:id/replay": hooks,
}
