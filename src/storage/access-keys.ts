import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import type { Db } from "../db/open"
import { prepared } from "../db/prepared"
import type { StorageKeyRow } from "../db/storage-schema"
import type { Vault } from "../vault"

/** As `accounts/scopes.ts` has them. */
type Scopes = Record<string, string[]>

/** An access key of the S3 door as its owner sees it; times are Unix seconds. */
export type AccessKey = { id: string; name: string; scopes: Scopes | null; created_at: number; last_used_at: number }

/** Whom a key speaks for, and the secret that signatures are checked with. */
export type KnownKey = { id: string; personId: string; secret: string; scopes: Scopes | undefined }

export type AccessKeysNeeds = {
  db: Db
  vault: Vault
  /** Throws `invalid`. */
  parseScopes: (raw: unknown, personId: string) => Scopes
  now: () => number
}

const maxKeys = 100
const usedEveryMs = 60_000
const mostOpened = 1000

/** Who is disabled has no `enabledId`. A join takes SQLite as Bun has it 20 µs longer than this. */
const findKey = prepared((db, { id }: { id: string }) =>
  db
    .selectFrom("storageKeys as k")
    .selectAll("k")
    .select((k) =>
      k
        .selectFrom("people as p")
        .select("p.id")
        .whereRef("p.id", "=", "k.personId")
        .where("p.disabledAt", "is", k.lit(null))
        .as("enabledId"),
    )
    .where("k.id", "=", id),
)

/** Access keys of the S3 door. A signature needs the secret itself, so it is sealed, not hashed; it is shown once. */
export class AccessKeys {
  private usedAt = new Map<string, number>()
  /** Secrets that were opened, with what they were sealed in. Whether a key is there, and whose, the store is asked every time. */
  private opened = new Map<string, { sealed: string; secret: string }>()

  constructor(private needs: AccessKeysNeeds) {}

  async list(personId: string): Promise<AccessKey[]> {
    const rows = await this.needs.db.selectFrom("storageKeys").selectAll().where("personId", "=", personId).orderBy("createdAt").execute()
    return rows.map(shown)
  }

  /** `scopes` left out or null grants all of the person's storage. Throws `invalid` and `conflict`. */
  async create(personId: string, input: Record<string, unknown>): Promise<AccessKey & { secret: string }> {
    const { db, vault, now, parseScopes } = this.needs
    const name = typeof input.name === "string" ? input.name.trim() : ""
    if (name === "" || name.length > 64) throw new AppError("invalid", "name must have 1 to 64 characters")
    const scopes = input.scopes === undefined || input.scopes === null ? undefined : parseScopes(input.scopes, personId)
    const foreign = Object.keys(scopes ?? {}).find((path) => path.split(".")[0] !== "storage")
    if (foreign !== undefined) throw new AppError("invalid", `a storage key takes scopes of storage only, not ${foreign}`)
    if ((await this.list(personId)).length >= maxKeys) throw new AppError("conflict", `no more than ${maxKeys} storage keys of one person`)
    const id = `FH${randomBytes(9).toString("hex").toUpperCase()}`
    const secret = randomBytes(30).toString("base64url")
    const row: StorageKeyRow = {
      id,
      personId,
      name,
      sealedSecret: vault.seal(secret, place(id)),
      scopes: scopes === undefined ? null : JSON.stringify(scopes),
      createdAt: now(),
      lastUsedAt: 0,
    }
    await db.insertInto("storageKeys").values(row).execute()
    return { ...shown(row), secret }
  }

  /** Throws `not_found`. */
  async delete(personId: string, id: string): Promise<void> {
    const gone = await this.needs.db
      .deleteFrom("storageKeys")
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returning("id")
      .executeTakeFirst()
    if (gone === undefined) throw new AppError("not_found", "no such storage key")
    this.usedAt.delete(id)
    this.opened.delete(id)
  }

  /** Undefined for an unknown key, and where its person is disabled. */
  async find(id: string): Promise<KnownKey | undefined> {
    const [row] = await findKey(this.needs.db, { id })
    if (row === undefined || row.enabledId === null) return undefined
    const { personId, sealedSecret, scopes } = row
    return { id, personId, secret: this.open(id, sealedSecret), scopes: scopes === null ? undefined : JSON.parse(scopes) }
  }

  private open(id: string, sealed: string): string {
    const found = this.opened.get(id)
    if (found?.sealed === sealed) return found.secret
    const secret = this.needs.vault.open(sealed, place(id))
    for (const oldest of this.opened.keys()) {
      if (this.opened.size < mostOpened) break
      this.opened.delete(oldest)
    }
    this.opened.set(id, { sealed, secret })
    return secret
  }

  /** Whether there is such a key, its person disabled or not. */
  async isKnown(id: string): Promise<boolean> {
    return (await this.needs.db.selectFrom("storageKeys").select("id").where("id", "=", id).executeTakeFirst()) !== undefined
  }

  /** Notes a use, at most once a minute in the store. */
  async noteUse(id: string): Promise<void> {
    const now = this.needs.now()
    if (now - (this.usedAt.get(id) ?? 0) < usedEveryMs) return
    this.usedAt.set(id, now)
    await this.needs.db.updateTable("storageKeys").set({ lastUsedAt: now }).where("id", "=", id).execute()
  }
}

const place = (id: string) => `storage_keys/${id}`

const shown = ({ id, name, scopes, createdAt, lastUsedAt }: StorageKeyRow): AccessKey => ({
  id,
  name,
  scopes: scopes === null ? null : JSON.parse(scopes),
  created_at: Math.floor(createdAt / 1000),
  last_used_at: Math.floor(lastUsedAt / 1000),
})
