import type { ApplicationRow, DnsCredentialRow } from "../db/connect-schema"
import { AppError, describeError } from "../errors"
import { canonicalHost } from "../hostname"
import type { Log } from "../log"
import { type Vault, VaultError } from "../vault"
import type { ApplicationStore } from "./application-store"
import { invalid, newId, notFound, rfc3339, shown } from "./model"

/** A stored credential, opened: `edit` speaks to its provider. */
export type OpenCredential<Provider> = { id: string; provider: string; edit: Provider }

/** What is asked of a provider before its credential is kept. */
type Tried = { zoneOf(hostname: string, signal: AbortSignal): Promise<string | undefined> }

export type CredentialNeeds<Provider> = {
  store: ApplicationStore
  /** Undefined where no encryption key is set: then none can be stored. */
  vault: Vault | undefined
  /** Throws `invalid` for an unknown provider or a credential that has not its form; asks nobody. */
  open: (provider: string, token: string, applicationId: string) => Provider
  /** The token of the values of a provider's fields. Throws `invalid` for an unknown provider, and for a value that is wrong, naming its field. */
  compose: (provider: string, fields: unknown) => string
  log: Log
  now: () => number
}

const credentialsPerApplication = 20
const maxTokenLength = 16_384
const tryLimitMs = 15_000

/** Delegated DNS credentials of applications, sealed; never shown again. */
export class Credentials<Provider extends Tried> {
  private turns = new Map<string, Promise<void>>()

  constructor(private needs: CredentialNeeds<Provider>) {}

  /**
   * With a `domain` the provider is asked first whether this credential edits the zone around it. Throws `invalid`, `unavailable` without an encryption
   * key, `conflict` past twenty and, with a `domain`, where the credential edits no such zone; what the provider refuses is thrown in its words.
   */
  async create(application: ApplicationRow, body: Record<string, unknown>) {
    const { store } = this.needs
    const { provider } = body
    if (typeof provider !== "string" || provider === "") throw invalid("provider is required: GET /v1/providers lists them")
    const { token, vault } = await this.tried(application.id, provider, body)
    const id = newId()
    const row: DnsCredentialRow = {
      id,
      applicationId: application.id,
      provider,
      sealedToken: vault.seal(token, place(id)),
      createdAt: this.needs.now(),
      lastUsedAt: null,
      lastError: null,
    }
    if (!(await store.insertCredential(row, credentialsPerApplication)))
      throw new AppError("conflict", `no more than ${credentialsPerApplication} credentials for an application`)
    return reply(row)
  }

  /** Puts another token of the same provider in the place of the one that is kept; where it is refused, nothing changes. Throws as `create`, and `not_found`. */
  async replace(application: ApplicationRow, id: string, body: Record<string, unknown>) {
    const { store } = this.needs
    const row = (await store.credentials(application.id)).find((one) => one.id === id)
    if (row === undefined) throw notFound("credential")
    if (body.provider !== undefined && body.provider !== row.provider)
      throw invalid(`provider must stay ${row.provider}: make another credential for another provider`)
    const { token, vault } = await this.tried(application.id, row.provider, body)
    const change = { sealedToken: vault.seal(token, place(id)), lastError: null }
    await store.updateCredential(id, change)
    return reply({ ...row, ...change })
  }

  /** The token of a body, once its provider has said that it edits the zone around the body's `domain`, where it has one. */
  private async tried(applicationId: string, provider: string, { token: given, fields, domain: raw }: Record<string, unknown>) {
    const { vault } = this.needs
    if (given !== undefined && fields !== undefined) throw invalid("token and fields exclude each other: fields make a token")
    const token = fields === undefined ? given : this.needs.compose(provider, fields)
    if (typeof token !== "string" || token === "") throw invalid("token is required")
    if (token.length > maxTokenLength) throw invalid(`token must have at most ${maxTokenLength} characters`)
    const edit = this.needs.open(provider, token, applicationId)
    const domain = parseTriedDomain(raw)
    if (vault === undefined) throw new AppError("unavailable", "credentials cannot be stored: FREEHOLD_ENCRYPTION_KEY is none")
    if (domain !== undefined && (await edit.zoneOf(domain, AbortSignal.timeout(tryLimitMs))) === undefined)
      throw new AppError("conflict", `the ${provider} credential edits no zone around ${domain}`, {
        reason: "zone_not_found",
        details: { field: "domain" },
      })
    return { token, vault }
  }

  /** The newest first, without their tokens. */
  list = async (application: ApplicationRow) => ({
    data: (await this.needs.store.credentials(application.id)).map(reply),
    next_cursor: null,
  })

  /** Throws `not_found`. Records that were written with it stay. */
  async delete(application: ApplicationRow, id: string): Promise<void> {
    if (!(await this.needs.store.deleteCredential(application.id, id))) throw notFound("credential")
  }

  has = async (applicationId: string) => (await this.needs.store.credentials(applicationId)).length > 0

  /** Those that open, the newest first; what does not is a line in the log. */
  async opened(applicationId: string): Promise<OpenCredential<Provider>[]> {
    const rows = await this.needs.store.credentials(applicationId)
    return rows.flatMap((row) => {
      try {
        if (this.needs.vault === undefined) return []
        const edit = this.needs.open(row.provider, this.needs.vault.open(row.sealedToken, place(row.id)), applicationId)
        return [{ id: row.id, provider: row.provider, edit }]
      } catch (error) {
        if (!(error instanceof VaultError) && !(error instanceof AppError)) throw error
        this.needs.log.warn("stored credential unreadable", { credential: row.id, error: describeError(error) })
        return []
      }
    })
  }

  /**
   * Runs `work` when what was begun before with the same credential has ended: some providers take a zone only as a whole, so that two changes at once
   * would lose one another's records.
   */
  async inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(id)
    const turn = (before ?? Promise.resolve()).then(work, work)
    const ended = turn.then(
      () => undefined,
      () => undefined,
    )
    this.turns.set(id, ended)
    try {
      return await turn
    } finally {
      if (this.turns.get(id) === ended) this.turns.delete(id)
    }
  }

  /** Puts on record how its last use went; undefined for well. */
  noteUse = (id: string, error: string | undefined) =>
    this.needs.store.updateCredential(id, { lastUsedAt: this.needs.now(), lastError: error?.slice(0, 500) ?? null })
}

const place = (id: string) => `dns_credentials/${id}`

function parseTriedDomain(raw: unknown): string | undefined {
  if (raw === undefined || raw === null || raw === "") return undefined
  const domain = typeof raw === "string" ? canonicalHost(raw.trim()) : undefined
  if (domain === undefined) throw invalid(`domain: ${shown(raw)} is not a domain such as customer.com`)
  return domain
}

function reply(row: DnsCredentialRow) {
  return {
    id: row.id,
    provider: row.provider,
    created_at: rfc3339(row.createdAt),
    last_used_at: rfc3339(row.lastUsedAt),
    last_error: row.lastError,
  }
}
