import { permissionTable, type Row } from "./needs"

/** Things of the other person that stand for `:id` when somebody reaches for what is not theirs. */
export type Thing =
  "container" | "mapping" | "domain" | "token" | "account" | "session" | "sshKey" | "registry" | "namespace" | "storageKey" | "upload"

/** How the matrix asks for a route, beyond who may use it. */
type Trial = {
  /** What the path's `:id` is when it is another's, and what that is answered. */
  foreign?: { thing: Thing; status: number }
  /** What the test sends along where a body is looked at before its owner. */
  body?: object
  /** What the test's own session is answered, where it is not told apart from a refusal by its status. */
  own?: number
}

const another = (thing: Thing, body?: object): Trial => ({ foreign: { thing, status: 404 }, ...(body === undefined ? {} : { body }) })

/** Of the routes that want more than to be asked. */
export const trials: Record<string, Trial> = {
  "DELETE /api/tokens/:id": another("token"),
  "GET /api/service-accounts/:id": another("account"),
  "PUT /api/service-accounts/:id/scopes": another("account", {}),
  "DELETE /api/service-accounts/:id": another("account"),
  "POST /api/service-accounts/:id/tokens": another("account", { name: "t" }),
  "GET /api/service-accounts/:id/tokens": another("account"),
  // Without the password of now.
  "PUT /api/settings/password": { own: 400 },
  "DELETE /api/settings/sessions/:id": another("session"),
  // Both ask for the password once more, and nothing is sent.
  "POST /api/settings/totp/delete": { own: 401 },
  "POST /api/settings/recovery-codes": { own: 401 },
  // Without a name.
  "GET /admin/checks/hostname": { own: 400 },
  "DELETE /api/domains/:id": another("domain"),
  "PUT /api/domains/:id": another("domain", { token: "another" }),
  "POST /api/domains/:id/refresh": another("domain"),
  "GET /api/domains/:id/records": another("domain"),
  "POST /api/domains/:id/records/check": another("domain"),
  "PATCH /api/domain-mappings/:id": another("mapping", { access_log: false }),
  "DELETE /api/domain-mappings/:id": another("mapping"),
  "POST /api/domain-mappings/:id/verify": another("mapping"),
  "GET /api/domain-mappings/:id/traffic": another("mapping"),
  "GET /api/domain-mappings/:id/requests": another("mapping"),
  "GET /api/domain-mappings/:id/timeline": another("mapping"),
  "GET /api/domain-mappings/:id/preflight": another("mapping"),
  "GET /api/domain-mappings/:id/records": another("mapping"),
  "GET /api/domain-mappings/:id/certificate": another("mapping"),
  "GET /compute/containers/:id": another("container"),
  "DELETE /compute/containers/:id": another("container"),
  "POST /compute/containers/:id/start": another("container"),
  "POST /compute/containers/:id/stop": another("container"),
  "GET /compute/containers/:id/ssh": another("container"),
  "PUT /compute/containers/:id/ssh": another("container", { ssh_enabled: true }),
  "POST /compute/containers/:id/rebuild": another("container", {}),
  "POST /compute/containers/:id/release": another("container", {}),
  "PUT /compute/containers/:id/pull-policy": another("container", { pull_policy: "Always" }),
  "GET /compute/containers/:id/mounts": another("container"),
  "PUT /compute/containers/:id/mounts": another("container", { mount_paths: ["/data"] }),
  "GET /compute/containers/:id/volumes": another("container"),
  "DELETE /compute/containers/:id/volumes/:volume": another("container"),
  "GET /compute/containers/:id/ingress": another("container"),
  "POST /compute/containers/:id/ingress": another("container", { port: 8000 }),
  "DELETE /compute/containers/:id/ingress/:port": another("container"),
  "GET /compute/containers/:id/stats": another("container"),
  "GET /compute/containers/:id/logs": another("container"),
  "GET /compute/containers/:id/terminal": another("container"),
  "DELETE /compute/ssh-keys/:id": another("sshKey"),
  "DELETE /compute/registries/:id": another("registry"),
  "GET /storage/namespaces/:name": another("namespace"),
  "PUT /storage/namespaces/:name": another("namespace"),
  "DELETE /storage/namespaces/:name": another("namespace"),
  "GET /storage/namespaces/:name/deletion": another("namespace"),
  "GET /storage/download/:namespace/*": another("namespace"),
  "GET /storage/:namespace/*": another("namespace"),
  "POST /storage/:namespace/*": another("namespace"),
  "PUT /storage/:namespace/*": another("namespace"),
  "DELETE /storage/:namespace/*": another("namespace"),
  "GET /storage/uploads/:id": another("upload"),
  "PATCH /storage/uploads/:id": another("upload"),
  "DELETE /storage/uploads/:id": another("upload"),
  "DELETE /storage/keys/:id": another("storageKey"),

  // Methods that these paths do not have.
  "ALL /api/domains": { own: 405 },
  // Asked by PUT, which has a row of its own: nobody's id is not found.
  "ALL /api/domains/:id": { own: 404 },
  "ALL /api/domains/:id/refresh": { own: 405 },
  "ALL /api/domains/:id/records": { own: 405 },
  "ALL /api/domains/:id/records/check": { own: 405 },
  "ALL /api/domains/*": { own: 404 },
  "ALL /api/domain-mappings": { own: 405 },
  "ALL /api/domain-mappings/:id": { own: 405 },
  "ALL /api/domain-mappings/:id/verify": { own: 405 },
  "ALL /api/domain-mappings/:id/preflight": { own: 405 },
  "ALL /api/domain-mappings/:id/records": { own: 405 },
  "ALL /api/domain-mappings/:id/certificate": { own: 405 },
  "ALL /api/preflight": { own: 405 },
  "ALL /api/domain-mappings/:id/requests": { own: 404 },
  "ALL /api/domain-mappings/:id/timeline": { own: 404 },
  "ALL /api/domain-mappings/:id/traffic": { own: 405 },
}

/** Every route of the API: who may use it, and how the matrix asks. */
export const table: Record<string, Row & Trial> = Object.fromEntries(
  Object.entries(permissionTable).map(([route, row]) => [route, { ...row, ...trials[route] }]),
)

export type TableRow = Row & Trial
