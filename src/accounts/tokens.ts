import type { ApiTokenRow } from "../db/schema"
import { AppError } from "../errors"
import { parseExpiry, parseName, randomId, seconds } from "./model"
import { parseScopes, type Scopes } from "./scopes"
import { hashToken, type Signer, tokenPrefix } from "./signer"
import type { AccountStore } from "./store"

const maxTokens = 200
const maxAccounts = 100

/** API tokens and service accounts of one person. Times in replies are Unix seconds, 0 for never. */
export class Tokens {
  constructor(
    private store: AccountStore,
    private signer: Signer,
    private now: () => number = Date.now,
  ) {}

  /** A standalone token with scopes of its own; the token itself is in this reply and nowhere else. */
  async create(personId: string, input: Record<string, unknown>) {
    const name = parseName(input.name, "token name required", "token name too long (max 64 characters)")
    const scopes = parseScopes(input.scopes, personId)
    const { row, token } = await this.mint(personId, name, parseExpiry(input.expires_in, this.now()), { scopes })
    return { ...tokenReply(row), token }
  }

  async list(personId: string) {
    return (await this.store.tokens(personId)).map(tokenReply)
  }

  async delete(personId: string, id: string) {
    if (!(await this.store.deleteToken(id, personId))) throw new AppError("not_found", "token not found")
    return { status: "ok" }
  }

  /** Whether a token id is alive; undefined when it is unknown, expired or deleted. Needs no authentication, so it tells no more. */
  async check(id: string): Promise<{ status: "valid"; scopes?: Scopes } | undefined> {
    const row = await this.store.token(id)
    if (row === undefined || (row.expiresAt !== 0 && row.expiresAt <= this.now())) return undefined
    return { status: "valid", ...(row.accountScopes === null ? {} : { scopes: JSON.parse(row.accountScopes) as Scopes }) }
  }

  async createAccount(personId: string, input: Record<string, unknown>) {
    const name = parseName(input.name, "service account name required", "name too long (max 64 characters)")
    const scopes = parseScopes(input.scopes, personId)
    if ((await this.store.accounts(personId)).length >= maxAccounts)
      throw new AppError("invalid", `service account limit reached (${maxAccounts})`)
    const row = { id: randomId(), personId, name, scopes: JSON.stringify(scopes), createdAt: this.now() }
    await this.store.insertAccount(row)
    return accountReply({ ...row, tokenCount: 0 })
  }

  async accounts(personId: string) {
    return (await this.store.accounts(personId)).map(accountReply)
  }

  async account(personId: string, id: string) {
    return accountReply(await this.ownAccount(personId, id))
  }

  /** Holds from the next request on for every token of the account. */
  async setScopes(personId: string, id: string, input: Record<string, unknown>) {
    await this.ownAccount(personId, id)
    const scopes = parseScopes(input.scopes, personId)
    if (!(await this.store.setAccountScopes(id, personId, JSON.stringify(scopes)))) throw noAccount()
    return { status: "ok" }
  }

  async deleteAccount(personId: string, id: string) {
    if (!(await this.store.deleteAccount(id, personId))) throw noAccount()
    return { status: "ok" }
  }

  async createAccountToken(personId: string, id: string, input: Record<string, unknown>) {
    await this.ownAccount(personId, id)
    const name = parseName(input.name, "token name required", "token name too long (max 64 characters)")
    const { row, token } = await this.mint(personId, name, parseExpiry(input.expires_in, this.now()), { serviceAccountId: id })
    return { ...accountTokenReply(row), token }
  }

  async accountTokens(personId: string, id: string) {
    await this.ownAccount(personId, id)
    return (await this.store.tokensOfAccount(id)).map(accountTokenReply)
  }

  private async ownAccount(personId: string, id: string) {
    const row = await this.store.account(id, personId)
    if (row === undefined) throw noAccount()
    return row
  }

  private async mint(personId: string, name: string, expiresAt: number, of: { scopes?: Scopes; serviceAccountId?: string }) {
    if ((await this.store.tokens(personId)).length >= maxTokens) throw new AppError("invalid", `token limit reached (${maxTokens})`)
    const id = randomId()
    const account = of.serviceAccountId === undefined ? { scopes: of.scopes } : { service_account_id: of.serviceAccountId }
    const jwt = await this.signer.sign({ user_id: personId, token_id: id, type: "api_token", sub: personId, ...account }, expiresAt)
    const token = tokenPrefix + jwt
    const row: ApiTokenRow = {
      id,
      personId,
      serviceAccountId: of.serviceAccountId ?? null,
      name,
      hash: hashToken(token),
      scopes: of.scopes === undefined ? null : JSON.stringify(of.scopes),
      expiresAt,
      lastUsedAt: 0,
      createdAt: this.now(),
    }
    await this.store.insertToken(row)
    return { row, token }
  }
}

const noAccount = () => new AppError("not_found", "service account not found")

function accountTokenReply(row: ApiTokenRow) {
  const { id, name } = row
  return { id, name, expires_at: seconds(row.expiresAt), last_used_at: seconds(row.lastUsedAt), created_at: seconds(row.createdAt) }
}

function tokenReply(row: ApiTokenRow) {
  const scopes = row.scopes === null ? null : (JSON.parse(row.scopes) as Scopes)
  return { ...accountTokenReply(row), scopes, ...(row.serviceAccountId === null ? {} : { service_account_id: row.serviceAccountId }) }
}

function accountReply(row: { id: string; name: string; scopes: string; tokenCount: number | null; createdAt: number }) {
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as Scopes,
    token_count: row.tokenCount ?? 0,
    created_at: seconds(row.createdAt),
  }
}
