// The buckets of every directory, as this house knows them (Let's Encrypt counts in token buckets too). In this order:
//   1. an order   one transaction: every bucket it counts in is looked at, then every one is taken from, and only then is it sent
//   2. a validation is booked as failed before the CA is told to look, and given back when it went well
//   3. an order that came to nothing gives its certificate back, never the order itself
//   4. a CA that answers `rateLimited` closes the bucket that its text is about, until the time it named
// Orders that a handshake asks for have budgets of our own on top, so that no crowd of handshakes uses up what renewals and new names need.
// A process that dies between leaves too much on the books, never too little. Certificates of other accounts, which Let's Encrypt counts by registered
// domain as well, are not known here: then its own answer decides.

import { IssuanceError } from "../acme/issuer"
import type { BookedOrder, OrderKind, OrderLedger, Refusal } from "../acme/order-ledger"
import type { IssuanceBucketRow } from "../db/schema"
import { givenBack, type Limit, nextTokenAt, rescaled, taken, tokensAt, tokensLeft } from "./bucket"
import { type DirectoryLimits, type LimitKind, ownBooks } from "./directory-limits"
import { refusedKind } from "./refused-kind"
import type { BucketKey, LedgerStore } from "./store"
import { leftInWords, putOffInWords } from "./words"

export type LedgerOptions = {
  store: LedgerStore
  limitsOf: (directory: string) => DirectoryLimits
  /** What people call the CA behind a directory. */
  nameOf: (directory: string) => string
  /** The domain that a name is registered under, by the public suffix list; undefined for a suffix itself. */
  registeredDomain: (hostname: string) => string | undefined
  /** What was to be given back, or closed, could not be written down: too much is on the books then, or the directory says it again. */
  onFault?: (error: unknown) => void
  now: () => number
}

/** A bucket as shown: how many are left of how many, when there is one more, until when the CA has closed it, and all of it in a sentence. */
export type BucketView = {
  directory: string
  ca: string
  kind: LimitKind
  subject: string
  left: number | undefined
  capacity: number | undefined
  nextAt: number | undefined
  closedUntil: number | undefined
  sentence: string
}

/** What an order for a name may count in. */
const orderKinds: LimitKind[] = ["directory", "orders", "domain", "name", "failures"]

const SWEEP_EVERY_MS = 10 * 60_000

/** What the CAs' limits leave, in the store. */
export class Ledger {
  private sweptAt = 0

  constructor(private options: LedgerOptions) {}

  /** The books of one directory. */
  at(directory: string): OrderLedger {
    return {
      order: (hostname, kind) => this.bookOrder(directory, hostname, kind),
      validation: (hostname) => this.bookValidation(directory, hostname),
      account: () => this.bookAll(directory, "", [{ directory, kind: "accounts", subject: "" }], false),
      refused: (refusal) => this.calmly(this.close(directory, refusal)),
    }
  }

  /** Takes an order that a handshake asks for from our own budgets, before the CA's limits are looked at. Throws IssuanceError with `putOffUntil`. */
  handshake(hostname: string): Promise<void> {
    return this.bookAll(ownBooks, hostname, this.keysOf(ownBooks, hostname, ["handshakes", "domain_handshakes"]), false)
  }

  /** The buckets that an order for a new name would count in and that are not full, the emptiest first. */
  async forName(directory: string, hostname: string): Promise<BucketView[]> {
    const keys = this.keysOf(directory, hostname, orderKinds)
    const views = await Promise.all(keys.map(async (key) => this.view(key, await this.options.store.find(key))))
    return views.filter((one) => one !== undefined).sort((a, b) => leftShare(a) - leftShare(b))
  }

  /** Buckets of which a fifth or less is left, or that are closed: at most `limit` of each kind, the emptiest first. */
  async scarce(limit: number): Promise<BucketView[]> {
    const { store, now } = this.options
    const found: BucketView[] = []
    for (const { directory, kind } of await store.kinds(now())) {
      const known = this.limit({ directory, kind: kind as LimitKind, subject: "" })
      const rows = await store.emptiest({ directory, kind, takenMs: known && scarceFrom(known) }, now(), limit)
      found.push(...rows.flatMap((row) => this.view({ ...row, kind: kind as LimitKind }, row) ?? []))
    }
    const isScarce = ({ left, capacity, closedUntil }: BucketView) => closedUntil !== undefined || (left ?? 0) * 5 <= (capacity ?? 0)
    return found.filter(isScarce).sort((a, b) => leftShare(a) - leftShare(b))
  }

  /** Every bucket that is not full, at most `limit`, and how many there are. */
  async all(limit: number): Promise<{ total: number; buckets: BucketView[] }> {
    const { store, now } = this.options
    const rows = await store.list(now(), limit)
    const buckets = rows.flatMap((row) => this.view({ ...row, kind: row.kind as LimitKind }, row) ?? [])
    return { total: await store.count(now()), buckets }
  }

  /** Until when an order for a new name at a directory would be put off, and why; undefined where it would be sent. */
  async obstacle(directory: string, hostname: string): Promise<{ until: number; sentence: string } | undefined> {
    const keys = this.orderKeys(directory, hostname, "new")
    const rows = await Promise.all(keys.map(async (key) => ({ key, row: await this.options.store.find(key) })))
    return this.worst(directory, rows, true)
  }

  private async bookOrder(directory: string, hostname: string, kind: OrderKind): Promise<BookedOrder> {
    await this.sweep()
    const keys = this.orderKeys(directory, hostname, kind)
    const counted = keys.filter((key) => key.kind !== "failures")
    await this.bookAll(directory, hostname, counted, kind === "new", keys)
    const certificate = counted.filter((key) => key.kind === "domain" || key.kind === "name")
    return { endedWithoutCertificate: () => this.calmly(this.giveBack(certificate)) }
  }

  private async bookValidation(directory: string, hostname: string): Promise<(() => Promise<void>) | undefined> {
    const key = { directory, kind: "failures" as const, subject: hostname }
    try {
      await this.bookAll(directory, hostname, [key], false)
    } catch (error) {
      if (error instanceof IssuanceError) return undefined
      throw error
    }
    return () => this.calmly(this.giveBack([key]))
  }

  /** Takes from all or from none; `looked` are those that must have something left too. Throws IssuanceError with `putOffUntil`. */
  private async bookAll(directory: string, hostname: string, counted: BucketKey[], isNew: boolean, looked = counted): Promise<void> {
    const { store, now } = this.options
    await store.db.transaction().execute(async (trx) => {
      const rows: { key: BucketKey; row: IssuanceBucketRow | undefined }[] = []
      for (const key of looked) rows.push({ key, row: await store.find(key, trx) })
      const worst = this.worst(directory, rows, isNew)
      if (worst !== undefined)
        throw new IssuanceError(hostname === "" ? worst.sentence : `${hostname}: ${worst.sentence}`, {
          problem: worst.sentence,
          putOffUntil: worst.until,
        })
      for (const { key, row } of rows) {
        const limit = this.limit(key)
        if (limit === undefined || !counted.includes(key)) continue
        const { closedUntil = 0, said = "" } = row ?? {}
        const fullAt = taken(limit, this.level(limit, row), now())
        await store.save({ ...key, fullAt, capacity: limit.capacity, closedUntil, said }, trx)
      }
    })
  }

  private async giveBack(keys: BucketKey[]): Promise<void> {
    const { store, now } = this.options
    await store.db.transaction().execute(async (trx) => {
      for (const key of keys) {
        const [limit, row] = [this.limit(key), await store.find(key, trx)]
        if (limit === undefined || row === undefined) continue
        const fullAt = givenBack(limit, this.level(limit, row), now())
        await store.save({ ...row, fullAt, capacity: limit.capacity }, trx)
      }
    })
  }

  /** An order that went well, or whose fault is known, does not fail for its books. */
  private calmly(work: Promise<void>): Promise<void> {
    return work.catch((error) => this.options.onFault?.(error))
  }

  private async close(directory: string, refusal: Refusal): Promise<void> {
    const { store, now, registeredDomain } = this.options
    const kind = refusal.isLimit ? refusedKind(refusal.text, refusal.hostname, registeredDomain(refusal.hostname)) : "directory"
    const [key] = this.keysOf(directory, refusal.hostname, [kind])
    if (key === undefined) return
    await store.db.transaction().execute(async (trx) => {
      const row = await store.find(key, trx)
      const closedUntil = Math.max(row?.closedUntil ?? 0, now() + refusal.retryAfterMs)
      const { fullAt = 0, capacity = 0 } = row ?? {}
      await store.save({ ...key, fullAt, capacity, closedUntil, said: refusal.text.slice(0, 500) }, trx)
    })
  }

  /** The bucket that has to be waited for the longest. New names leave the last tenth of what renewals are counted by too to renewals. */
  private worst(directory: string, rows: { key: BucketKey; row: IssuanceBucketRow | undefined }[], isNew: boolean) {
    const { now } = this.options
    const { free } = this.options.limitsOf(directory)
    let worst: { until: number; sentence: string } | undefined
    for (const { key, row } of rows) {
      const limit = this.limit(key)
      const closedUntil = closedUntilOf(row, now())
      const isShared = (key.kind === "orders" || key.kind === "domain") && !free.renewal.includes(key.kind)
      const spared = limit !== undefined && isNew && isShared ? Math.floor(limit.capacity / 10) : 0
      const openAt = limit === undefined ? 0 : tokensAt(limit, this.level(limit, row), now(), spared + 1)
      const until = Math.max(openAt, closedUntil)
      if (until <= now() || until <= (worst?.until ?? 0)) continue
      const counted = { ...key, ca: this.nameOf(directory), now: now() }
      worst = { until, sentence: putOffInWords(counted, limit, spared > 0, until, closedUntil > openAt ? row?.said : undefined) }
    }
    return worst
  }

  private view(key: BucketKey, row: IssuanceBucketRow | undefined): BucketView | undefined {
    const { now } = this.options
    const { directory, kind, subject } = key
    const [limit, ca] = [this.limit(key), this.nameOf(directory)]
    const closedUntil = closedUntilOf(row, now())
    const isClosed = row !== undefined && closedUntil > now()
    const left = limit && tokensLeft(limit, this.level(limit, row), now())
    const nextAt = limit && nextTokenAt(limit, this.level(limit, row), now())
    if (!isClosed && nextAt === undefined) return undefined
    const shown = { directory, ca, kind, subject, capacity: limit?.capacity, closedUntil: isClosed ? closedUntil : undefined }
    const counted = { kind, subject, ca, now: now() }
    if (isClosed) return { ...shown, left: 0, nextAt: closedUntil, sentence: putOffInWords(counted, limit, false, closedUntil, row.said) }
    return limit === undefined || left === undefined
      ? undefined
      : { ...shown, left, nextAt, sentence: leftInWords(counted, left, limit, nextAt) }
  }

  private nameOf = (directory: string) => (directory === ownBooks ? "Freehold" : this.options.nameOf(directory))

  private level(limit: Limit, row: IssuanceBucketRow | undefined): number {
    return row === undefined ? 0 : rescaled(limit, row.fullAt, row.capacity, this.options.now())
  }

  private limit({ directory, kind }: BucketKey): Limit | undefined {
    return this.options.limitsOf(directory).limits[kind]
  }

  private orderKeys(directory: string, hostname: string, kind: OrderKind): BucketKey[] {
    const { free } = this.options.limitsOf(directory)
    const without: LimitKind[] = kind === "new" ? [] : free[kind]
    return this.keysOf(
      directory,
      hostname,
      orderKinds.filter((one) => !without.includes(one)),
    )
  }

  private keysOf(directory: string, hostname: string, kinds: LimitKind[]): BucketKey[] {
    const domain = this.options.registeredDomain(hostname.replace(/^\*\./, "")) ?? hostname
    const subjects: Record<LimitKind, string> = {
      directory: "",
      accounts: "",
      orders: "",
      domain,
      name: hostname,
      failures: hostname,
      handshakes: "",
      domain_handshakes: domain,
    }
    return kinds.map((kind) => ({ directory, kind, subject: subjects[kind] }))
  }

  private async sweep(): Promise<void> {
    const { store, now } = this.options
    if (Math.abs(now() - this.sweptAt) < SWEEP_EVERY_MS) return
    this.sweptAt = now()
    await store.sweep(now())
  }
}

/** Longer than any CA asks for; a clock that was set back closes nothing for years. */
const CLOSED_AT_MOST_MS = 7 * 24 * 3_600_000

const closedUntilOf = (row: IssuanceBucketRow | undefined, now: number) => Math.min(row?.closedUntil ?? 0, now + CLOSED_AT_MOST_MS)

/** What part of a bucket is left; a closed one counts as empty. */
const leftShare = ({ closedUntil, left, capacity }: BucketView) => (closedUntil === undefined && capacity ? (left ?? 0) / capacity : 0)

/** How much a bucket lacks of being full, by time, when a fifth of it or less is left. */
const scarceFrom = ({ capacity, perMs }: Limit) => perMs * (1 - (Math.floor(capacity / 5) + 1) / capacity) * capacity
