import { t } from "elysia"
import {
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

const snapshot = t.Object({ id: t.String(), zones: t.Array(said("A zone that the token can edit.")) })

const domain = named(
  "OwnedDomain",
  t.Object({ id: t.String(), zones: t.Array(said("A zone that the token can edit.")), created_at: moment() }),
)

const writtenRecord = named(
  "WrittenRecord",
  t.Object({
    id: t.String(),
    zone: t.String(),
    name: said("The whole name."),
    type: t.String(),
    value: t.String(),
    priority: maybe(integer({ description: "Of an MX or SRV." })),
    ttl: orNull(integer({ description: "Seconds; null where the provider chooses." })),
    hostname: said("What it was written for."),
    purpose: oneOf(["address", "ownership", "email", "template"], {
      description:
        "It leads visitors here, shows whose the name is, is of the domain's mail, or stands in the application's record template.",
    }),
    written_for: orNull(
      t.Object(
        { kind: oneOf(["mapping", "connection"]), id: t.String() },
        { description: "Null once it is deleted or archived: the record was left behind." },
      ),
    ),
    written_with: t.Object({
      kind: oneOf(["owned_domain", "application"]),
      id: said("Of the owned domain, or of the application's credential; it may be gone."),
      provider: t.String(),
    }),
    written_at: moment(),
    stands: orNull(boolean({ description: "Whether the zone's servers showed it when they were last asked; null while they were not." })),
    seen_at: orNull(moment()),
  }),
)

const providerToken = t.Object({ token: said("At most 512 visible ASCII characters.", { minLength: 1, maxLength: 512 }) })

const explained = t.Object({
  explain: maybe(oneOf(["true"], { description: "Let the refusal of a token go on with what the provider answered." })),
})

const gone = { 404: "`not found`, also for what is another's." }

export const ownedDomains: Operations = {
  "GET /api/domains": { summary: "List one's owned domains", good: json(t.Object({ connections: t.Array(domain) })) },
  "POST /api/domains": {
    summary: "Connect a provider's token",
    text: "It is tried before it is kept, and kept sealed. Freehold writes the records of hostnames in its zones from then on.",
    query: explained,
    body: providerToken,
    good: created(snapshot),
    errors: {
      400: "`token is required`, or `token invalid or lacks zone access`.",
      409: "`no more than 50 owned domains`.",
      502: "The provider cannot be reached.",
    },
  },
  "PUT /api/domains/:id": {
    summary: "Replace a provider's token",
    text: "It is tried, then takes the place of the old one; id, hostnames and records stay. Nothing changes where it is refused.",
    query: explained,
    body: providerToken,
    good: json(snapshot),
    errors: {
      ...gone,
      400: "`token is required`, or `token invalid or lacks zone access`.",
      502: "The provider cannot be reached.",
    },
  },
  "DELETE /api/domains/:id": { summary: "Disconnect an owned domain", good: empty(), errors: gone },
  "POST /api/domains/:id/refresh": {
    summary: "Look at the zones of a token again",
    good: json(snapshot),
    errors: {
      ...gone,
      409: "`token unreadable — disconnect and reconnect`.",
      502: "The token holds no longer, or the provider cannot be reached.",
    },
  },
  "GET /api/domains/:id/records": {
    summary: "List the records that Freehold wrote in an owned domain's zones",
    text: "Newest first, those too that an application's credential wrote there for a connection. A record leaves the list when Freehold takes it away, or when what it was written for is gone and a check finds it gone. Answers to ACME challenges are not listed.",
    query: paged(),
    good: json(pageOf(writtenRecord)),
    errors: { ...gone, 400: "`limit` or `cursor` is none." },
  },
  "POST /api/domains/:id/records/check": {
    summary: "Look whether the written records still stand",
    text: "Asks the zones' authoritative servers for the fifty records that were looked at longest ago, and forgets those that are gone with what they were written for.",
    good: json(
      t.Object({
        looked_at: integer({ description: "How many records were asked for." }),
        standing: integer(),
        missing: integer({ description: "What the servers show is none, or another value." }),
        unknown: integer({ description: "No server of the zone answered." }),
        forgotten: integer({ description: "Of the missing ones, those that left the list." }),
      }),
    ),
    errors: { ...gone, 429: "More than thirty questions at once, or two a second, of one person." },
  },
}
