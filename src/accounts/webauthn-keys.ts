import type { SecurityKeyRow } from "../db/schema"
import { AppError } from "../errors"
import { parseName, seconds } from "./model"
import type { TwoFactorStore } from "./two-factor-store"
import type { KnownKey, RelyingParty } from "./webauthn"
import { WebauthnCeremonies } from "./webauthn-ceremonies"

const maxKeys = 20

/** A person's security keys and passkeys: added, named, removed, and asked for at a login. */
export class SecurityKeys {
  private adding: WebauthnCeremonies

  constructor(
    private store: TwoFactorStore,
    private party: RelyingParty,
    private now: () => number = Date.now,
  ) {
    this.adding = new WebauthnCeremonies(now)
  }

  /** Origins whose pages can ask for a key. */
  origins(): string[] {
    return this.party.usableOrigins()
  }

  /** Oldest first, times in Unix seconds. */
  async list(personId: string) {
    const keys = await this.store.keys(personId)
    return {
      keys: keys.map(({ id, name, createdAt, lastUsedAt }) => ({
        id,
        name,
        authenticator_type: "Security Key",
        created_at: seconds(createdAt),
        last_used_at: seconds(lastUsedAt),
      })),
    }
  }

  async beginAdding(person: { personId: string; username: string; displayName: string }) {
    const { personId: id, username, displayName } = person
    const known = (await this.store.keys(id)).map(knownKey)
    if (known.length >= maxKeys) throw new AppError("invalid", `security key limit reached (${maxKeys})`)
    const publicKey = await this.party.creationOptions({ id, username, displayName }, known)
    return { options: { publicKey }, state: this.adding.begin(id, publicKey.challenge) }
  }

  /** Throws `invalid` for a ceremony or a credential that is not this person's, `conflict` for a key that is registered already. */
  async finishAdding(personId: string, input: Record<string, unknown>): Promise<void> {
    const name = parseName(input.name ?? "Security key", "key name required", "key name too long (max 64 characters)")
    const { owner, challenge } = this.adding.finish(input.state)
    if (owner !== personId) throw new AppError("invalid", "ceremony session not found or expired")
    const key = await this.party.verifyCreation(input.credential, challenge)
    if (key === undefined) throw new AppError("invalid", "registration failed")
    const { id, publicKey, counter, transports } = key
    const row = { id, personId, name, publicKey, counter, transports: JSON.stringify(transports), createdAt: this.now(), lastUsedAt: 0 }
    if (!(await this.store.insertKey(row))) throw new AppError("conflict", "this key is already registered")
  }

  async rename(personId: string, input: Record<string, unknown>): Promise<void> {
    const name = parseName(input.name, "key name required", "key name too long (max 64 characters)")
    if (!(await this.store.renameKey(String(input.id), personId, name))) throw noKey()
  }

  /** Without the last key, and without an authenticator app, a password is enough again. */
  async delete(personId: string, input: Record<string, unknown>): Promise<void> {
    if (!(await this.store.deleteKey(String(input.id), personId))) throw noKey()
  }

  /** What a browser needs to ask this person for one of their keys; throws `invalid` when they have none. */
  async requestOptions(personId: string) {
    const known = (await this.store.keys(personId)).map(knownKey)
    if (known.length === 0) throw new AppError("invalid", "no security key is registered: use a code")
    return this.party.requestOptions(known, "discouraged")
  }

  /** The same for a login that begins with the key. */
  passkeyOptions() {
    return this.party.requestOptions([], "required")
  }

  /** Whether the credential proves a key of this person for this challenge; the key's counter moves on. */
  async isProof(personId: string, credential: unknown, challenge: string): Promise<boolean> {
    const row = await this.keyOf(credential)
    return row?.personId === personId && this.check(row, credential, challenge, false)
  }

  /** Whose key the credential proves, where the key itself has verified its user by PIN or body; else undefined. */
  async ownerByPasskey(credential: unknown, challenge: string): Promise<string | undefined> {
    const row = await this.keyOf(credential)
    return row !== undefined && (await this.check(row, credential, challenge, true)) ? row.personId : undefined
  }

  private async keyOf(credential: unknown): Promise<SecurityKeyRow | undefined> {
    const id = (credential as { id?: unknown } | null | undefined)?.id
    return typeof id === "string" ? this.store.key(id) : undefined
  }

  private async check(row: SecurityKeyRow, credential: unknown, challenge: string, isVerifiedUser: boolean): Promise<boolean> {
    const expected = { challenge, key: knownKey(row), personId: row.personId, isVerifiedUser }
    const counter = await this.party.verifyRequest(credential, expected)
    return counter !== undefined && this.store.useKey(row, counter, this.now())
  }
}

const noKey = () => new AppError("not_found", "key not found")

function knownKey(row: SecurityKeyRow): KnownKey {
  const { id, publicKey, counter, transports } = row
  return { id, publicKey, counter, transports: JSON.parse(transports) as string[] }
}
