import { t } from "elysia"
import { recordTypes } from "../../connect/model"
import { preflight } from "./networking"
import { boolean, integer, json, maybe, moment, named, oneOf, type Operations, orNull, said } from "./operation"

const gone = { 404: "`not found`, also for what is another's." }
const questions = { 429: "More than thirty questions at once, or two a second, of one person." }

const provider = named(
  "DetectedProvider",
  t.Object({
    key: orNull(t.String()),
    name: orNull(t.String()),
    logo_url: t.Null(),
    nameservers: t.Array(t.String()),
    confidence: t.String(),
    control_panel_url: orNull(t.String()),
    host_form: said("What its form wants at the zone itself and below it."),
  }),
)

const outcome = said("`answer`, or what came instead of one.")
const wanted = {
  host_field: said("What to type into the provider's form."),
  host: t.String(),
  type: oneOf(recordTypes),
  value: t.String(),
  ttl: integer(),
  priority: maybe(integer()),
}

/** The records of a hostname and what each name server says of them now. */
export const hostnameRecords = named(
  "HostnameRecords",
  t.Object({
    hostname: t.String(),
    private: boolean({ description: "Only this house knows it: it needs no records." }),
    zone: orNull(t.String()),
    provider: orNull(provider),
    records: t.Array(
      t.Object({
        purpose: oneOf(["ownership", "address", "challenge"]),
        ...wanted,
        propagated: boolean({ description: "All authoritative servers that answer show it." }),
        observed_value: orNull(t.String()),
        explanation: t.String(),
        authorities: t.Array(
          t.Object({ server: t.String(), address: t.String(), outcome, values: t.Array(t.String()), matches: boolean() }),
        ),
        recursives: t.Array(
          t.Object({ resolver: t.String(), outcome, values: t.Array(t.String()), ttl_left: orNull(integer()), matches: boolean() }),
          { description: "The resolvers of `FREEHOLD_DNS_RECURSIVES`; they decide nothing." },
        ),
      }),
    ),
    all_propagated: orNull(boolean()),
    checked_at: moment(),
  }),
)

/** What is left of one rate limit of a directory. */
export const issuanceLimit = named(
  "IssuanceLimit",
  t.Object({
    directory: t.String(),
    issuer_name: t.String(),
    kind: oneOf(["directory", "accounts", "orders", "domain", "name", "failures", "handshakes", "domain_handshakes"], {
      description:
        "What it counts: new accounts by address, orders by account, certificates by registered domain, those for exactly the same name, failed validations by hostname. `directory` counts nothing: a busy one asked to be left alone. `handshakes` and `domain_handshakes` are budgets of this server: orders at handshakes, in all and by registered domain.",
    }),
    subject: orNull(said("The registered domain or the hostname; null where it counts this server.")),
    left: orNull(integer()),
    capacity: orNull(integer({ description: "Null where the number is not known: the directory alone said that it is reached." })),
    next_at: orNull(moment("When there is one more.")),
    closed_until: orNull(moment("Until when the directory has asked to be left alone.")),
    sentence: said(
      "All of it in words, such as `3 of 50 certificates left this week for example.com at Let's Encrypt, one more in 3 h 22 min`.",
    ),
  }),
)

/** A certificate with its chain and plan, never with its key. */
export const hostnameCertificate = named(
  "HostnameCertificate",
  t.Object({
    issuer: orNull(said("Its directory, or `internal`.")),
    issuer_name: orNull(t.String()),
    names: t.Array(t.String()),
    serial: orNull(t.String()),
    fingerprint_sha256: orNull(t.String()),
    not_before: orNull(moment()),
    not_after: orNull(moment()),
    chain: t.Array(t.Object({ subject: t.String(), issuer: t.String(), not_before: orNull(moment()), not_after: orNull(moment()) })),
    renewal: orNull(
      t.Object({
        at: orNull(moment()),
        reason: oneOf(["lifetime", "issuer", "retry", "other_issuer", "held"], {
          description:
            "A third of it is left; the issuer's window; a try failed; the name has another issuer by now; its DNS leads elsewhere.",
        }),
      }),
    ),
    last_failure: orNull(
      t.Object({
        problem: t.String(),
        failures: integer(),
        at: orNull(moment()),
        next_attempt_at: orNull(moment()),
        put_off: maybe(t.Literal(true, { description: "A rate limit keeps the order waiting, and nothing failed." })),
      }),
    ),
    limits: t.Array(issuanceLimit, {
      description: "The directories' rate limits that an order for it counts in and that are touched, the scarcest first.",
    }),
  }),
)

export const hostnameViews: Operations = {
  "GET /api/preflight": {
    summary: "What is known of a name before it is mapped",
    text: "Looks at the DNS now. A private name, or one that cannot be mapped, is asked nobody about: `problem` says why, and the rest is empty.",
    query: t.Object({ hostname: said("A hostname, or `*.` and one.") }),
    good: json(
      t.Object({
        hostname: t.String(),
        private: boolean(),
        problem: orNull(said("Why a create would refuse it.")),
        kind: orNull(oneOf(["apex", "subdomain", "wildcard"])),
        zone: orNull(t.String()),
        provider: orNull(provider),
        automatic: boolean({ description: "An owned domain covers it: Freehold writes the record." }),
        verify: orNull(t.Object({ type: t.Literal("TXT"), host: t.String(), host_field: t.String() })),
        records: t.Array(t.Object(wanted)),
        conflicts: t.Array(preflight.properties.findings.items, {
          description: "The findings that stand where the records are to go.",
        }),
        preflight: orNull(preflight),
      }),
    ),
    errors: { 400: "`invalid domain`.", ...questions },
  },
  "GET /api/domain-mappings/:id/records": {
    summary: "The exact records of a hostname, and what is there of them",
    text: "Looks at every authoritative server now. The `ownership` record is among them until the name is proved.",
    good: json(hostnameRecords),
    errors: { ...gone, ...questions },
  },
  "GET /api/domain-mappings/:id/certificate": {
    summary: "The certificate of a hostname",
    text: "With its chain, when it is to be replaced and why; without a certificate the fields are null or empty.",
    good: json(hostnameCertificate),
    errors: gone,
  },
}
