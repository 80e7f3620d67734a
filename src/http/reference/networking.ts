import { t } from "elysia"
import { anything, boolean, created, empty, integer, json, maybe, moment, named, oneOf, type Operations, orNull, said } from "./operation"

const options = {
  http: maybe(
    oneOf(["redirect", "serve"], {
      default: "redirect",
      description: "Whether plain HTTP is redirected to HTTPS or answered by the application.",
    }),
  ),
  upstream_protocol: maybe(
    oneOf(["http1", "h2c"], { default: "http1", description: "What the application speaks: HTTP/1.1, or HTTP/2 in clear (gRPC)." }),
  ),
  access_log: maybe(boolean({ default: true, description: "Whether requests stand in the access log." })),
}

const target = {
  container_id: maybe(said("A container of yours.")),
  target_port: maybe(integer({ description: "80, 443 or 8000 to 8999.", minimum: 80, maximum: 8999 })),
}

export const challengeDelegation = named(
  "ChallengeDelegation",
  t.Object(
    { name: t.String(), type: t.Literal("CNAME"), value: t.String() },
    { description: "The record that lets this server answer DNS challenges." },
  ),
)

const mapping = named(
  "DomainMapping",
  t.Object({
    id: t.String(),
    domain: t.String(),
    container_id: t.String(),
    target_port: integer(),
    http: oneOf(["redirect", "serve"]),
    upstream_protocol: oneOf(["http1", "h2c"]),
    access_log: boolean(),
    status: oneOf(["pending", "verified", "failed"]),
    verify_name: said("Where the TXT record is looked for."),
    verify_token: said("What it has to hold."),
    created_at: moment(),
    acme_challenge: maybe(challengeDelegation),
    dns_automated: maybe(t.Literal(true, { description: "In the answer to a create that wrote the DNS record." })),
    detail: maybe(said("What the last check found at each name server.")),
    certificate: maybe(
      t.Object({
        state: oneOf(["none", "issued", "backing_off"]),
        issuer: maybe(t.String()),
        not_after: maybe(moment()),
        problem: maybe(said("What the authority said, word for word.")),
        next_attempt_at: maybe(moment()),
        put_off: maybe(t.Literal(true, { description: "A rate limit keeps the order waiting until then, and nothing failed." })),
      }),
    ),
  }),
)

export const preflight = named(
  "Preflight",
  t.Object({
    verdict: oneOf(["ready", "warning", "blocked"]),
    sentence: said("The weightiest finding, in words."),
    fix: orNull(said("What to do about it.")),
    findings: t.Array(
      t.Object({
        code: said("Such as `stale_aaaa`; docs/API.md has all of them."),
        severity: oneOf(["notice", "warning", "blocked"]),
        sentence: t.String(),
        fix: t.String(),
        evidence: t.Array(t.String()),
      }),
    ),
    issuer: orNull(said("The first of the configured issuers that CAA allows.")),
    checked_at: moment(),
  }),
)

export const timelineQuery = {
  format: maybe(oneOf(["text"], { description: "The whole as one text for a support ticket, oldest first." })),
}

export const timelineEntry = named(
  "TimelineEntry",
  t.Object({
    id: integer(),
    time: moment(),
    hostname: t.String(),
    kind: oneOf(["dns", "acme", "state", "webhook", "preflight", "record"]),
    text: t.String(),
    data: orNull(anything("What it is about; gets new fields without notice.")),
  }),
)

const gone = { 404: "`not found`, also for what is another's." }

export const networking: Operations = {
  "GET /api/domain-mappings": {
    summary: "List one's hostnames",
    text: "Newest first.",
    good: json(t.Object({ domains: t.Array(mapping) })),
  },
  "POST /api/domain-mappings": {
    summary: "Map a hostname to a container",
    text: "It is served once the TXT record of `verify_name` shows that the name is yours. Where an owned domain covers it, the records are written and the name is verified at once.",
    body: t.Object({
      container_id: t.String(),
      domain: said("A hostname, or `*.` and one, for every name one label below it that has no mapping of its own."),
      target_port: integer({ description: "80, 443 or 8000 to 8999.", minimum: 80, maximum: 8999 }),
      ...options,
    }),
    good: created(mapping),
    errors: {
      400: "`invalid JSON`, `invalid domain`, `port must be 80, 443, or 8000-8999`, or an option with another value than those above.",
      403: "The container is another's, the name is in a private zone and you are no administrator, or the scope is missing.",
      404: "`container not found`.",
      409: "`domain already in use`, or a wildcard whose certificate could not be had.",
      429: "Too many of your claims are unproven.",
    },
  },
  "PATCH /api/domain-mappings/:id": {
    summary: "Change the options of a hostname, or where it leads",
    text: "Those that are named, at least one; nothing else of a mapping can be changed. It is live when this is answered.",
    body: t.Object({ ...target, ...options }, { minProperties: 1 }),
    good: json(mapping),
    errors: {
      400: "A field with another value than those above, another field, or nothing to change.",
      403: "The container is another's, or the scope is missing.",
      404: "`not found`, also for what is another's; `container not found`.",
    },
  },
  "DELETE /api/domain-mappings/:id": {
    summary: "Unmap a hostname",
    text: "With its certificate, its history and the DNS records that were written for it.",
    good: empty(),
    errors: gone,
  },
  "POST /api/domain-mappings/:id/verify": {
    summary: "Look for the proof of a hostname now",
    good: json(t.Object({ status: oneOf(["verified", "pending", "failed"]), detail: maybe(said("What each name server said.")) })),
    errors: { ...gone, 409: "Somebody else holds the name by now." },
  },
  "GET /api/domain-mappings/:id/timeline": {
    summary: "What happened to a hostname",
    text: "Since it was claimed, newest first.",
    query: t.Object({
      ...timelineQuery,
      limit: maybe(integer({ minimum: 1, maximum: 100, default: 20 })),
      cursor: maybe(said("`next_cursor` of the page before.")),
    }),
    good: json(t.Object({ data: t.Array(timelineEntry), next_cursor: orNull(t.String()) })),
    errors: { ...gone, 400: "`limit` or `cursor` is not as above." },
  },
  "GET /api/domain-mappings/:id/preflight": {
    summary: "What would make a certificate order fail",
    text: "Looks at the DNS now.",
    good: json(preflight),
    errors: gone,
  },
}
