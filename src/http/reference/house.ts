import { t } from "elysia"
import { boolean, integer, json, maybe, moment, named, oneOf, type Operations, orNull, said } from "./operation"
import { issuanceLimit } from "./hostname-views"

const settingName = { name: "Of the setting, such as `max_pending_mappings`." }

const setting = named(
  "Setting",
  t.Object({
    name: t.String(),
    value: orNull(said("What was given and is in force; null for a secret, and where the default is in force.")),
    default: orNull(t.String()),
    source: oneOf(["flag", "environment", "credential", "file", "here", "default"], { description: "The stronger first." }),
    source_name: orNull(said("The flag, the variable, or the key with its file.")),
    set_here: orNull(said("What was set here, also where something else wins over it.")),
    reloads: boolean({ description: "Whether it can be changed while the server runs." }),
    waits_for_restart: boolean({ description: "It was given another value, which the next start takes over." }),
    is_secret: boolean(),
    meaning: t.String(),
    rule: said("What a value has to be."),
  }),
)

const certificate = named(
  "HouseCertificate",
  t.Object({
    hostname: t.String(),
    issuer: orNull(t.String()),
    not_before: orNull(moment()),
    not_after: orNull(moment()),
    renew_at: orNull(moment()),
    failures: integer(),
    last_attempt_at: orNull(moment()),
    next_attempt_at: orNull(moment()),
    problem: orNull(said("What the issuer said, word for word.")),
    reason: orNull(said("The same in words.")),
    holder: t.Union([t.Object({ kind: oneOf(["mapping", "connection"]), id: t.String(), username: orNull(t.String()) }), t.Null()], {
      description: "Null for the platform's own names.",
    }),
  }),
)

const issuer = named(
  "Issuer",
  t.Object({
    role: oneOf(["first", "fallback", "test", "internal"]),
    name: t.String(),
    directory: orNull(t.String()),
    email: orNull(t.String()),
    account_url: orNull(t.String()),
    account_since: orNull(moment()),
    order_limit: orNull(integer({ description: "The most new orders in three hours." })),
    certificates: integer({ description: "How many of those that are there it has made." }),
    root: orNull(t.Object({ subject: t.String(), fingerprint: t.String(), not_after: moment(), download: t.String() })),
  }),
)

const engineStates = ["none", "not_found", "reachable", "away"] as const
const disk = t.Object({
  total_bytes: integer(),
  free_bytes: integer(),
  floor_bytes: integer({ description: "Below which storage takes nothing more." }),
})

const system = named(
  "System",
  t.Object({
    version: t.String(),
    program: t.Object({
      path: orNull(said("The file that this process was started from; null where it runs from source.")),
      installed: oneOf(["install", "package", "by_hand", "source"], { description: "How it came there, by its path." }),
      on_disk: oneOf(["same", "other", "missing"], { description: "What lies at the path now: `other` waits for a restart." }),
      can_roll_back: boolean({ description: "`freehold install --rollback` has a version to go back to." }),
      store_copies: t.Array(
        t.Object({
          name: t.String(),
          before: said("The first migration that ran after it was made."),
          made_at: moment(),
          bytes: integer(),
        }),
        { description: "In `before-upgrade` of the data folder, the newest first." },
      ),
    }),
    runtime: t.String(),
    base_domain: t.String(),
    data_dir: t.String(),
    started_at: moment(),
    uptime_seconds: integer(),
    memory_bytes: integer(),
    disk,
    engine: t.Object({
      state: oneOf(engineStates),
      socket: orNull(t.String()),
      kind: orNull(t.String()),
      version: orNull(t.String()),
      since: orNull(moment("Since when it does not answer.")),
      problem: orNull(t.String()),
    }),
    listeners: t.Array(t.Object({ name: t.String(), setting: t.String(), address: t.String(), port: integer(), purpose: t.String() }), {
      description: "Where this process really listens.",
    }),
    dns: t.Object({
      zones: t.Array(t.Object({ origin: t.String(), holds: t.String() }), {
        description: "For which this server answers; empty where it does not listen.",
      }),
      public_ipv4: orNull(t.String()),
      public_ipv6: orNull(t.String()),
      resolver: t.Object({ starts_at: t.String(), port: integer(), doh: orNull(t.String()) }),
      recursives: t.Array(t.String()),
      private_zones: t.Array(t.String()),
    }),
  }),
)

const receivers = ["webhook", "mail", "ntfy"] as const

const verdict = {
  status: oneOf(["ok", "warn", "bad", "unknown"]),
  verdict: said("What is so, in a sentence."),
  remedy: maybe(said("What to do, where something is to be done.")),
}
const check = named("Check", t.Object({ name: t.String(), ...verdict }))

export const house: Operations = {
  "GET /admin/settings": {
    summary: "List every setting, with where it comes from",
    good: json(t.Object({ settings: t.Array(setting) })),
  },
  "PUT /admin/settings/:name": {
    summary: "Change a setting while the server runs",
    text: "It lies above the default alone: a flag, a variable or the configuration file wins. It is kept in `settings.toml` of the data folder, and in force when this is answered.",
    params: settingName,
    body: t.Object({ value: said("As the configuration file would have it, such as `50`.") }),
    good: json(setting),
    errors: {
      400: "The rule that the value breaks.",
      404: "No such setting.",
      409: "Something stronger sets it, which the message names; or it is read at the start alone.",
    },
  },
  "DELETE /admin/settings/:name": {
    summary: "Take back what was set here",
    params: settingName,
    good: json(setting, "The setting as it is without it."),
    errors: { 404: "No such setting, or nothing was set here." },
  },
  "GET /admin/issuers": {
    summary: "List who certifies here",
    text: "The directories in the order in which they are asked, then the built-in authority.",
    good: json(t.Object({ issuers: t.Array(issuer) })),
  },
  "GET /admin/issuance-limits": {
    summary: "List what the rate limits of the directories leave",
    text: "Every limit that is touched, and those that a directory has closed by its own answer, the one that takes longest to fill first. Kept here: no directory is asked.",
    query: t.Object({ limit: maybe(integer({ minimum: 1, maximum: 500, default: 500 })) }),
    good: json(t.Object({ total: integer(), limits: t.Array(issuanceLimit) })),
  },
  "GET /admin/certificates": {
    summary: "List everybody's certificates",
    text: "And attempts at one; what ends first comes first.",
    query: t.Object({
      q: maybe(said("A part of the hostname.", { maxLength: 253 })),
      state: maybe(oneOf(["failing"], { description: "Only those that cannot be renewed now." })),
      limit: maybe(integer({ minimum: 1, maximum: 500, default: 100 })),
      cursor: maybe(said("`next_cursor` of the page before.")),
    }),
    good: json(
      t.Object({
        total: integer(),
        failing: integer(),
        ending: integer({ description: "Those that end within 14 days." }),
        certificates: t.Array(certificate),
        next_cursor: orNull(t.String()),
      }),
    ),
    errors: { 400: "Names the field and its rule." },
  },
  "GET /admin/system": { summary: "The server as it stands", good: json(system) },
  "GET /admin/alerts": {
    summary: "What goes on, and who is told of it",
    text: "An episode is told of once when it begins and once when it ends. Receivers are set by the settings `alert_…`, whose values are secrets.",
    good: json(
      t.Object({
        receivers: t.Array(
          t.Object({
            receiver: oneOf(receivers),
            failing_since: orNull(moment("Null where the last try went well, or none was made since the start.")),
            error: orNull(t.String()),
          }),
        ),
        episodes: t.Array(
          t.Object({
            kind: t.String(),
            severity: oneOf(["bad", "warn"]),
            subject: t.String(),
            since: orNull(moment("Null where nobody wrote it down.")),
            reason: t.String(),
            step: said("What to do about it."),
            opened_at: moment("When it was told of."),
          }),
        ),
        waiting: integer({ description: "Notices that have not arrived yet." }),
      }),
    ),
  },
  "POST /admin/alerts/test": {
    summary: "Tell every receiver that this is a test",
    good: json(t.Object({ results: t.Array(t.Object({ receiver: oneOf(receivers), delivered: boolean(), error: orNull(t.String()) })) })),
    errors: { 409: "Nobody is told of alerts; the message names the settings." },
  },
  "GET /admin/checks": {
    summary: "Check this server",
    text: "All at once: ports, reach from outside, DNS, HTTPS, CAA, the clock, the disk, the data folder with its secrets, backups, certificates and what visitors are served. Each takes at most five seconds, `caa` fifteen; what was not found out by then is `unknown`. With `hostname` its own instead: `served`, `address`, `caa`, `certificate`, `handshake`, `reach` and `answer`. Nothing is changed by looking.",
    query: t.Object({ hostname: maybe(said("A hostname that is served, or should be, whoever has it.")) }),
    errors: { 400: "That is no hostname." },
    good: json(t.Object({ checks: t.Array(check) })),
  },
  "GET /admin/checks/base-domain": {
    summary: "Check the base domain, or one that is thought of",
    text: "A public name is asked for at its authoritative servers, a private one at this machine's own resolver.",
    query: t.Object({ name: maybe(said("The one in force where it is left out.")) }),
    good: json(
      t.Object({
        name: t.String(),
        kind: oneOf(["public", "private", "local"]),
        addresses: t.Array(said("To which it leads now.")),
        ...verdict,
        in_force: boolean(),
        is_default: boolean(),
        public_addresses: t.Array(t.String()),
        lan_addresses: t.Array(t.String()),
      }),
    ),
    errors: { 400: "That is no domain name, or a private zone as a whole." },
  },
  "GET /admin/checks/hostname": {
    summary: "Check a hostname on its way to visitors",
    text: "`name` and `address`; where you have mapped it also `proof` (of public names), `certificate` and `answer`, which is what the edge answers at `/`.",
    query: t.Object({ name: said("The hostname.") }),
    good: json(
      t.Object({
        name: t.String(),
        kind: oneOf(["public", "private"]),
        url: said("Where it opens."),
        records: t.Array(t.Object({ name: t.String(), type: oneOf(["A", "AAAA"]), value: t.String() }), {
          description: "They lead the name here.",
        }),
        checks: t.Array(check),
      }),
    ),
    errors: { 400: "`name required`, or a name that cannot be mapped, such as the platform's own." },
  },
}

const counted = { requests: integer(), errors: integer({ description: "Answers of 5xx." }), bytes: integer() }

const attention = named(
  "Attention",
  t.Object({
    kind: said("Such as `mapping_pending`; docs/API.md has all of them."),
    severity: oneOf(["bad", "warn"]),
    subject: t.Object({
      kind: oneOf(["mapping", "connection", "container", "house"]),
      id: orNull(t.String()),
      name: t.String(),
    }),
    since: orNull(moment("Null where nobody wrote it down.")),
    reason: t.String(),
    step: said("What to do about it."),
  }),
)

export const overview: Operations = {
  "GET /api/overview": {
    summary: "How one's things stand",
    text: "What Home of the dashboard shows: what needs attention, hostnames, containers, and the traffic of the last 24 hours by the hour.",
    good: json(
      t.Object({
        attention: t.Array(attention, { description: "The fifty weightiest." }),
        attention_total: integer(),
        hostnames: t.Object({ total: integer(), live: integer(), waiting: integer(), failed: integer(), drifted: integer() }),
        containers: t.Object({ total: integer(), running: integer(), starting: integer(), stopped: integer(), failed: integer() }),
        traffic: t.Object({
          ...counted,
          rows: t.Array(t.Object({ time: moment(), ...counted })),
          top: t.Array(t.Object({ id: t.String(), kind: oneOf(["mapping", "connection"]), domain: t.String(), ...counted }), {
            description: "The five with the most requests.",
          }),
        }),
        house: t.Union(
          [
            t.Object({
              disk,
              engine: t.Object({ state: oneOf(engineStates), kind: orNull(t.String()), version: orNull(t.String()) }),
              certificates: t.Object({ total: integer(), failing: integer() }),
              storage_faults: integer(),
            }),
            t.Null(),
          ],
          { description: "For administrators alone." },
        ),
      }),
    ),
  },
}
