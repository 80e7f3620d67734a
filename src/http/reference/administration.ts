import { t } from "elysia"
import {
  anything,
  boolean,
  done,
  integer,
  json,
  maybe,
  moment,
  named,
  oneOf,
  type Operations,
  orNull,
  said,
  seconds,
  text,
} from "./operation"

const person = named(
  "Person",
  t.Object({
    user_id: t.String(),
    username: t.String(),
    display_name: t.String(),
    role: oneOf(["admin", "user"]),
    is_admin: boolean(),
    disabled: boolean(),
    created_at: seconds(),
  }),
)

const link = {
  link: said("A path of this server, `/reset/…`, at which they choose a password; works once, for 24 hours."),
  link_expires_at: seconds(),
}

const gone = { 404: "`user not found`." }
const confirm = said("The digest of the preview, or the user name.")
const deletion = t.Object({
  status: t.Literal("ok"),
  user_id: t.String(),
  username: t.String(),
  removed: t.Record(t.String(), integer(), { description: "Kind → how many." }),
})
const deletionErrors = {
  ...gone,
  400: "Oneself, or without `confirm`.",
  409: "`confirm` is neither the user name nor the digest of what they own now, or it is the last enabled administrator.",
  502: "Something could not be removed, and they are disabled meanwhile; the message says what and why.",
  503: "As 502, where the container engine does not answer.",
}

const filters = {
  person: maybe(said("An id or a user name.")),
  action: maybe(said("How an action begins, such as `DELETE` or `POST /api/domains`.")),
  target: maybe(said("An id of the path, or of what was made.")),
  outcome: maybe(oneOf(["allowed", "denied", "failed"])),
  from: maybe(said("ISO 8601 with a zone, or Unix milliseconds.")),
  to: maybe(said("As `from`; not included.")),
  limit: maybe(integer({ minimum: 1, maximum: 500, default: 100 })),
  cursor: maybe(said("`next_cursor` of the page before.")),
}

const entry = named(
  "AuditEntry",
  t.Object({
    id: integer(),
    time: moment(),
    user_id: orNull(t.String()),
    username: orNull(t.String()),
    token: orNull(
      t.Object({
        kind: oneOf(["session", "api_token", "api_key", "widget_token", "ssh_key", "storage_key"]),
        id: orNull(t.String()),
      }),
    ),
    address: t.String(),
    action: said("Method and pattern of the route, or an operation of another door."),
    target: orNull(t.String()),
    outcome: oneOf(["allowed", "denied", "failed"]),
    status: orNull(integer()),
  }),
)

export const administration: Operations = {
  "GET /admin/users": { summary: "List everybody", text: "By user name.", good: json(t.Array(person)) },
  "POST /admin/users": {
    summary: "Make an account for somebody",
    text: "Without a password the answer has a link at which they choose one.",
    body: t.Object({
      username: said("1 to 64 letters, digits, dots, dashes or underscores; begins with a letter or digit.", {
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
      }),
      password: maybe(said("10 to 256 characters.", { minLength: 10, maxLength: 256 })),
      display_name: maybe(said("1 to 64 characters.", { minLength: 1, maxLength: 64 })),
      role: maybe(oneOf(["admin", "user"], { default: "user" })),
    }),
    good: json(t.Composite([person, t.Object({ link: maybe(link.link), link_expires_at: maybe(link.link_expires_at) })])),
    errors: { 400: "Names the field and its rule.", 409: "`username already exists`." },
  },
  "DELETE /admin/users": {
    summary: "Delete a person named in the query",
    text: "As older clients ask it.",
    query: t.Object({ id: said("Of the person."), confirm: maybe(confirm) }),
    good: json(deletion),
    errors: deletionErrors,
  },
  "GET /admin/users/:id": { summary: "A person", good: json(person), errors: gone },
  "GET /admin/users/:id/deletion": {
    summary: "What deleting a person would take",
    good: json(
      t.Object({
        user_id: t.String(),
        username: t.String(),
        owns: t.Array(
          t.Object({
            kind: t.String(),
            count: integer(),
            items: t.Array(t.Object({ id: t.String(), name: t.String() })),
          }),
        ),
        digest: said("Confirms that exactly this was seen."),
      }),
    ),
    errors: gone,
  },
  "DELETE /admin/users/:id": {
    summary: "Delete a person",
    text: "With containers, hostnames, owned domains, tokens and files.",
    query: t.Object({ confirm: maybe(confirm) }),
    good: json(deletion),
    errors: deletionErrors,
  },
  "POST /admin/users/:id/disable": {
    summary: "Disable a person",
    text: "Sessions end for good, API tokens until the person is enabled, at once.",
    good: json(person),
    errors: { ...gone, 409: "`the last enabled administrator cannot be disabled`." },
  },
  "POST /admin/users/:id/enable": { summary: "Enable a person", good: json(person), errors: gone },
  "POST /admin/users/:id/reset": {
    summary: "Make a link to a new password",
    good: json(t.Object({ user_id: t.String(), username: t.String(), ...link })),
    errors: gone,
  },
  "PUT /admin/users/:id/role/:role": {
    summary: "Make a person an administrator, or a user",
    params: { role: "`admin` or `user`." },
    good: json(person),
    errors: { ...gone, 400: "`role` is neither.", 409: "`the last enabled administrator cannot be demoted`." },
  },
  "DELETE /admin/users/:id/two-factor": {
    summary: "Remove a person's second factors",
    text: "For somebody who has lost key and codes.",
    good: json(done),
    errors: gone,
  },
  "GET /admin/sessions": {
    summary: "List everybody's sessions",
    text: "Newest first.",
    query: t.Object({
      person: maybe(said("An id or a user name.", { maxLength: 64 })),
      limit: maybe(integer({ minimum: 1, maximum: 500, default: 100 })),
      cursor: maybe(said("`next_cursor` of the page before.")),
    }),
    good: json(
      t.Object({
        sessions: t.Array(
          t.Object({
            id: integer(),
            user_id: t.String(),
            username: t.String(),
            display_name: t.String(),
            ip_address: t.String(),
            created_at: seconds(),
            expires_at: seconds(),
            is_current: boolean(),
          }),
        ),
        next_cursor: orNull(t.String()),
      }),
    ),
    errors: { 400: "Names the field and its rule." },
  },
  "DELETE /admin/sessions/:id": {
    summary: "End anybody's session",
    text: "Its WebSockets end within ten seconds.",
    good: json(t.Object({ status: t.Literal("ok"), user_id: t.String(), username: t.String() })),
    errors: { 404: "`session not found`." },
  },
  "GET /api/audit": {
    summary: "What was changed, and what was denied",
    text: "Newest first. Administrators read everybody's entries, everybody else their own.",
    query: t.Object(filters),
    good: json(t.Object({ entries: t.Array(entry), next_cursor: orNull(t.Unsafe<string | number>({ type: ["string", "integer"] })) })),
    errors: { 400: "Names the field and its rule." },
  },
  "GET /api/audit/export": {
    summary: "The audit trail as a file",
    text: "Every entry that fits, one a line, newest first.",
    query: t.Object(filters),
    good: text("Lines of JSON.", "application/x-ndjson"),
    errors: { 400: "Names the field and its rule." },
  },
}

const status = oneOf(["ok", "degraded", "unavailable"])
const health = named("Health", t.Object({ status, checks: t.Record(t.String(), t.Object({ status, message: t.String() })) }))

export const server: Operations = {
  "GET /healthz": {
    summary: "How the server is",
    text: "`degraded` where something fails without which visitors are served. What was found is kept for a second.",
    good: json(health, "It serves."),
    errors: { 503: "It does not serve: it starts or stops, or the store cannot be written. The answer is the same." },
  },
  "GET /readyz": {
    summary: "Whether visitors may be led here",
    text: "Of the checks, those that serving needs.",
    good: json(health, "It serves."),
    errors: { 503: "It does not serve. The answer is the same." },
  },
  "GET /livez": { summary: "Whether the process answers", text: "Nothing is looked at.", good: json(done) },
  "GET /openapi.json": { summary: "This reference, as OpenAPI 3.1", good: json(anything("An OpenAPI document.")) },
  "GET /ca.pem": {
    summary: "The root certificate of the built-in authority",
    text: "To trust names in private zones.",
    good: text("A certificate.", "application/x-pem-file"),
  },
  "GET /api/events": {
    summary: "Hear what has changed",
    text: 'Server-sent events: `ready`, and then `changed` with `{"topics":[…]}`, which says what to look at again. For sessions only.',
    good: text("Server-sent events.", "text/event-stream"),
    errors: { 429: "More than 50 streams of one person." },
  },
  "GET /widget.js": {
    summary: "The connect widget, as one script",
    good: text("The script.", "text/javascript"),
    errors: { 304: "It is what `If-None-Match` names." },
  },
  "GET /link.css": { summary: "The style of the customer's page", good: text("The style sheet.", "text/css") },
  "GET /c/:secret": {
    summary: "The customer's page of a link",
    params: { secret: "Of the link." },
    query: t.Object({
      format: maybe(oneOf(["text"])),
      still: maybe(said("The page does not renew itself.")),
    }),
    good: text("The page.", "text/html"),
    errors: { 404: "The link is over, or never was." },
  },
  "POST /c/:secret/check": {
    summary: "Look for the records of a link's connection now",
    params: { secret: "Of the link." },
    good: { status: 303, says: "Back to the page." },
    errors: { 404: "The link is over, or never was." },
  },
}
