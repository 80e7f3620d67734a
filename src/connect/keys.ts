import { createHash, randomInt } from "node:crypto"
import type { ApplicationKeyRow, ApplicationRow, Environment } from "../db/connect-schema"
import { AppError } from "../errors"
import { page, type Page, type After } from "../paging"
import type { ApplicationStore } from "./application-store"
import { newId, notFound, parseName, parseScopes, type Principal, rfc3339 } from "./model"

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
/** 43 characters of 62 are 256 random bits. */
const secretLength = 43
const keysPerApplication = 100
const touchEveryMs = 60_000
const secretForm = /^sk_(test|live)_[0-9A-Za-z]{4,64}$/

/** API keys of applications: shown once, kept as hashes, and dead on the request after they were revoked. */
export class Keys {
  constructor(
    private store: ApplicationStore,
    private now: () => number,
  ) {}

  /** Throws `invalid`, `forbidden` for a scope that the maker has not, and `conflict` past 100 keys; `secret` stands in this answer and nowhere else. */
  async create(maker: Principal, application: ApplicationRow, body: Record<string, unknown>) {
    const name = parseName(body.name)
    const granted = parseScopes(body.scopes)
    const missing = granted.filter((scope) => !maker.scopes.has(scope))
    if (missing.length > 0) throw new AppError("forbidden", `a key cannot grant what its maker has not: ${missing.join(", ")}`)
    const { row, secret } = newKey(application, name, granted, this.now())
    if (!(await this.store.insertKey(row, keysPerApplication)))
      throw new AppError("conflict", `no more than ${keysPerApplication} keys for an application: revoke some first`)
    return { ...reply(row, application.environment), secret }
  }

  /** A key with a secret that is known beforehand, for the demo alone. */
  async seed(application: ApplicationRow, secret: string, granted: readonly string[]): Promise<void> {
    const { row } = newKey(application, "demo", granted, this.now(), secret)
    await this.store.insertKey(row, keysPerApplication)
  }

  /** Metadata, the newest first; revoked ones stay listed. */
  async list(application: ApplicationRow, { limit, after }: { limit: number; after: After | undefined }): Promise<Page<unknown>> {
    return page(await this.store.keys(application.id, limit, after), limit, (row) => reply(row, application.environment))
  }

  /** Throws `not_found`; revoking twice is as once. */
  async revoke(application: ApplicationRow, id: string) {
    const row = await this.store.revokeKey(application.id, id, this.now())
    if (row === undefined) throw notFound("key")
    return reply(row, application.environment)
  }

  /** Whom a secret speaks for, or undefined; asks the store each time, so that revoking holds at once. */
  async authenticate(secret: string): Promise<Principal | undefined> {
    if (!secretForm.test(secret)) return undefined
    const key = await this.store.keyByHash(hashOf(secret))
    if (key === undefined) return undefined
    const now = this.now()
    if (now - (key.lastUsedAt ?? 0) >= touchEveryMs) await this.store.touchKey(key.id, now)
    const granted = new Set(JSON.parse(key.scopes) as string[])
    return {
      kind: "key",
      keyId: key.id,
      personId: key.personId,
      isAdmin: key.isAdmin === 1,
      environment: key.environment,
      // Whoever may administer applications sees all of them; every other key its own only.
      applicationId: granted.has("apps:admin") ? undefined : key.applicationId,
      scopes: granted,
    }
  }
}

function newKey(application: ApplicationRow, name: string, granted: readonly string[], at: number, known?: string) {
  const secret = known ?? `sk_${application.environment}_${Array.from({ length: secretLength }, () => alphabet[randomInt(62)]).join("")}`
  const row: ApplicationKeyRow = {
    id: newId(),
    applicationId: application.id,
    name,
    hash: hashOf(secret),
    last4: secret.slice(-4),
    scopes: JSON.stringify(granted),
    createdAt: at,
    lastUsedAt: null,
    revokedAt: null,
  }
  return { row, secret }
}

const hashOf = (secret: string) => createHash("sha256").update(secret).digest("hex")

function reply(row: ApplicationKeyRow, environment: Environment) {
  return {
    id: row.id,
    name: row.name,
    last4: row.last4,
    environment,
    scopes: JSON.parse(row.scopes) as string[],
    created_at: rfc3339(row.createdAt),
    last_used_at: rfc3339(row.lastUsedAt),
    revoked_at: rfc3339(row.revokedAt),
  }
}
