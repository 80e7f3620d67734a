import { t } from "elysia"
import { destination, gone, idempotent, record, recordTemplate } from "./connect"
import { hostnameCertificate, hostnameRecords } from "./hostname-views"
import { challengeDelegation, preflight, timelineEntry, timelineQuery } from "./networking"
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
  oneOf,
  type Operations,
  orNull,
  paged,
  pageOf,
  said,
} from "./operation"

const states = [
  "created",
  "pending_ownership",
  "verifying",
  "verified",
  "dns_writing",
  "propagating",
  "issuing_cert",
  "live",
  "drifted",
  "stalled",
  "failed",
  "archived",
] as const

const setupTypes = ["automatic", "manual", "semiautomatic", "shared_login", "async", "api"] as const
const wrong = "Names the field and its rule."
const taken = { 409: "`HostnameConflict`: somebody else holds the name." }

const summary = {
  id: t.String(),
  application_id: t.String(),
  hostname: t.String(),
  kind: oneOf(["apex", "subdomain"]),
  setup_type: oneOf(setupTypes),
  state: oneOf(states),
  provider: orNull(t.String()),
  batch_id: orNull(t.String()),
  error_code: orNull(said("What keeps it where it is.")),
  error_detail: orNull(t.String()),
  created_at: moment(),
}

const connectionSummary = named("ConnectionSummary", t.Object(summary))

const connectionFields = {
  ...summary,
  desired_records: t.Array(record),
  observed_records: t.Array(anything("A record as the name servers have it.")),
  certificate: t.Object({
    status: oneOf(["none", "pending", "issued", "failed"]),
    not_after: orNull(moment()),
    ca: orNull(t.String()),
    problem: orNull(said("What the issuer said, or what an order that is `pending` waits for.")),
    next_attempt_at: orNull(moment("When it is ordered again.")),
  }),
  origin_url: orNull(t.String()),
  container_id: orNull(t.String()),
  target_port: orNull(integer()),
  live_at: orNull(moment()),
  drift: orNull(anything("Why its DNS leads elsewhere, and since when.")),
  acme_challenge: maybe(challengeDelegation),
  domain_connect: maybe(
    t.Object({ apply_url: orNull(said("Where the customer's browser goes to let their provider enter the records.")) }),
  ),
  ownership_challenge: maybe(t.Object({ name: t.String(), type: t.Literal("TXT"), value: t.String() })),
}

const connection = named("Connection", t.Object(connectionFields))

const email = {
  provider: oneOf(["google_workspace", "microsoft_365", "zoho"]),
  dkim_value: maybe(t.String()),
  dkim_selector: maybe(t.String()),
  region: maybe(oneOf(["com", "eu", "in", "au", "jp", "ca", "sa", "cn"])),
  mx_host: maybe(t.String()),
  tenant: maybe(t.String()),
  dkim_targets: maybe(t.Array(t.String(), { minItems: 2, maxItems: 2 })),
}

const domain = said("A hostname such as `app.customer.com`, or `*.` and one.")

export const connections: Operations = {
  "POST /v1/domains:check": {
    summary: "What is known of a domain before anything is made",
    text: "Looks at the DNS now: provider, zone, the records with what to type into that provider's form, what stands in the way.",
    body: t.Object({ domain, application_id: maybe(t.String()) }),
    good: json(
      named(
        "DomainCheck",
        t.Object({
          domain: t.String(),
          registrable_domain: orNull(t.String()),
          kind: oneOf(["apex", "subdomain"]),
          zone: orNull(t.String()),
          provider: anything("`key`, `name`, `nameservers`, `confidence`, `control_panel_url` and `host_form`."),
          setup_type: oneOf(setupTypes),
          apex_flattening: boolean(),
          www_redirect_recommended: boolean(),
          capabilities: t.Record(t.String(), boolean()),
          domain_connect: t.Object({ supported: boolean(), reason: orNull(t.String()) }),
          challenge: t.Object({ name: t.String(), host_field: t.String() }),
          records: t.Array(t.Composite([record, t.Object({ host_field: said("What to type into the provider's form.") })])),
          conflicts: t.Array(anything("A finding of the preflight.")),
          preflight,
        }),
      ),
    ),
    errors: { ...gone, 400: wrong },
  },
  "GET /v1/connections": {
    summary: "List connections",
    text: "Newest first.",
    query: paged({
      application_id: maybe(said("A UUID.")),
      state: maybe(said(`One, or several by commas, of ${states.map((state) => `\`${state}\``).join(", ")}.`)),
      hostname: maybe(t.String()),
      q: maybe(said("A part of the hostname.")),
      batch_id: maybe(said("A UUID.")),
    }),
    good: json(pageOf(connectionSummary)),
    errors: { 400: wrong },
  },
  "GET /v1/connection-counts": {
    summary: "How many connections each application has in each state",
    text: "What there is none of is left out.",
    good: json(pageOf(t.Object({ application_id: t.String(), state: oneOf(states), count: integer() }))),
  },
  "POST /v1/connections": {
    summary: "Connect a hostname",
    text: "The answer says which records are wanted and how ownership is shown; Freehold looks for them by itself. With a DNS credential they are written before it is answered.",
    headers: idempotent,
    body: t.Object({
      application_id: maybe(said("A widget token need not name it.")),
      hostname: domain,
      setup_type: maybe(orNull(oneOf(setupTypes))),
      dns_records: recordTemplate,
      batch_id: maybe(orNull(said("A UUID that several have in common."))),
      ...destination,
    }),
    good: created(connection),
    errors: {
      ...gone,
      ...taken,
      400: wrong,
      402: "`QuotaExceeded`: the plan takes no more.",
      429: "Too many connections wait for their proof, or too many requests of this key.",
    },
  },
  "GET /v1/connections/:id": { summary: "A connection", good: json(connection), errors: gone },
  "PATCH /v1/connections/:id": {
    summary: "Change where a connection leads",
    text: "To an origin or a container; null for what its application says. It is live when this is answered.",
    body: t.Object(destination),
    good: json(connection),
    errors: { ...gone, 400: wrong },
  },
  "DELETE /v1/connections/:id": {
    summary: "Archive a connection",
    text: "The name is free; its DNS is left as it is.",
    good: json(connectionSummary),
    errors: gone,
  },
  "POST /v1/connections/:id/verify": {
    summary: "Look for the proof of a connection now",
    good: json(connection),
    errors: { ...gone, 409: "`ownership_not_found` with what each name server said, or `HostnameConflict`." },
  },
  "POST /v1/connections/:id/records:check": {
    summary: "Look for a connection's records now",
    text: "At every authoritative server, and at the resolvers of `FREEHOLD_DNS_RECURSIVES`.",
    good: json(
      t.Object(
        {
          records: t.Array(anything("A record with `propagated`, `observed_value`, `explanation`, `authorities` and `recursives`.")),
          state: oneOf(states),
          all_propagated: boolean(),
          checked_at: moment(),
          diagnostics: t.Unsafe<unknown>({ description: "What is the matter, in words." }),
        },
        { additionalProperties: true },
      ),
    ),
    errors: { ...gone, ...taken },
  },
  "POST /v1/connections/:id/records:apply": {
    summary: "Write a connection's records",
    text: "With a DNS credential of its application.",
    good: json(t.Object({ ...connectionFields, applied: boolean() })),
    errors: { ...gone, 409: "`credential_missing`, `zone_not_delegated`, `zone_not_found` or `dns_write_failed`." },
  },
  "POST /v1/connections/:id/email:apply": {
    summary: "Write the records of a domain's mail",
    text: "Those that may be written by a credential; what a person has to do is told.",
    body: t.Object({ domain: t.String(), ...email }),
    good: json(
      t.Object({
        applied: boolean(),
        domain: t.String(),
        provider: t.String(),
        written_records: t.Array(record),
        manual_records: t.Array(record),
        notes: t.Array(t.String()),
      }),
    ),
    errors: {
      ...gone,
      400: "Another domain than its own, or names the field and its rule.",
      409: "The name is not proved yet.",
      503: "The DNS did not say what is published.",
    },
  },
  "POST /v1/connections/:id/link": {
    summary: "Make a link for the customer",
    text: "A page without scripts that lists the records and ticks them off as they appear. A connection has at most ten: a further one ends the oldest.",
    body: t.Object({
      expires_in: maybe(integer({ minimum: 60, maximum: 2_592_000, default: 604_800, description: "Seconds." })),
      redirect_url: maybe(said("`https://` at one of the application's `allowed_origins`.")),
      email: maybe(said("To whom `mailto` opens a letter.")),
    }),
    good: created(t.Object({ url: t.String(), expires_at: moment(), mailto: t.String() })),
    errors: { ...gone, 400: wrong, 409: "It is archived." },
  },
  "GET /v1/connections/:id/link": {
    summary: "List the links of a connection",
    text: "Those that have not ended, without their addresses.",
    good: json(pageOf(t.Object({ created_at: moment(), expires_at: moment(), redirect_url: orNull(t.String()) }))),
    errors: gone,
  },
  "DELETE /v1/connections/:id/link": { summary: "End a connection's links", good: empty(), errors: gone },
  "GET /v1/connections/:id/timeline": {
    summary: "What happened to a connection",
    text: "Newest first.",
    query: paged(timelineQuery),
    good: json(pageOf(timelineEntry)),
    errors: gone,
  },
  "GET /v1/connections/:id/preflight": {
    summary: "What would make a connection's certificate order fail",
    text: "Looks at the DNS now.",
    good: json(preflight),
    errors: gone,
  },
  "GET /v1/connections/:id/records": {
    summary: "The exact records of a connection, and what is there of them",
    text: "Looks at every authoritative server now, and changes nothing. The `ownership` record is among them until the name is proved.",
    good: json(hostnameRecords),
    errors: { ...gone, 429: "Too many questions of one person, or too many requests of this key or token." },
  },
  "GET /v1/connections/:id/certificate": {
    summary: "The certificate of a connection",
    text: "With its chain, when it is to be replaced and why; without a certificate the fields are null or empty.",
    good: json(hostnameCertificate),
    errors: gone,
  },
  "POST /v1/email/records": {
    summary: "Which records a domain's mail needs",
    text: "Merged with what the domain publishes; nothing is written.",
    body: t.Object({ domain: t.String(), ...email }),
    good: json(
      t.Object({
        provider: t.String(),
        domain: t.String(),
        records: t.Array(record),
        notes: t.Array(t.String()),
        conflicts: t.Array(record),
      }),
    ),
    errors: {
      400: wrong,
      403: "A widget token of another domain, or the scope is missing.",
      503: "The DNS did not say what is published.",
    },
  },
}
