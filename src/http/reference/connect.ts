import { t } from "elysia"
import { recordTypes, scopes } from "../../connect/model"
import { created, empty, integer, json, maybe, moment, named, oneOf, type Operations, orNull, paged, pageOf, said } from "./operation"

export const gone = { 404: "Not there, or another person's, or of another environment or application than the key's." }
const wrong = "Names the field and its rule."

export const environment = oneOf(["test", "live"])
/** Requests that make something may be sent again without making it twice. */
export const idempotent = t.Object({
  "idempotency-key": maybe(
    said("1 to 255 visible characters: for 24 hours the same key gets the same answer, and nothing is made twice.", {
      minLength: 1,
      maxLength: 255,
    }),
  ),
})

/** A record as somebody asks for it. */
const template = t.Array(
  t.Object({
    host: maybe(said("May hold `{hostname}`, `{apex}` and `{host}`.", { default: "{hostname}", maxLength: 253 })),
    type: oneOf(recordTypes),
    value: said("May hold these too, and `{edge_cname}`, `{edge_ipv4}`, `{edge_ipv6}`.", { minLength: 1, maxLength: 4096 }),
    ttl: maybe(integer({ minimum: 30, maximum: 86_400, default: 300 })),
    priority: maybe(integer({ minimum: 0, maximum: 65_535 })),
  }),
  { maxItems: 20 },
)
export const recordTemplate = maybe(orNull(template))

export const record = named(
  "DnsRecord",
  t.Object({
    host: t.String(),
    type: oneOf(recordTypes),
    value: t.String(),
    ttl: integer(),
    priority: maybe(integer()),
  }),
)

/** Where a hostname leads. */
export const destination = {
  origin_url: maybe(orNull(said("`http://` or `https://` with a host and nothing after it; excludes `container_id`."))),
  container_id: maybe(orNull(t.String())),
  target_port: maybe(orNull(integer({ description: "80, 443 or 8000 to 8999; goes with `container_id`." }))),
}

const name = said("1 to 64 characters.", { minLength: 1, maxLength: 64 })
const origins = maybe(
  t.Array(said("Such as `https://app.acme.example`."), { maxItems: 50, description: "Pages that may embed the widget." }),
)

const application = named(
  "Application",
  t.Object({
    id: t.String(),
    name: t.String(),
    allowed_origins: t.Array(t.String()),
    record_template: orNull(t.Array(record)),
    environment,
    origin_url: orNull(t.String()),
    container_id: orNull(t.String()),
    target_port: orNull(integer()),
    created_at: moment(),
  }),
)

const key = named(
  "ApplicationKey",
  t.Object({
    id: t.String(),
    name: t.String(),
    last4: t.String(),
    environment,
    scopes: t.Array(oneOf(scopes)),
    created_at: moment(),
    last_used_at: orNull(moment()),
    revoked_at: orNull(moment()),
    secret: maybe(said("The key itself, in the answer to its making and nowhere else.")),
  }),
)

const credential = named(
  "Credential",
  t.Object({
    id: t.String(),
    provider: t.String(),
    created_at: moment(),
    last_used_at: orNull(moment()),
    last_error: orNull(t.String()),
  }),
)

const credentialGiven = {
  token: maybe(said("In that provider's form; or `fields`.")),
  fields: maybe(t.Record(t.String(), t.String(), { description: "The values of the provider's fields, from which the token is made." })),
  domain: maybe(said("The provider is asked first whether it edits the zone around this name.")),
}

export const connectApplications: Operations = {
  "GET /v1/applications": { summary: "List applications", query: paged(), good: json(pageOf(application)) },
  "POST /v1/applications": {
    summary: "Make an application",
    text: "What a product's connections have in common: where they lead, which records they need, which pages may embed the widget.",
    headers: idempotent,
    body: t.Object({ name, allowed_origins: origins, record_template: recordTemplate, ...destination, environment: maybe(environment) }),
    good: created(application),
    errors: { 400: wrong, 409: "More than 200 applications." },
  },
  "GET /v1/applications/:id": { summary: "An application", good: json(application), errors: gone },
  "PATCH /v1/applications/:id": {
    summary: "Change an application",
    text: "What is named; where its connections lead is live when this is answered.",
    body: t.Object({ name: maybe(name), allowed_origins: origins, record_template: recordTemplate, ...destination }),
    good: json(application),
    errors: { ...gone, 400: "Names the field and its rule, or a field that cannot be changed." },
  },
  "DELETE /v1/applications/:id": {
    summary: "Delete an application",
    good: empty(),
    errors: { ...gone, 409: "It has connections that are not archived." },
  },
  "GET /v1/applications/:id/keys": { summary: "List the keys of an application", query: paged(), good: json(pageOf(key)), errors: gone },
  "POST /v1/applications/:id/keys": {
    summary: "Make a key of an application",
    text: "The secret is in this answer and nowhere else.",
    headers: idempotent,
    body: t.Object({ name, scopes: maybe(t.Array(oneOf(scopes), { minItems: 1, default: ["connections:read"] })) }),
    good: created(key),
    errors: { ...gone, 400: wrong, 403: "A scope that the maker has not, or the scope `apps:admin` is missing." },
  },
  "DELETE /v1/applications/:id/keys/:key": {
    summary: "Revoke a key",
    text: "It ends with the next request; it stays in the list.",
    params: { key: "Id of the key." },
    good: json(key),
    errors: gone,
  },
  "GET /v1/applications/:id/credentials": {
    summary: "List the DNS credentials of an application",
    text: "Without their tokens.",
    good: json(pageOf(credential)),
    errors: gone,
  },
  "POST /v1/applications/:id/credentials": {
    summary: "Keep a DNS credential of an application",
    text: "Sealed. Records of its connections are written with it where it may.",
    headers: idempotent,
    body: t.Object({ provider: said("A key of `GET /v1/providers`."), ...credentialGiven }),
    good: created(credential),
    errors: {
      ...gone,
      400: "Names the field and its rule, or the form that the provider's credential has.",
      409: "`zone_not_found`: it edits no zone around the domain; or there are twenty of them.",
      502: "What the provider said of it; `details.field` is the field that it is about, where it refused the credential.",
      503: "There is no encryption key.",
    },
  },
  "PUT /v1/applications/:id/credentials/:credential": {
    summary: "Replace a DNS credential",
    text: "By another of the same provider, tried as a new one is; id and records stay. Nothing changes where it is refused.",
    params: { credential: "Id of the credential." },
    body: t.Object(credentialGiven),
    good: json(credential),
    errors: {
      ...gone,
      400: "Names the field and its rule, or the form that the provider's credential has.",
      409: "`zone_not_found`: it edits no zone around the domain.",
      502: "What the provider said of it; `details.field` is the field that it is about, where it refused the credential.",
      503: "There is no encryption key.",
    },
  },
  "DELETE /v1/applications/:id/credentials/:credential": {
    summary: "Forget a DNS credential",
    params: { credential: "Id of the credential." },
    good: empty(),
    errors: gone,
  },
  "POST /v1/tokens": {
    summary: "Make a widget token",
    text: "For a browser, for an hour, and for one hostname where it is named. Call it from your server once you know who is signed in.",
    body: t.Object({
      application_id: maybe(said("A key that is confined to an application need not name it.")),
      domain: maybe(orNull(t.String())),
    }),
    good: created(t.Object({ auth_token: t.String(), expires_at: moment() })),
    errors: { ...gone, 400: wrong },
  },
}
