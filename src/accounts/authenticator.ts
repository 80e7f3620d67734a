import { AppError } from "../errors"
import type { Principal, TokenName } from "./model"
import type { Scopes } from "./scopes"
import { hashToken, sameHash, type Signer, tokenPrefix } from "./signer"
import type { AccountStore } from "./store"

const touchEveryMs = 60_000

/** Turns a presented token into a principal. What kind it is, the `type` claim says, never how it looks. */
export class Authenticator {
  constructor(
    private store: AccountStore,
    private signer: Signer,
    private now: () => number = Date.now,
  ) {}

  /** Throws one and the same `unauthorized` for everything that is wrong with a token; asks the store at each call, so revocation is immediate. */
  async authenticate(presented: string | undefined): Promise<Principal> {
    const principal = presented === undefined ? undefined : await this.principal(presented)
    if (principal === undefined) throw new AppError("unauthorized", "unauthorized")
    return principal
  }

  /** Which token of ours this is or once was, for the record; undefined for what we have not signed, or not as either, or whose time is over. */
  async nameOf(presented: string): Promise<TokenName | undefined> {
    const claims = await this.signer.verify(withoutPrefix(presented))
    if (claims?.type === "api_token") return typeof claims.token_id === "string" ? { kind: "api_token", id: claims.token_id } : undefined
    const isSession = (claims?.type === undefined || claims.type === "") && typeof claims?.sid === "string"
    return isSession ? { kind: "session", id: String(claims.sid) } : undefined
  }

  private async principal(presented: string): Promise<Principal | undefined> {
    const bare = withoutPrefix(presented)
    const claims = await this.signer.verify(bare)
    const personId = claims?.user_id
    if (claims === undefined || typeof personId !== "string" || personId === "") return undefined
    if (claims.type === undefined || claims.type === "") return this.session(personId, claims.sid)
    if (claims.type === "api_token" && typeof claims.token_id === "string") return this.apiToken(personId, claims.token_id, bare)
    return undefined
  }

  private async session(personId: string, sessionId: unknown): Promise<Principal | undefined> {
    if (typeof sessionId !== "string") return undefined
    const session = await this.store.session(sessionId)
    if (session?.personId !== personId || session.expiresAt <= this.now()) return undefined
    return this.person(personId, { kind: "session", sessionId })
  }

  private async apiToken(personId: string, tokenId: string, bare: string): Promise<Principal | undefined> {
    const row = await this.store.token(tokenId)
    if (row === undefined || row.personId !== personId) return undefined
    if (!sameHash(row.hash, hashToken(tokenPrefix + bare))) return undefined
    const now = this.now()
    if (row.expiresAt !== 0 && row.expiresAt <= now) return undefined
    const scopes = JSON.parse((row.serviceAccountId === null ? row.scopes : row.accountScopes) ?? "{}") as Scopes
    if (now - row.lastUsedAt >= touchEveryMs) await this.store.touchToken(tokenId, now)
    return this.person(personId, { kind: "api_token", tokenId, scopes })
  }

  private async person<K>(personId: string, kind: K) {
    const row = await this.store.personById(personId)
    if (row === undefined || row.disabledAt !== null) return undefined
    return { personId, username: row.username, displayName: row.displayName, isAdmin: row.isAdmin === 1, ...kind }
  }
}

const withoutPrefix = (presented: string) => (presented.startsWith(tokenPrefix) ? presented.slice(tokenPrefix.length) : presented)
