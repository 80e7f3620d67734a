import { randomBytes } from "node:crypto"
import { AppError, describeError } from "../errors"
import { closestZone } from "../hostname"
import type { Log } from "../log"
import { type Vault, VaultError } from "../vault"
import { type ConnectionList, formatTime, invalidToken, maxOwnedDomains, type OwnedDomain, parseToken, type ZoneSnapshot } from "./model"
import { ProviderError, type ProviderZone, type ZoneProvider } from "./provider"
import type { ZoneStore } from "./store"
import type { WrittenRecords } from "./written-records"

/** How many connections that see the same zone are tried for one hostname: someone waits for the answer. */
const maxAttempts = 3
/** How many connections one listing fills in, and how long it waits for the provider. */
const maxBackfills = 5
const backfillTimeoutMs = 5_000

/** Owned domains: provider tokens, the zones they see, and the records made with them. Hostnames are canonical. */
export class ZoneService {
  private readonly store: ZoneStore
  private readonly vault: Vault | undefined
  private readonly provider: ZoneProvider
  private readonly target: string
  private readonly records: Pick<WrittenRecords, "note" | "forget">
  private readonly log: Log
  private readonly now: () => number

  /** Without a `vault` the feature is off; `target` is the hostname that automated CNAMEs point at. */
  constructor(options: {
    store: ZoneStore
    vault: Vault | undefined
    provider: ZoneProvider
    target: string
    records: Pick<WrittenRecords, "note" | "forget">
    log: Log
    now?: () => number
  }) {
    this.store = options.store
    this.vault = options.vault
    this.provider = options.provider
    this.target = options.target
    this.records = options.records
    this.log = options.log
    this.now = options.now ?? Date.now
  }

  /** The vault; throws `unavailable` when this instance has no encryption key. */
  requireVault(): Vault {
    if (this.vault === undefined) throw new AppError("unavailable", "cloudflare integration not configured")
    return this.vault
  }

  /** The oldest first; entries without zones are asked for again, and shown as they are where that fails. */
  async list(personId: string): Promise<ConnectionList> {
    const vault = this.requireVault()
    const domains = await this.store.list(personId)
    const empty = domains.filter((domain) => domain.zones.length === 0).slice(0, maxBackfills)
    await Promise.all(empty.map((domain) => this.backfill(vault, domain)))
    return { connections: domains.map(({ id, zones, createdAt }) => ({ id, zones, created_at: formatTime(createdAt) })) }
  }

  /** Checks the token in a request body by listing its zones, and keeps it sealed. Throws `invalid`, with `explain` in the provider's words, `conflict` or `bad_gateway`. */
  async add(personId: string, body: string, explain = false): Promise<ZoneSnapshot> {
    const vault = this.requireVault()
    const token = parseToken(body)
    // Spares the provider a question; the insert below is what decides.
    if ((await this.store.list(personId)).length >= maxOwnedDomains) throw tooMany()
    const zones = await this.tested(token, explain)
    const id = `cfc_${randomBytes(12).toString("hex")}`
    const domain = { id, personId, sealedToken: vault.seal(token, place(id)), zones, createdAt: this.now() }
    if (!(await this.store.insert(domain, maxOwnedDomains))) throw tooMany()
    this.log.info("owned domain added", { id, person: personId, zones: domain.zones.length })
    return { id, zones: domain.zones }
  }

  /** Puts the token of a request body in the place of the one that is kept, once it was seen to work; where it does not, nothing changes. Throws as `add`, and `not_found`. */
  async replaceToken(personId: string, id: string, body: string, explain = false): Promise<ZoneSnapshot> {
    const vault = this.requireVault()
    if ((await this.store.find(personId, id)) === undefined) throw new AppError("not_found", "not found")
    const token = parseToken(body)
    const zones = await this.tested(token, explain)
    if (!(await this.store.replace(personId, id, vault.seal(token, place(id)), zones))) throw new AppError("not_found", "not found")
    this.log.info("owned domain has another token", { id, person: personId, zones: zones.length })
    return { id, zones }
  }

  /** The zones that a token sees, at least one. */
  private async tested(token: string, explain: boolean): Promise<string[]> {
    const zones = await this.provider.listZones(token).catch((error: unknown) => {
      throw rejected(error) ? invalidToken(error, explain ? describeError(error) : undefined) : unreachable(error)
    })
    if (zones.length === 0) throw invalidToken(undefined, explain ? "cloudflare accepts it, and shows it no zone" : undefined)
    return namesOf(zones)
  }

  /** Forgets the token; records and mappings made with it stay. */
  async remove(personId: string, id: string): Promise<void> {
    this.requireVault()
    if (!(await this.store.delete(personId, id))) throw new AppError("not_found", "not found")
    this.log.info("owned domain removed", { id, person: personId })
  }

  /** Lists the zones anew. Throws `not_found`, `conflict` when the stored token does not open, `bad_gateway`. */
  async refresh(personId: string, id: string): Promise<ZoneSnapshot> {
    const vault = this.requireVault()
    const domain = await this.store.find(personId, id)
    if (domain === undefined) throw new AppError("not_found", "not found")
    const token = this.openToken(vault, domain)
    if (token === undefined) throw new AppError("conflict", "token unreadable — disconnect and reconnect")
    const listed = await this.provider.listZones(token).catch((error: unknown) => {
      throw rejected(error) ? revoked(error) : unreachable(error)
    })
    if (listed.length === 0) throw revoked()
    const zones = namesOf(listed)
    if (!(await this.store.setZones(id, zones))) throw new AppError("not_found", "not found")
    return { id, zones }
  }

  /** Points the hostname at us in the person's own zone, which also proves that it is theirs; false, and never a throw for the provider, where it could not. */
  async automate(personId: string, hostname: string, mappingId: string): Promise<boolean> {
    const edited = await this.change(personId, hostname, "record not automated", (token, zoneId) =>
      this.provider.upsertCname(token, zoneId, hostname, this.target),
    )
    if (edited === undefined) return false
    await this.records.note({
      personId,
      zone: edited.zone,
      hostname,
      holder: { kind: "mapping", id: mappingId },
      credential: { kind: "owned_domain", id: edited.domainId, provider: "cloudflare" },
      records: [{ name: hostname, type: "CNAME", value: this.target, ttl: null, purpose: "address" }],
    })
    return true
  }

  /** Takes away the CNAME of `automate` where it still points at us; a zone that could not be edited is a line in the log. */
  async unautomate(personId: string, hostname: string): Promise<void> {
    const edited = await this.change(personId, hostname, "record not removed", (token, zoneId) =>
      this.provider.removeCname(token, zoneId, hostname, this.target),
    )
    if (edited !== undefined) await this.records.forget(personId, { name: hostname, type: "CNAME", value: this.target })
  }

  /** Whether one of the person's connections saw a zone that the hostname, be it a wildcard, lies in; asks nobody. */
  async covers(personId: string, hostname: string): Promise<boolean> {
    return this.vault !== undefined && (await this.candidates(personId, hostname)).length > 0
  }

  /**
   * Adds a TXT record at `name` in the person's own zone around `hostname`, and answers how to take it away again, which never throws for the
   * provider; undefined where the record could not be written.
   */
  async writeTxt(personId: string, hostname: string, name: string, text: string): Promise<(() => Promise<void>) | undefined> {
    const edited = await this.change(personId, hostname, "challenge not written", (token, zoneId) =>
      this.provider.addTxt(token, zoneId, name, text),
    )
    if (edited === undefined) return undefined
    return async () => {
      try {
        await this.provider.removeTxt(edited.token, edited.zoneId, name, text)
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error
        this.log.warn("challenge not removed", { hostname, name, reason: error.reason, error })
      }
    }
  }

  private async change(
    personId: string,
    hostname: string,
    failure: string,
    edit: (token: string, zoneId: string) => Promise<unknown>,
  ): Promise<{ token: string; zoneId: string; zone: string; domainId: string } | undefined> {
    const vault = this.vault
    if (vault === undefined) return undefined
    for (const { domain, zone } of (await this.candidates(personId, hostname)).slice(0, maxAttempts)) {
      const token = this.openToken(vault, domain)
      if (token === undefined) continue
      try {
        const proven = (await this.provider.listZones(token)).filter((listed) => listed.proven)
        const live = closestZone(hostname, proven)
        // A shorter zone than the one we know of would be edited in vain: the longer one is delegated away from it.
        if (live === undefined || live.name.length < zone.length) {
          this.log.warn(failure, { id: domain.id, hostname, zone, reason: "the zone is not active at the provider" })
          continue
        }
        await edit(token, live.id)
        return { token, zoneId: live.id, zone: live.name, domainId: domain.id }
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error
        this.log.warn(failure, { id: domain.id, hostname, zone, reason: error.reason, error })
      }
    }
    return undefined
  }

  /** The connections that see the longest zone around the hostname, the oldest first. */
  private async candidates(personId: string, hostname: string): Promise<{ domain: OwnedDomain; zone: string }[]> {
    const domains = await this.store.list(personId)
    const seen = domains.flatMap((domain) => domain.zones.map((name) => ({ domain, name })))
    const closest = closestZone(hostname, seen)
    return seen.filter(({ name }) => name === closest?.name).map(({ domain, name }) => ({ domain, zone: name }))
  }

  private async backfill(vault: Vault, domain: OwnedDomain): Promise<void> {
    const token = this.openToken(vault, domain)
    if (token === undefined) return
    try {
      domain.zones = namesOf(await this.provider.listZones(token, { timeoutMs: backfillTimeoutMs }))
      if (domain.zones.length > 0) await this.store.setZones(domain.id, domain.zones)
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      this.log.warn("zones not listed", { id: domain.id, reason: error.reason, error })
    }
  }

  /** Undefined, and a line in the log that says why, when the stored token does not open. */
  private openToken(vault: Vault, domain: OwnedDomain): string | undefined {
    try {
      return vault.open(domain.sealedToken, place(domain.id))
    } catch (error) {
      if (!(error instanceof VaultError)) throw error
      this.log.warn("stored token unreadable", { id: domain.id, reason: error.reason, error: describeError(error) })
      return undefined
    }
  }
}

const place = (id: string) => `owned_domains/${id}`

const namesOf = (zones: ProviderZone[]) => [...new Set(zones.map((zone) => zone.name))]

const rejected = (error: unknown) => error instanceof ProviderError && error.reason !== "unreachable"

const revoked = (cause?: unknown) => new AppError("bad_gateway", "token no longer valid — disconnect and reconnect", { cause })

const tooMany = () => new AppError("conflict", `no more than ${maxOwnedDomains} owned domains`)

/** Our own bugs pass through as they are. */
function unreachable(error: unknown): unknown {
  return error instanceof ProviderError ? new AppError("bad_gateway", "cloudflare could not be reached", { cause: error }) : error
}
