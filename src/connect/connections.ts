import type { CertificateStanding } from "../certificate-standing"
import { randomBytes } from "node:crypto"
import type { ApplicationRow, ConnectionRow, ConnectionState } from "../db/connect-schema"
import type { Db } from "../db/open"
import { AppError } from "../errors"
import { withoutWildcard } from "../hostname"
import { type After, page, type Page } from "../paging"
import type { Applications } from "./applications"
import type { ConnectionFilter } from "./connection-store"
import { Lifecycle } from "./lifecycle"
import {
  challengeName,
  connectionSummary,
  type Destination,
  type DnsRecord,
  invalid,
  newId,
  notFound,
  parseConnectionHost,
  parseDestination,
  parseUuid,
  type Principal,
  rfc3339,
  shown,
} from "./model"
import type { ConnectNeeds, Place, RecordReport } from "./needs"
import { conflict } from "./ownership"
import { defaultRecords, fillTemplate, parseTemplate } from "./records"
import { mayTouch, namedApplication } from "./widget-tokens"

export const states: ConnectionState[] = [
  "created",
  "pending_ownership",
  "verifying",
  "verified",
  "dns_writing",
  "propagating",
  "stalled",
  "issuing_cert",
  "live",
  "drifted",
  "failed",
  "archived",
]

const setupTypes = ["automatic", "manual", "semiautomatic", "shared_login", "async", "api"]
/** Each is looked at again and again. */
const maxUnproven = 10_000
const noDestination: Destination = { originUrl: null, containerId: null, targetPort: null }

/** Throws `invalid`, `not_found` or `forbidden` where this person may not have traffic led there. */
export type CheckDestination = (principal: Principal, destination: Destination) => Promise<void>

/** Connections: customers' hostnames on their way to being live, as the API asks for them. */
export class Connections {
  constructor(
    private needs: ConnectNeeds,
    private applications: Applications,
    readonly lifecycle: Lifecycle,
    private checkDestination: CheckDestination,
  ) {}

  /** Throws `invalid`, `not_found`, `HostnameConflict` and `QuotaExceeded`; nothing is made then. DNS is written, where a credential can, before it resolves. */
  async create(principal: Principal, body: Record<string, unknown>) {
    const { store, usage, now, note } = this.needs
    const hostname = parseConnectionHost(body.hostname, this.needs.baseDomain)
    mayTouch(principal, hostname)
    const application = await this.applications.own(principal, namedApplication(principal, body.application_id))
    const destination = parseDestination(body)
    if (destination !== undefined) {
      if (principal.kind === "widget") throw new AppError("forbidden", "a widget token cannot say where a hostname leads")
      await this.checkDestination(principal, destination)
    }
    const batchId = body.batch_id === undefined || body.batch_id === null ? null : parseUuid(body.batch_id, "batch_id")
    const wanted = this.parseSetupType(body.setup_type)
    const hasCredential = await this.needs.credentials.has(application.id)
    if (wanted === "automatic" && !hasCredential) throw invalid("setup_type: automatic needs a DNS credential of the application")
    if (hostname.startsWith("*.") && !hasCredential && !this.canDelegate(application.personId, hostname)) {
      throw invalid(
        `hostname: the certificate of ${hostname} needs a DNS challenge: store a DNS credential for the application, or set FREEHOLD_DNS_LISTEN so that it can be delegated here`,
      )
    }
    const place = await this.needs.place(hostname)
    const records = this.records(application, hostname, place, body.dns_records)
    const at = now()
    const row: ConnectionRow = {
      id: newId(),
      personId: application.personId,
      applicationId: application.id,
      environment: application.environment,
      hostname,
      kind: place.kind,
      setupType: wanted ?? (hasCredential ? "automatic" : "manual"),
      state: "created",
      errorCode: null,
      errorDetail: null,
      provider: place.provider,
      batchId,
      challengeValue: `cd-verify-${randomBytes(20).toString("hex")}`,
      proof: null,
      provedAt: null,
      desiredRecords: JSON.stringify(records),
      observedRecords: "[]",
      ...(destination ?? noDestination),
      createdAt: at,
      changedAt: at,
      nextCheckAt: at + this.needs.intervalMs,
      checks: 0,
      misses: 0,
      drift: null,
      liveAt: null,
    }
    await store.db.transaction().execute(async (trx) => {
      if (await this.isTaken(hostname, trx)) throw conflict(hostname)
      if ((await store.unproven(row.personId, trx)) >= maxUnproven) {
        throw new AppError(
          "rate_limited",
          `${maxUnproven} connections wait for their proof already: archive some, or wait until they are live`,
        )
      }
      await usage.reserve(trx, row.personId, "connect")
      await store.insert(row, trx)
    })
    note(row, "state", "created")
    return this.detail(await this.begin(row, hasCredential && row.setupType !== "manual"))
  }

  /** A connection that drifted away holds its name only until somebody else proves it. */
  private async isTaken(hostname: string, trx: Db): Promise<boolean> {
    const holder = await this.needs.store.holder(hostname, trx)
    if (holder === undefined) return false
    if (holder.kind === "mapping") return true
    return (await this.needs.store.byId(holder.holderId, trx))?.state !== "drifted"
  }

  private async begin(row: ConnectionRow, byCredential: boolean): Promise<ConnectionRow> {
    if (byCredential) return (await this.lifecycle.delegation.run(row, ["created"])).row
    const { store, note } = this.needs
    const after = await store.change(row.id, ["created"], { state: "pending_ownership" })
    note(row, "state", "created → pending_ownership: the ownership record has to be published")
    return after ?? row
  }

  async list(
    principal: Principal,
    filter: ConnectionFilter,
    { limit, after }: { limit: number; after: After | undefined },
  ): Promise<Page<unknown>> {
    const rows = await this.needs.store.list(principal, filter, limit, after)
    return page(rows, limit, connectionSummary)
  }

  /** How many connections each application has in each state, as far as the principal sees them; what there is none of is left out. */
  async counts(principal: Principal) {
    const rows = await this.needs.store.counts(principal)
    return { data: rows.map(({ applicationId, state, count }) => ({ application_id: applicationId, state, count })), next_cursor: null }
  }

  get = async (principal: Principal, id: string) => this.detail(await this.own(principal, id))

  /** Looks for the ownership TXT now. Throws `ownership_not_found` with what was found instead, and `HostnameConflict`. */
  async verify(principal: Principal, id: string) {
    const row = await this.own(principal, id)
    if (row.state === "archived") throw new AppError("conflict", "the connection is archived: make a new one")
    const { row: after, ownership } = await this.lifecycle.prove(row.id)
    if (ownership !== undefined) {
      const name = challengeName(row.hostname)
      const details = { name, type: "TXT", value: row.challengeValue, found: ownership }
      throw new AppError("conflict", `the ownership record is not there: ${ownership}`, { reason: "ownership_not_found", details })
    }
    return this.detail(after)
  }

  /** Looks at everything now, ownership too, and moves the connection on. Throws `HostnameConflict`. */
  async checkRecords(principal: Principal, id: string) {
    const row = await this.own(principal, id)
    const { row: after, reports, ownership } = await this.lifecycle.look(row.id)
    return {
      records: reports.map(showReport),
      state: after.state,
      all_propagated: reports.length > 0 && reports.every(({ propagated }) => propagated),
      checked_at: rfc3339(this.needs.now()),
      ...(ownership === undefined ? {} : { ownership: { verified: false, detail: ownership } }),
      error_code: after.errorCode,
      error_detail: after.errorDetail,
      diagnostics: reports.filter(({ propagated }) => !propagated).map(({ explanation }) => explanation),
    }
  }

  /** Writes the web records once more by a delegated credential. Throws `conflict` with the reason where it could not. */
  async applyRecords(principal: Principal, id: string) {
    const row = await this.own(principal, id)
    if (row.state === "archived") throw new AppError("conflict", "the connection is archived: make a new one")
    if (!(await this.needs.credentials.has(row.applicationId)))
      throw new AppError("conflict", "the application has no DNS credential to write with", { reason: "credential_missing" })
    const { row: after, unwritten } = await this.lifecycle.apply(row.id)
    if (unwritten !== undefined) throw new AppError("conflict", unwritten.detail, { reason: unwritten.code })
    return { ...(await this.detail(after)), applied: true }
  }

  /** Changes where the hostname leads. Throws `invalid` for every other field. */
  async update(principal: Principal, id: string, body: Record<string, unknown>) {
    const row = await this.own(principal, id)
    const other = Object.keys(body).find((name) => !["origin_url", "container_id", "target_port"].includes(name))
    if (other !== undefined)
      throw invalid(`${shown(other)} cannot be changed: an update changes origin_url, or container_id with target_port`)
    const destination = parseDestination(body)
    if (destination === undefined) throw invalid("nothing to change: an update changes origin_url, or container_id with target_port")
    await this.checkDestination(principal, destination)
    await this.needs.store.change(row.id, [row.state], destination)
    await this.needs.publish()
    return this.get(principal, id)
  }

  /** Ends the connection and frees its name; the customer's DNS is left as it is. Archiving twice is as once. */
  async archive(principal: Principal, id: string) {
    const row = await this.own(principal, id)
    if (row.state === "archived") return connectionSummary(row)
    const others = states.filter((state) => state !== "archived")
    const change = { state: "archived" as const, changedAt: this.needs.now(), nextCheckAt: null }
    const after = await this.needs.store.change(row.id, others, change)
    if (after !== undefined) this.needs.note(after, "state", `${row.state} → archived`)
    if (row.proof !== null) {
      await this.needs.publish()
      await this.needs.forgetCertificate(row.hostname)
    }
    return connectionSummary(after ?? row)
  }

  /** The ids of those that the caller may see and that are not archived. */
  ids = (principal: Principal): Promise<string[]> => this.needs.store.ids(principal)

  /** The caller's own; throws `not_found` for every other one, and `forbidden` where a widget token is for another hostname. */
  async own(principal: Principal, id: string): Promise<ConnectionRow> {
    const row = await this.needs.store.find(principal, id)
    if (row === undefined) throw notFound("connection")
    mayTouch(principal, row.hostname)
    return row
  }

  /** The records that a hostname of the application would have. Throws `invalid`. */
  records(application: ApplicationRow | undefined, hostname: string, { apex, flattens }: Place, raw?: unknown): DnsRecord[] {
    const place = { hostname, apex, edge: this.needs.edge() }
    if (raw !== undefined && raw !== null) return fillTemplate(parseTemplate(raw, "dns_records"), place)
    const template = application?.recordTemplate
    if (template === undefined || template === null) return defaultRecords(place, flattens)
    return fillTemplate(JSON.parse(template) as DnsRecord[], place)
  }

  private canDelegate(personId: string, hostname: string): boolean {
    return this.needs.isOwnIssuer(hostname) || this.needs.challengeTarget(personId, hostname) !== undefined
  }

  private async detail(row: ConnectionRow): Promise<Record<string, unknown>> {
    const certificate = row.proof === null ? undefined : await this.needs.certificate(row.hostname)
    const target = row.state === "archived" ? undefined : this.needs.challengeTarget(row.personId, row.hostname)
    const isManual = row.proof === null && ["created", "pending_ownership", "verifying", "failed"].includes(row.state)
    return {
      ...connectionSummary(row),
      desired_records: JSON.parse(row.desiredRecords) as unknown,
      observed_records: JSON.parse(row.observedRecords) as unknown,
      certificate: {
        status: certificateStatus(certificate, row.state),
        not_after: rfc3339(certificate?.notAfter ?? null),
        ca: certificate?.issuer ?? null,
        problem: certificate?.problem ?? null,
        next_attempt_at: rfc3339(certificate?.nextAttemptAt ?? null),
      },
      origin_url: row.originUrl,
      container_id: row.containerId,
      target_port: row.targetPort,
      live_at: rfc3339(row.liveAt),
      drift: row.drift === null || row.state !== "drifted" ? null : (JSON.parse(row.drift) as unknown),
      ...(target === undefined
        ? {}
        : { acme_challenge: { name: `_acme-challenge.${withoutWildcard(row.hostname)}`, type: "CNAME", value: target } }),
      ...(isManual ? { domain_connect: { apply_url: (await this.needs.applyUrl(row)) ?? null } } : {}),
      ...(isManual ? { ownership_challenge: { name: challengeName(row.hostname), type: "TXT", value: row.challengeValue } } : {}),
    }
  }

  private parseSetupType(raw: unknown): string | undefined {
    if (raw === undefined || raw === null) return undefined
    if (typeof raw !== "string" || !setupTypes.includes(raw)) throw invalid(`setup_type: ${shown(raw)} is none of ${setupTypes.join(", ")}`)
    return raw
  }
}

/** `none|pending|issued|failed`: a mirror of what the edge holds. An order that a limit puts off is still to come. */
function certificateStatus(certificate: CertificateStanding | undefined, connection: ConnectionState): string {
  if (certificate?.state === "issued") return "issued"
  if (certificate?.state === "backing_off") return certificate.isPutOff === true ? "pending" : "failed"
  return connection === "issuing_cert" ? "pending" : "none"
}

function showReport({ record, propagated, observedValue, authorities, recursives, explanation }: RecordReport) {
  const { host, type, value, ttl, priority } = record
  return {
    host,
    type,
    value,
    ttl,
    ...(priority === undefined ? {} : { priority }),
    propagated,
    observed_value: observedValue,
    explanation,
    authorities,
    recursives: recursives.map(({ ttlLeftSeconds, ...rest }) => ({ ...rest, ttl_left: ttlLeftSeconds ?? null })),
  }
}
