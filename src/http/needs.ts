import { dashboardPlaces } from "./dashboard-routes"

/** Things of the other person that stand for `:id` when somebody reaches for what is not theirs. */
export type Thing =
  "container" | "mapping" | "domain" | "token" | "account" | "session" | "sshKey" | "registry" | "namespace" | "storageKey" | "upload"

/**
 * Who may use a route, as the reference says it and `permission-matrix.test.ts` holds the routes to it. `scope` without an id names the collection; with
 * `:id` the id of the path is its last segment.
 */
export type Row = {
  /** `open`: anybody. `challenge`: whoever is halfway through a login. `token`: any token, whatever its scopes. `session`, `admin`: a session, an administrator's. Else the scope of a token. */
  need: "open" | "challenge" | "token" | "session" | "admin" | { scope: string; action: string; admin?: true }
  /** What the path's `:id` is when it is another's, and what that is answered. */
  foreign?: { thing: Thing; status: number }
  /** What the test sends along where a body is looked at before its owner. */
  body?: object
  /** What the test's own session is answered, where it is not told apart from a refusal by its status. */
  own?: number
}

const read = (scope: string): Row => ({ need: { scope, action: "read" } })
const create = (scope: string): Row => ({ need: { scope, action: "create" } })
const of = (thing: Thing, scope: string, action: string, body?: object): Row => ({
  need: { scope: `${scope}.:id`, action },
  foreign: { thing, status: 404 },
  ...(body === undefined ? {} : { body }),
})
const session: Row = { need: "session" }
const admin: Row = { need: "admin" }
const open: Row = { need: "open" }
const challenge: Row = { need: "challenge" }
const theirs = (thing: Thing, body?: object): Row => ({ need: "session", foreign: { thing, status: 404 }, ...(body ? { body } : {}) })
const adminOf = (action: string, scope = "compute.containers"): Row => ({ need: { scope, action, admin: true } })

const refused = (scope: string, own: number): Row => ({ need: { scope, action: "create" }, own })

const mappings = "networking.domain-mappings"
const domains = "networking.domains"
const containers = "compute.containers"
const files = "storage.files"
const namespaces = "storage.namespaces"
const namespace = (action: string, body?: object) => of("namespace", namespaces, action, body)
const file = (action: string) => of("namespace", files, action)
const container = (action: string, body?: object) => of("container", containers, action, body)

/** Every route of the API, and who may use it. A route that is not here fails the test: whoever adds one says who may. */
export const permissionTable: Record<string, Row> = {
  "GET /healthz": open,
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
  "DELETE /api/tokens/:id": theirs("token"),
  "GET /api/tokens/:id/check": open,
  "POST /api/service-accounts": session,
  "GET /api/service-accounts": session,
  "GET /api/service-accounts/:id": theirs("account"),
  "PUT /api/service-accounts/:id/scopes": theirs("account", {}),
  "DELETE /api/service-accounts/:id": theirs("account"),
  "POST /api/service-accounts/:id/tokens": theirs("account", { name: "t" }),
  "GET /api/service-accounts/:id/tokens": theirs("account"),

  "PUT /api/settings/profile": session,
  // Without the password of now.
  "PUT /api/settings/password": { need: "session", own: 400 },
  "GET /api/settings/sessions": session,
  "DELETE /api/settings/sessions": session,
  "DELETE /api/settings/sessions/:id": theirs("session"),
  "GET /api/settings/keys": session,
  "POST /api/settings/keys/add/begin": session,
  "POST /api/settings/keys/add/finish": session,
  "POST /api/settings/keys/rename": session,
  "POST /api/settings/keys/delete": session,
  "GET /api/settings/two-factor": session,
  "POST /api/settings/totp/begin": session,
  "POST /api/settings/totp/finish": session,
  // Both ask for the password once more, and nothing is sent.
  "POST /api/settings/totp/delete": { need: "session", own: 401 },
  "POST /api/settings/recovery-codes": { need: "session", own: 401 },

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
  // Without a name.
  "GET /admin/checks/hostname": { need: "admin", own: 400 },
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
  "DELETE /api/domains/:id": of("domain", domains, "delete"),
  "PUT /api/domains/:id": of("domain", domains, "create", { token: "another" }),
  "POST /api/domains/:id/refresh": of("domain", domains, "create"),
  "GET /api/domain-mappings": read(mappings),
  "POST /api/domain-mappings": create(mappings),
  // Networking knows three actions, and a change is a `create`.
  "PATCH /api/domain-mappings/:id": of("mapping", mappings, "create", { access_log: false }),
  "DELETE /api/domain-mappings/:id": of("mapping", mappings, "delete"),
  "POST /api/domain-mappings/:id/verify": of("mapping", mappings, "create"),
  "GET /api/domain-mappings/:id/traffic": of("mapping", mappings, "read"),
  "GET /api/domain-mappings/:id/timeline": of("mapping", mappings, "read"),
  "GET /api/domain-mappings/:id/preflight": of("mapping", mappings, "read"),
  "GET /api/domain-mappings/:id/records": of("mapping", mappings, "read"),
  "GET /api/domain-mappings/:id/certificate": of("mapping", mappings, "read"),
  "GET /api/domain-mappings/traffic": read(mappings),
  "GET /api/preflight": create(mappings),

  // Methods that these paths do not have: who may not even ask is told so first.
  "ALL /api/domains": refused(domains, 405),
  // Asked by PUT, which has a row of its own: nobody's id is not found.
  "ALL /api/domains/:id": refused(`${domains}.:id`, 404),
  "ALL /api/domains/:id/refresh": refused(`${domains}.:id`, 405),
  "ALL /api/domains/*": refused(`${domains}.:id`, 404),
  "ALL /api/domain-mappings": refused(mappings, 405),
  "ALL /api/domain-mappings/:id": refused(`${mappings}.:id`, 405),
  "ALL /api/domain-mappings/:id/verify": refused(`${mappings}.:id`, 405),
  "ALL /api/domain-mappings/:id/preflight": refused(`${mappings}.:id`, 405),
  "ALL /api/domain-mappings/:id/records": refused(`${mappings}.:id`, 405),
  "ALL /api/domain-mappings/:id/certificate": refused(`${mappings}.:id`, 405),
  "ALL /api/preflight": refused(mappings, 405),
  "ALL /api/domain-mappings/:id/timeline": refused(`${mappings}.:id`, 404),
  "ALL /api/domain-mappings/:id/traffic": refused(`${mappings}.:id`, 405),

  "GET /compute/containers": read(containers),
  "POST /compute/containers": create(containers),
  "GET /compute/containers/:id": container("read"),
  "DELETE /compute/containers/:id": container("delete"),
  "POST /compute/containers/:id/start": container("start"),
  "POST /compute/containers/:id/stop": container("stop"),
  "GET /compute/containers/:id/ssh": container("read"),
  "PUT /compute/containers/:id/ssh": container("update", { ssh_enabled: true }),
  "POST /compute/containers/:id/rebuild": container("update", {}),
  "POST /compute/containers/:id/release": container("delete", {}),
  "PUT /compute/containers/:id/pull-policy": container("update", { pull_policy: "Always" }),
  "GET /compute/containers/:id/mounts": container("read"),
  "PUT /compute/containers/:id/mounts": container("update", { mount_paths: ["/data"] }),
  "GET /compute/containers/:id/volumes": container("read"),
  "DELETE /compute/containers/:id/volumes/:volume": container("update"),
  "GET /compute/containers/:id/ingress": container("read"),
  "POST /compute/containers/:id/ingress": container("update", { port: 8000 }),
  "DELETE /compute/containers/:id/ingress/:port": container("update"),
  "GET /compute/containers/:id/stats": container("read"),
  "GET /compute/containers/:id/logs": container("read"),
  "GET /compute/containers/:id/terminal": container("update"),
  "GET /compute/ws": read("compute"),
  "GET /compute/ssh-keys": read("compute.keys"),
  "POST /compute/ssh-keys": create("compute.keys"),
  "DELETE /compute/ssh-keys/:id": of("sshKey", "compute.keys", "delete"),
  "GET /compute/engine": read(containers),
  "GET /compute/images": read(containers),
  "GET /compute/registries": read(containers),
  "POST /compute/registries": { need: { scope: containers, action: "update" } },
  "DELETE /compute/registries/:id": { need: { scope: containers, action: "update" }, foreign: { thing: "registry", status: 404 } },
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
  "GET /storage/uploads/:id": { need: { scope: files, action: "create" }, foreign: { thing: "upload", status: 404 } },
  "PATCH /storage/uploads/:id": { need: { scope: files, action: "create" }, foreign: { thing: "upload", status: 404 } },
  "DELETE /storage/uploads/:id": { need: { scope: files, action: "create" }, foreign: { thing: "upload", status: 404 } },
  "POST /storage/links": read(files),
  "GET /storage/usage": read(namespaces),
  "GET /storage/keys": session,
  "POST /storage/keys": session,
  "DELETE /storage/keys/:id": theirs("storageKey"),
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
