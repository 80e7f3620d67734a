import type { CertificateStanding } from "../certificate-standing"
import type { DomainMappingRow } from "../db/schema"
import { AppError, describeError } from "../errors"
import { isWildcard, isWithin } from "../hostname"
import type { Log } from "../log"
import { parseMappedName } from "../mapped-name"
import {
  type MappingReply,
  defaultOptions,
  mappingReply,
  newMappingId,
  newVerifyToken,
  parseChange,
  parseOptions,
  parseTargetPort,
  verifyName,
} from "./model"
import { checkProof, type TxtLookup } from "./proof"
import type { MappingStore } from "./store"

/** Who asks. */
export type Caller = { personId: string; isAdmin: boolean }

/** What mappings need of the rest of the house, wired in `app.ts`. */
export type MappingNeeds = {
  store: MappingStore
  baseDomain: string
  privateZones: string[]
  /** Whose container it is, or undefined when there is none. */
  container: (id: string) => Promise<{ personId: string } | undefined>
  lookupTxt: TxtLookup
  /** Writes the CNAME with one of the person's provider tokens; false when none covers the name or it did not work. */
  automate: (personId: string, domain: string, mappingId: string) => Promise<boolean>
  unautomate: (personId: string, domain: string) => Promise<void>
  /** Why no certificate could be had for a person's wildcard, in a sentence; undefined where it can. */
  wildcardProblem: (personId: string, wildcard: string) => Promise<string | undefined>
  /** Where a person may delegate the DNS challenges of a name to; undefined where there is nobody to answer them, or none are made. */
  challengeTarget: (personId: string, domain: string) => string | undefined
  /** The set of verified mappings changed: the edge must hear of it before this resolves. */
  publish: () => Promise<void>
  /** Starts obtaining the certificate and returns at once. */
  certify: (domain: string) => void
  forgetCertificate: (domain: string) => Promise<void>
  certificateStatus: (domain: string) => Promise<CertificateStanding>
  /** Puts something on the mapping's timeline, an observation of the DNS only where it is another than the last; never throws. */
  note?: (row: Pick<DomainMappingRow, "id" | "personId" | "domain">, kind: "state" | "dns", text: string) => void
  /** The mapping is gone, and its timeline with it. */
  forgetTimeline?: (id: string) => Promise<void>
  log: Log
  maxPending: number
  intervalMs: number
  expiryMs: number
  now: () => number
  /** The time by which what waits is too old; the clock's where it is left out. */
  agingNow?: () => number
}

const maxIntervalMs = 600_000

/** Domain mappings: hostname → container port, pending until the name is proved. */
export class MappingService {
  /** Looks for proofs since the start, by what came of them; `error` where the look itself failed, `taken` where somebody else was first. */
  readonly looks = { proven: 0, unproven: 0, taken: 0, error: 0 }
  private checking = new Map<string, Promise<{ status: string; detail?: string }>>()

  constructor(private needs: MappingNeeds) {}

  async list(personId: string): Promise<MappingReply[]> {
    const rows = await this.needs.store.list(personId)
    return Promise.all(rows.map((row) => this.reply(row)))
  }

  /** The checks come in the order of platform-api.md section 1.4; DNS is touched only after the database gave us the name. */
  async create(caller: Caller, input: Record<string, unknown>): Promise<MappingReply> {
    const { store, now } = this.needs
    const domain = parseMappedName(input.domain, this.needs.baseDomain, this.needs.privateZones)
    const targetPort = parseTargetPort(input.target_port)
    const options = { ...defaultOptions, ...parseOptions(input) }
    const containerId = typeof input.container_id === "string" ? input.container_id : ""
    await this.mustOwn(caller.personId, containerId)
    const isPrivate = this.isPrivate(domain)
    const problem = await this.nameProblem(caller, domain)
    if (problem !== undefined) throw problem
    const at = now()
    const row: DomainMappingRow = {
      id: newMappingId(),
      personId: caller.personId,
      domain,
      containerId,
      targetPort,
      ...options,
      status: isPrivate ? "verified" : "pending",
      verifyToken: newVerifyToken(),
      proof: isPrivate ? "private" : null,
      windowStartedAt: at,
      nextCheckAt: at + this.needs.intervalMs,
      checks: 0,
      lastDetail: null,
      createdAt: at,
      verifiedAt: isPrivate ? at : null,
    }
    const outcome = await store.insert(row, this.needs.maxPending)
    if (outcome === "taken") throw new AppError("conflict", "domain already in use")
    if (outcome === "capped") {
      throw new AppError("rate_limited", `too many unverified domain mappings (max ${this.needs.maxPending}): verify or delete some first`)
    }
    this.note(
      row,
      "state",
      isPrivate ? "created, verified: the name is in a private zone" : "created, pending: the TXT record has to be published",
    )
    if (isPrivate) {
      await this.goLive(domain)
      return this.shown(row)
    }
    if (!(await this.needs.automate(caller.personId, domain, row.id))) return this.shown(row)
    if (!(await this.markVerified(row, "provider"))) return this.shown(row)
    return { ...this.shown({ ...row, status: "verified" }), dns_automated: true }
  }

  private async mustOwn(personId: string, containerId: string): Promise<void> {
    const container = await this.needs.container(containerId)
    if (container === undefined) throw new AppError("not_found", "container not found")
    if (container.personId !== personId) throw new AppError("forbidden", "forbidden")
  }

  /** Why this caller could not map the name, whatever it leads to. */
  private async nameProblem(caller: Caller, domain: string): Promise<AppError | undefined> {
    if (this.isPrivate(domain) && !caller.isAdmin)
      return new AppError("forbidden", `forbidden: only an administrator maps names in a private zone, and ${domain} is in one`)
    const problem = isWildcard(domain) ? await this.needs.wildcardProblem(caller.personId, domain) : undefined
    return problem === undefined ? undefined : new AppError("conflict", problem)
  }

  /** What a name is before it is mapped: its canonical form, and why a create would refuse it, in a sentence. Throws `invalid` for what is no name. */
  async consider(caller: Caller, raw: unknown): Promise<{ domain: string; isPrivate: boolean; problem: string | undefined }> {
    const domain = parseMappedName(raw, this.needs.baseDomain, this.needs.privateZones)
    const isTaken = await this.needs.store.isTaken(domain, caller.personId)
    const problem = isTaken ? "domain already in use" : (await this.nameProblem(caller, domain))?.message
    return { domain, isPrivate: this.isPrivate(domain), problem }
  }

  /** A person's own mapping, or undefined where there is none. */
  async find(personId: string, id: string): Promise<MappingReply | undefined> {
    const row = await this.needs.store.find(id, personId)
    return row && this.shown(row)
  }

  /** Changes options and target, and is live when it resolves. */
  async update(personId: string, id: string, input: Record<string, unknown>): Promise<MappingReply> {
    const change = parseChange(input)
    // Whose the mapping is goes first: nobody learns of containers by way of what is not theirs.
    const before = change.containerId === undefined ? undefined : await this.needs.store.find(id, personId)
    if (before !== undefined && change.containerId !== undefined) await this.mustOwn(personId, change.containerId)
    const row = await this.needs.store.update(id, personId, change)
    if (row === undefined) throw new AppError("not_found", "not found")
    if (row.status === "verified") await this.needs.publish()
    return this.reply(row)
  }

  private async reply(row: DomainMappingRow): Promise<MappingReply> {
    return this.shown(row, row.status === "verified" ? await this.needs.certificateStatus(row.domain) : undefined)
  }

  private shown(row: DomainMappingRow, certificate?: CertificateStanding): MappingReply {
    return mappingReply(row, this.needs.challengeTarget(row.personId, row.domain), certificate)
  }

  /** The record at the provider goes too where it is ours, but a provider that fails does not bring the mapping back. */
  async delete(personId: string, id: string): Promise<void> {
    const row = await this.needs.store.delete(id, personId)
    if (row === undefined) throw new AppError("not_found", "not found")
    await this.needs.publish()
    if (row.status === "verified") await this.needs.forgetCertificate(row.domain)
    await this.needs.unautomate(personId, row.domain)
    await this.needs.forgetTimeline?.(id)
  }

  private note(...[row, kind, text]: Parameters<NonNullable<MappingNeeds["note"]>>): void {
    this.needs.note?.(row, kind, text)
  }

  /** The hostname of a person's own mapping, or undefined where there is none. */
  async hostnameOf(personId: string, id: string): Promise<{ hostname: string } | undefined> {
    const row = await this.needs.store.find(id, personId)
    return row && { hostname: row.domain }
  }

  /** Looks now. Requests for the same mapping at the same time share one look. */
  async verify(personId: string, id: string): Promise<{ status: string; detail?: string }> {
    const row = await this.needs.store.find(id, personId)
    if (row === undefined) throw new AppError("not_found", "not found")
    if (row.status === "verified") return { status: "verified" }
    return this.check(row)
  }

  /** One check of one mapping, as the person or the background worker asks for it. */
  check(row: DomainMappingRow): Promise<{ status: string; detail?: string }> {
    const underWay = this.checking.get(row.id)
    if (underWay !== undefined) return underWay
    const flight = this.counted(this.look(row)).finally(() => this.checking.delete(row.id))
    this.checking.set(row.id, flight)
    return flight
  }

  private async counted<T extends { status: string }>(look: Promise<T>): Promise<T> {
    try {
      const found = await look
      this.looks[found.status === "verified" ? "proven" : "unproven"]++
      return found
    } catch (error) {
      this.looks[error instanceof AppError && error.code === "conflict" ? "taken" : "error"]++
      throw error
    }
  }

  private async look(row: DomainMappingRow): Promise<{ status: string; detail?: string }> {
    const { proven, detail } = await checkProof(this.needs.lookupTxt, verifyName(row.domain), row.verifyToken)
    this.note(row, "dns", detail)
    if (proven) {
      if (await this.markVerified(row, "txt")) return { status: "verified" }
      throw new AppError("conflict", "domain already in use")
    }
    const now = this.needs.now()
    if (row.status === "failed") {
      const fresh = { windowStartedAt: now, nextCheckAt: now + this.needs.intervalMs, checks: 0, lastDetail: detail }
      if (!(await this.needs.store.restart(row.id, row.domain, fresh))) throw new AppError("conflict", "domain already in use")
      this.note(row, "state", "failed → pending: asked for anew")
      return { status: "pending", detail }
    }
    const checks = row.checks + 1
    await this.needs.store.noteCheck(row.id, { checks, nextCheckAt: now + this.pause(checks), lastDetail: detail })
    return { status: "pending", detail }
  }

  /** Doubles from the interval up to ten minutes, after the first ten checks: a person who just made the record is still watching. */
  private pause(checks: number): number {
    const most = Math.max(this.needs.intervalMs, maxIntervalMs)
    return Math.min(most, this.needs.intervalMs * 2 ** Math.min(20, Math.max(0, checks - 10)))
  }

  private async markVerified(row: DomainMappingRow, proof: string): Promise<boolean> {
    if (!(await this.needs.store.verify(row.id, row.domain, proof, this.needs.now()))) return false
    this.needs.log.info("domain verified", { domain: row.domain, mapping: row.id, proof })
    this.note(row, "state", `${row.status} → verified, by ${proof === "txt" ? "its TXT record" : "the owner's DNS provider"}`)
    await this.goLive(row.domain)
    return true
  }

  private async goLive(domain: string): Promise<void> {
    await this.needs.publish()
    this.needs.certify(domain)
  }

  private isPrivate(domain: string): boolean {
    return this.needs.privateZones.some((zone) => domain !== zone && isWithin(domain, zone))
  }

  /** Checks what is due, a few at a time; a mapping whose window is over becomes `failed`. */
  async checkDue(signal: AbortSignal): Promise<void> {
    const due = await this.needs.store.due(this.needs.now(), 200)
    const workers = Array.from({ length: 8 }, async () => {
      for (let row = due.shift(); row !== undefined && !signal.aborted; row = due.shift()) await this.checkOne(row)
    })
    await Promise.all(workers)
  }

  private async checkOne(row: DomainMappingRow): Promise<void> {
    try {
      if ((this.needs.agingNow ?? this.needs.now)() - row.windowStartedAt >= this.needs.expiryMs) {
        const last = row.lastDetail === null ? "" : `; last seen: ${row.lastDetail}`
        await this.needs.store.fail(row.id, `the record was not found in time, verify again to restart${last}`)
        this.note(row, "state", "pending → failed: the record was not found in time")
        this.needs.log.info("domain verification expired", { domain: row.domain, mapping: row.id })
        return
      }
      await this.check(row)
    } catch (error) {
      // One mapping that cannot be checked must not keep the others from their turn, nor come back at once.
      const detail = error instanceof AppError ? error.message : "the check itself failed and will be repeated"
      await this.needs.store.noteCheck(row.id, {
        checks: row.checks + 1,
        nextCheckAt: this.needs.now() + this.pause(row.checks + 1),
        lastDetail: detail,
      })
      if (!(error instanceof AppError)) this.needs.log.error("verification failed", { domain: row.domain, error: describeError(error) })
    }
  }
}
