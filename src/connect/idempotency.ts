import { createHash } from "node:crypto"
import type { Db } from "../db/open"
import { AppError } from "../errors"
import type { Vault } from "../vault"
import { invalid, type Principal } from "./model"

/** What a request that makes something answers. */
export type Made = { status: number; body: unknown }

const keptMs = 24 * 3_600_000
const keysPerPerson = 10_000

/**
 * `Idempotency-Key` of requests that make something: for 24 hours the same key gets the same answer, and nothing is made twice. Answers are kept sealed,
 * since those of new keys hold a secret.
 */
export class Idempotency {
  private running = new Map<string, { bodyHash: string; made: Promise<Made> }>()

  constructor(
    private db: Db,
    private vault: Vault,
    private now: () => number,
  ) {}

  /**
   * Runs `make`, or gives what it made before. Throws `invalid` for a key that is none, and `conflict` for one that came with another body, or whose
   * request was cut off, so that nobody knows what it made.
   */
  async once(principal: Principal, route: string, key: string | null, body: string, make: () => Promise<Made>): Promise<Made> {
    if (key === null) return make()
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw invalid("Idempotency-Key must be 1 to 255 visible ASCII characters")
    const bodyHash = createHash("sha256").update(body).digest("hex")
    const name = `${principal.personId} ${route} ${key}`
    const running = this.running.get(name)
    if (running !== undefined) {
      if (running.bodyHash !== bodyHash) throw otherBody()
      return running.made
    }
    const made = this.first(principal.personId, route, key, bodyHash, make)
    this.running.set(name, { bodyHash, made })
    try {
      return await made
    } finally {
      this.running.delete(name)
    }
  }

  /** Forgets what is older than a day, and the oldest of people who have very many. */
  async sweep(): Promise<void> {
    await this.db
      .deleteFrom("idempotencyKeys")
      .where("createdAt", "<", this.now() - keptMs)
      .execute()
    const many = await this.db
      .selectFrom("idempotencyKeys")
      .select("personId")
      .groupBy("personId")
      .having((e) => e.fn.countAll(), ">", keysPerPerson)
      .execute()
    for (const { personId } of many) {
      const row = await this.db
        .selectFrom("idempotencyKeys")
        .select("createdAt")
        .where("personId", "=", personId)
        .orderBy("createdAt", "desc")
        .offset(keysPerPerson)
        .limit(1)
        .executeTakeFirst()
      if (row !== undefined)
        await this.db.deleteFrom("idempotencyKeys").where("personId", "=", personId).where("createdAt", "<=", row.createdAt).execute()
    }
  }

  private async first(personId: string, route: string, key: string, bodyHash: string, make: () => Promise<Made>): Promise<Made> {
    const now = this.now()
    const row = { personId, route, key, bodyHash, createdAt: now, status: null, sealedBody: null }
    const inserted = await this.db
      .insertInto("idempotencyKeys")
      .values(row)
      .onConflict((c) => c.doNothing())
      .returning("key")
      .executeTakeFirst()
    if (inserted === undefined) {
      const before = await this.ofKey(personId, route, key)
      if (before !== undefined && before.createdAt >= now - keptMs) return this.again(before, bodyHash)
      await this.forget(personId, route, key)
      return this.first(personId, route, key, bodyHash, make)
    }
    try {
      const made = await make()
      const sealedBody = this.vault.seal(JSON.stringify(made.body), place(personId, route, key))
      await this.db
        .updateTable("idempotencyKeys")
        .set({ status: made.status, sealedBody })
        .where("personId", "=", personId)
        .where("route", "=", route)
        .where("key", "=", key)
        .execute()
      return made
    } catch (error) {
      // What was refused made nothing, so the key may be used again.
      await this.forget(personId, route, key)
      throw error
    }
  }

  private again(
    row: { personId: string; route: string; key: string; bodyHash: string; status: number | null; sealedBody: string | null },
    bodyHash: string,
  ) {
    if (row.bodyHash !== bodyHash) throw otherBody()
    if (row.status === null || row.sealedBody === null) {
      throw new AppError("conflict", "an earlier request with this Idempotency-Key was cut off: see what it made, then use another key", {
        reason: "idempotency_conflict",
      })
    }
    return { status: row.status, body: JSON.parse(this.vault.open(row.sealedBody, place(row.personId, row.route, row.key))) as unknown }
  }

  private ofKey = (personId: string, route: string, key: string) =>
    this.db
      .selectFrom("idempotencyKeys")
      .selectAll()
      .where("personId", "=", personId)
      .where("route", "=", route)
      .where("key", "=", key)
      .executeTakeFirst()

  private async forget(personId: string, route: string, key: string): Promise<void> {
    await this.db.deleteFrom("idempotencyKeys").where("personId", "=", personId).where("route", "=", route).where("key", "=", key).execute()
  }
}

const place = (personId: string, route: string, key: string) => `idempotency_keys/${personId}/${route}/${key}`

const otherBody = () => new AppError("conflict", "this Idempotency-Key came with another body before", { reason: "idempotency_conflict" })
