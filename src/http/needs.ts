import { dashboardPlaces } from "./dashboard-routes"

/**
 * Who may use a route, as the reference says it and `permission-matrix.test.ts` holds the routes to it. `scope` without an id names the collection; with
 * `:id` the id of the path is its last segment.
 */
export type Row = {
  /** `open`: anybody. `challenge`: whoever is halfway through a login. `token`: any token, whatever its scopes. `session`, `admin`: a session, an administrator's. Else the scope of a token. */
  need: "open" | "challenge" | "token" | "session" | "admin" | { scope: string; action: string; admin?: true }
}

const read = (scope: string): Row => ({ need: { scope, action: "read" } })
const create = (scope: string): Row => ({ need: { scope, action: "create" } })
const of = (scope: string, action: string): Row => ({ need: { scope: `${scope}.:id`, action } })
const session: Row = { need: "session" }
const admin: Row = { need: "admin" }
const open: Row = { need: "open" }
const challenge: Row = { need: "challenge" }
const adminOf = (action: string, scope = "compute.containers"): Row => ({ need: { scope, action, admin: true } })

const mappings = "networking.domain-mappings"
const domains = "networking.domains"
const containers = "compute.containers"
const files = "storage.files"
const namespaces = "storage.namespaces"
const namespace = (action: string) => of(namespaces, action)
const file = (action: string) => of(files, action)
const container = (action: string) => of(containers, action)

/** Every route of the API, and who may use it. A route that is not here fails the test: whoever adds one says who may. */
export const permissionTable: Record<string, Row> = {
  "GET /healthz": open,
  "GET /livez": open,
  "GET /readyz": open,
  "GET /openapi.json": open,
  // The dashboard's own code and its one document say nothing of anybody.
  "GET /": open,
  ...Object.fromEntries(dashboardPlaces.flatMap((place) => [`GET /${place}`, `GET /${place}/*`]).map((route) => [route, open])),
  "GET /dashboard/:file": open,
  "GET /api/events": session,
  "GET /ca.pem": open,
  "GET /widget.js": open,
  "GET /link.css": open,
  "GET /c/:secret": open,
  "POST /c/:secret/check": open,
  "GET /setup/:secret": open,
  "POST /setup/:secret": open,
  "GET /reset/:secret": open,
  "POST /reset/:secret": open,

  "GET /cli-2fa": open,

  "POST /api/login": open,
  "POST /api/logout": open,
  "GET /api/session": session,
  "GET /api/login/factors": challenge,
  "POST /api/login/totp": challenge,
  "POST /api/login/recovery-code": challenge,
  "GET /api/webauthn/origins": open,
  "POST /api/webauthn/login/begin": challenge,
  "POST /api/webauthn/login/finish": open,
  "POST /api/webauthn/passkey/begin": open,
  "POST /api/webauthn/passkey/finish": open,

  "POST /api/tokens": session,
  "GET /api/tokens": session,
  "DELETE /api/tokens/:id": session,
  "GET /api/tokens/:id/check": open,
  "POST /api/service-accounts": session,
  "GET /api/service-accounts": session,
  "GET /api/service-accounts/:id": session,
  "PUT /api/service-accounts/:id/scopes": session,
  "DELETE /api/service-accounts/:id": session,
  "POST /api/service-accounts/:id/tokens": session,
  "GET /api/service-accounts/:id/tokens": session,

  "PUT /api/settings/profile": session,
  "PUT /api/settings/password": session,
  "GET /api/settings/sessions": session,
  "DELETE /api/settings/sessions": session,
  "DELETE /api/settings/sessions/:id": session,
  "GET /api/settings/keys": session,
  "POST /api/settings/keys/add/begin": session,
  "POST /api/settings/keys/add/finish": session,
  "POST /api/settings/keys/rename": session,
  "POST /api/settings/keys/delete": session,
  "GET /api/settings/two-factor": session,
  "POST /api/settings/totp/begin": session,
  "POST /api/settings/totp/finish": session,
  "POST /api/settings/totp/delete": session,
  "POST /api/settings/recovery-codes": session,

  "GET /admin/users": admin,
  "POST /admin/users": admin,
  "DELETE /admin/users": admin,
  "GET /admin/users/:id": admin,
  "DELETE /admin/users/:id": admin,
  "GET /admin/users/:id/deletion": admin,
  "POST /admin/users/:id/disable": admin,
  "POST /admin/users/:id/enable": admin,
  "POST /admin/users/:id/reset": admin,
  "PUT /admin/users/:id/role/:role": admin,
  "DELETE /admin/users/:id/two-factor": admin,
  "GET /admin/checks": admin,
  "GET /admin/checks/base-domain": admin,
  "GET /admin/checks/hostname": admin,
  "GET /admin/sessions": admin,
  "GET /admin/settings": admin,
  "PUT /admin/settings/:name": admin,
  "DELETE /admin/settings/:name": admin,
  "GET /admin/issuers": admin,
  "GET /admin/certificates": admin,
  "GET /admin/system": admin,
  "GET /api/overview": session,
  "DELETE /admin/sessions/:id": admin,
  "GET /api/audit": session,
  "GET /api/audit/export": session,

  "GET /api/domains": read(domains),
  "POST /api/domains": create(domains),
  "DELETE /api/domains/:id": of(domains, "delete"),
  "PUT /api/domains/:id": of(domains, "create"),
  "POST /api/domains/:id/refresh": of(domains, "create"),
  "GET /api/domain-mappings": read(mappings),
  "POST /api/domain-mappings": create(mappings),
  // Networking knows three actions, and a change is a `create`.
  "PATCH /api/domain-mappings/:id": of(mappings, "create"),
  "DELETE /api/domain-mappings/:id": of(mappings, "delete"),
  "POST /api/domain-mappings/:id/verify": of(mappings, "create"),
  "GET /api/domain-mappings/:id/traffic": of(mappings, "read"),
  "GET /api/domain-mappings/:id/timeline": of(mappings, "read"),
  "GET /api/domain-mappings/:id/preflight": of(mappings, "read"),
  "GET /api/domain-mappings/:id/records": of(mappings, "read"),
  "GET /api/domain-mappings/:id/certificate": of(mappings, "read"),
  "GET /api/domain-mappings/traffic": read(mappings),
  "GET /api/preflight": create(mappings),

  // Methods that these paths do not have: who may not even ask is told so first.
  "ALL /api/domains": create(domains),
  "ALL /api/domains/:id": create(`${domains}.:id`),
  "ALL /api/domains/:id/refresh": create(`${domains}.:id`),
  "ALL /api/domains/*": create(`${domains}.:id`),
  "ALL /api/domain-mappings": create(mappings),
  "ALL /api/domain-mappings/:id": create(`${mappings}.:id`),
  "ALL /api/domain-mappings/:id/verify": create(`${mappings}.:id`),
  "ALL /api/domain-mappings/:id/preflight": create(`${mappings}.:id`),
  "ALL /api/domain-mappings/:id/records": create(`${mappings}.:id`),
  "ALL /api/domain-mappings/:id/certificate": create(`${mappings}.:id`),
  "ALL /api/preflight": create(mappings),
  "ALL /api/domain-mappings/:id/timeline": create(`${mappings}.:id`),
  "ALL /api/domain-mappings/:id/traffic": create(`${mappings}.:id`),

  "GET /compute/containers": read(containers),
  "POST /compute/containers": create(containers),
  "GET /compute/containers/:id": container("read"),
  "DELETE /compute/containers/:id": container("delete"),
  "POST /compute/containers/:id/start": container("start"),
  "POST /compute/containers/:id/stop": container("stop"),
  "GET /compute/containers/:id/ssh": container("read"),
  "PUT /compute/containers/:id/ssh": container("update"),
  "POST /compute/containers/:id/rebuild": container("update"),
  "POST /compute/containers/:id/release": container("delete"),
  "PUT /compute/containers/:id/pull-policy": container("update"),
  "GET /compute/containers/:id/mounts": container("read"),
  "PUT /compute/containers/:id/mounts": container("update"),
  "GET /compute/containers/:id/volumes": container("read"),
  "DELETE /compute/containers/:id/volumes/:volume": container("update"),
  "GET /compute/containers/:id/ingress": container("read"),
  "POST /compute/containers/:id/ingress": container("update"),
  "DELETE /compute/containers/:id/ingress/:port": container("update"),
  "GET /compute/containers/:id/stats": container("read"),
  "GET /compute/containers/:id/logs": container("read"),
  "GET /compute/containers/:id/terminal": container("update"),
  "GET /compute/ws": read("compute"),
  "GET /compute/ssh-keys": read("compute.keys"),
  "POST /compute/ssh-keys": create("compute.keys"),
  "DELETE /compute/ssh-keys/:id": of("compute.keys", "delete"),
  "GET /compute/engine": read(containers),
  "GET /compute/images": read(containers),
  "GET /compute/registries": read(containers),
  "POST /compute/registries": { need: { scope: containers, action: "update" } },
  "DELETE /compute/registries/:id": { need: { scope: containers, action: "update" } },
  "GET /compute/instance-types": read(containers),
  "PUT /compute/instance-types/:name": adminOf("update"),
  "DELETE /compute/instance-types/:name": adminOf("update"),
  "GET /compute/admin/containers": adminOf("read"),
  "GET /compute/admin/foreign-containers": adminOf("read"),
  "POST /compute/admin/adopt": adminOf("create"),
  // Any token: what a ticket opens is decided where it is used.
  "POST /compute/tickets": { need: "token" },

  // By name in the path, and by name in the query or body: `default`, or none.
  "GET /storage/namespaces": read(namespaces),
  "POST /storage/namespaces": create(namespaces),
  "PATCH /storage/namespaces": { need: { scope: namespaces, action: "update" } },
  "DELETE /storage/namespaces": { need: { scope: namespaces, action: "delete" } },
  "GET /storage/namespaces/:name": namespace("read"),
  "PUT /storage/namespaces/:name": namespace("update"),
  "DELETE /storage/namespaces/:name": namespace("delete"),
  "GET /storage/namespaces/:name/deletion": namespace("delete"),
  "GET /storage/files": read(files),
  "GET /storage/files/versions": read(files),
  "POST /storage/files/restore": create(files),
  // Further `read` there, and `create` where it goes.
  "POST /storage/files/move": { need: { scope: files, action: "delete" } },
  "POST /storage/upload": create(files),
  "GET /storage/download": read(files),
  "DELETE /storage/delete": { need: { scope: files, action: "delete" } },
  "GET /storage/download/:namespace/*": file("read"),
  "GET /storage/:namespace/*": file("read"),
  "POST /storage/:namespace/*": file("create"),
  "PUT /storage/:namespace/*": file("create"),
  "DELETE /storage/:namespace/*": file("delete"),
  "GET /storage/status": open,
  // Any token: what is told is its person's own, by an id that the person chose.
  "GET /sse/progress": { need: "token" },
  "GET /storage/progress": { need: "token" },
  "POST /storage/uploads": create(files),
  "GET /storage/uploads/:id": { need: { scope: files, action: "create" } },
  "PATCH /storage/uploads/:id": { need: { scope: files, action: "create" } },
  "DELETE /storage/uploads/:id": { need: { scope: files, action: "create" } },
  "POST /storage/links": read(files),
  "GET /storage/usage": read(namespaces),
  "GET /storage/keys": session,
  "POST /storage/keys": session,
  "DELETE /storage/keys/:id": session,
  "GET /admin/namespaces": admin,
  "GET /admin/files": admin,
  "GET /storage/admin/namespaces": admin,
  "GET /storage/admin/files": admin,
  "GET /storage/admin/quotas": admin,
  "GET /storage/admin/quotas/:person": admin,
  "PUT /storage/admin/quotas/:person": admin,
  "GET /storage/admin/faults": admin,
  "POST /storage/admin/scrub": admin,
  "ALL /storage/namespaces": open,
  "ALL /storage/namespaces/:name": open,
  "ALL /storage/upload": open,
  "ALL /storage/delete": open,
}
