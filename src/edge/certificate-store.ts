import type { AccountKeeper } from "../acme/acme-account"
import type { OrderJournal } from "../acme/open-orders"
import type { RootKeeper } from "../acme/internal-ca"
import type { Issued } from "../acme/issuer"
import type { Db } from "../db/open"
import type { CertificateAttemptRow } from "../db/schema"
import { type Vault, VaultError } from "../vault"

/** A certificate as kept; `keyPem` is undefined when its key does not open (sealed by another key, or changed). */
export type StoredCertificate = Omit<Issued, "keyPem"> & {
  hostname: string
  issuer: string
  renewAt: number
  keyPem: string | undefined
  holder: string
}

const PAGE = 500
/** Directories keep an open order for about a week; and a certificate that has lain there for longer had better be ordered anew. */
const ORDER_LIFE_MS = 7 * 86_400_000

/** Every query on `certificates`, `certificate_attempts`, `open_orders` and `issuer_accounts`. Private keys are sealed on the way in and opened on the way out. */
export class CertificateStore {
  constructor(
    private db: Db,
    private vault: Vault,
  ) {}

  async find(hostname: string): Promise<StoredCertificate | undefined> {
    const row = await this.db.selectFrom("certificates").selectAll().where("hostname", "=", hostname).executeTakeFirst()
    if (!row) return undefined
    const { issuer, chain: chainPem, notBefore, notAfter, renewAt, holder } = row
    const keyPem = this.unseal(row.sealedKey, `certificates/${hostname}`)
    return { hostname, issuer, chainPem, keyPem, notBefore, notAfter, renewAt, holder }
  }

  /** Keeps a certificate in place of the one before and ends its attempt and its order, all or nothing. `by` is its issuer, and the holder of the name. */
  async save(hostname: string, by: { issuer: string; holder: string }, issued: Issued, renewAt: number, now: number): Promise<void> {
    const { chainPem: chain, keyPem, notBefore, notAfter } = issued
    const sealedKey = this.vault.seal(keyPem, `certificates/${hostname}`)
    const row = { ...by, chain, sealedKey, notBefore, notAfter, renewAt, createdAt: now }
    await this.db.transaction().execute(async (tx) => {
      await tx
        .insertInto("certificates")
        .values({ hostname, ...row })
        .onConflict((c) => c.column("hostname").doUpdateSet(row))
        .execute()
      await tx.deleteFrom("certificateAttempts").where("hostname", "=", hostname).execute()
      await tx.deleteFrom("openOrders").where("hostname", "=", hostname).execute()
    })
  }

  async setRenewAt(hostname: string, renewAt: number): Promise<void> {
    await this.db.updateTable("certificates").set({ renewAt }).where("hostname", "=", hostname).execute()
  }

  attempt(hostname: string): Promise<CertificateAttemptRow | undefined> {
    return this.db.selectFrom("certificateAttempts").selectAll().where("hostname", "=", hostname).executeTakeFirst()
  }

  /** Notes that an order begins: if the process dies during it, the row is due, and the next start takes it up. */
  async begin(hostname: string, now: number): Promise<void> {
    const row = { hostname, failures: 0, lastAttemptAt: now, nextAttemptAt: now, problem: "", putOff: 0 }
    await this.db
      .insertInto("certificateAttempts")
      .values(row)
      .onConflict((c) => c.column("hostname").doUpdateSet({ lastAttemptAt: now }))
      .execute()
  }

  async saveAttempt(row: CertificateAttemptRow): Promise<void> {
    const { hostname, ...rest } = row
    await this.db
      .insertInto("certificateAttempts")
      .values({ hostname, ...rest })
      .onConflict((c) => c.column("hostname").doUpdateSet(rest))
      .execute()
  }

  async forgetAttempt(hostname: string): Promise<void> {
    await this.db.deleteFrom("certificateAttempts").where("hostname", "=", hostname).execute()
  }

  /** Hostnames whose renewal is due and not backing off, in pages. */
  dueRenewals(now: number): AsyncGenerator<{ hostname: string }> {
    return pages((after) =>
      this.db
        .selectFrom("certificates as c")
        .leftJoin("certificateAttempts as a", "a.hostname", "c.hostname")
        .select("c.hostname")
        .where("c.renewAt", "<=", now)
        .where((e) => e.or([e("a.nextAttemptAt", "is", null), e("a.nextAttemptAt", "<=", now)]))
        .where("c.hostname", ">", after)
        .orderBy("c.hostname")
        .limit(PAGE)
        .execute(),
    )
  }

  /** Hostnames whose attempt failed, was put off or was cut short, and may be made again, in pages. */
  dueAttempts(now: number): AsyncGenerator<{ hostname: string }> {
    return pages((after) =>
      this.db
        .selectFrom("certificateAttempts")
        .select("hostname")
        .where("nextAttemptAt", "<=", now)
        .where("hostname", ">", after)
        .orderBy("hostname")
        .limit(PAGE)
        .execute(),
    )
  }

  /** Every hostname with a certificate and who issued it, in pages. */
  issued(): AsyncGenerator<{ hostname: string; issuer: string }> {
    return pages((after) =>
      this.db
        .selectFrom("certificates")
        .select(["hostname", "issuer"])
        .where("hostname", ">", after)
        .orderBy("hostname")
        .limit(PAGE)
        .execute(),
    )
  }

  /** Every hostname with a certificate, when that ends and when it was to be renewed, in pages. */
  ends(): AsyncGenerator<{ hostname: string; notAfter: number; renewAt: number }> {
    return pages((after) =>
      this.db
        .selectFrom("certificates")
        .select(["hostname", "notAfter", "renewAt"])
        .where("hostname", ">", after)
        .orderBy("hostname")
        .limit(PAGE)
        .execute(),
    )
  }

  /** How many hostnames have an attempt on record, and how many of them have failed. */
  async attempts(): Promise<{ waiting: number; failing: number }> {
    const row = await this.db
      .selectFrom("certificateAttempts")
      .select((e) => [e.fn.countAll<number>().as("waiting"), e.fn.countAll<number>().filterWhere("failures", ">", 0).as("failing")])
      .executeTakeFirstOrThrow()
    return { waiting: Number(row.waiting), failing: Number(row.failing) }
  }

  /** Every hostname that has a certificate, or an attempt at one on record. */
  async known(): Promise<Set<string>> {
    const attempts = this.db.selectFrom("certificateAttempts").select("hostname")
    const rows = await this.db.selectFrom("certificates").select("hostname").union(attempts).execute()
    return new Set(rows.map(({ hostname }) => hostname))
  }

  /** Hostnames whose certificate has ended, in pages. */
  ended(now: number): AsyncGenerator<{ hostname: string }> {
    return pages((after) =>
      this.db
        .selectFrom("certificates")
        .select("hostname")
        .where("notAfter", "<=", now)
        .where("hostname", ">", after)
        .orderBy("hostname")
        .limit(PAGE)
        .execute(),
    )
  }

  /** Deletes a certificate with its key. */
  async delete(hostname: string): Promise<void> {
    await this.db.deleteFrom("certificates").where("hostname", "=", hostname).execute()
  }

  /** Keeps an ACME account. A key that does not open counts as none: a new account costs nothing. */
  accountKeeper(issuer: string, now: () => number = Date.now): AccountKeeper {
    return {
      load: async () => {
        const row = await this.accountRow(issuer)
        const keyPem = row && this.unseal(row.sealedKey, `issuer_accounts/${issuer}`)
        return row && keyPem !== undefined ? { keyPem, accountUrl: row.accountUrl } : undefined
      },
      save: (keyPem, accountUrl) => this.saveAccount(issuer, keyPem, { accountUrl, certificate: null }, now()),
    }
  }

  /** Keeps the orders under way at one directory. A key that does not open counts as none, and the order is made anew. */
  orderJournal(issuer: string, now: () => number = Date.now): OrderJournal {
    const place = (hostname: string) => `open_orders/${issuer}/${hostname}`
    return {
      load: async (hostname) => {
        const row = await this.db
          .selectFrom("openOrders")
          .selectAll()
          .where("issuer", "=", issuer)
          .where("hostname", "=", hostname)
          .where("createdAt", ">", now() - ORDER_LIFE_MS)
          .executeTakeFirst()
        const keyPem = row && this.unseal(row.sealedKey, place(hostname))
        return row && keyPem !== undefined ? { url: row.url, keyPem } : undefined
      },
      save: async (hostname, { url, keyPem }) => {
        const row = { url, sealedKey: this.vault.seal(keyPem, place(hostname)), createdAt: now() }
        await this.db
          .insertInto("openOrders")
          .values({ issuer, hostname, ...row })
          .onConflict((c) => c.columns(["issuer", "hostname"]).doUpdateSet(row))
          .execute()
      },
      forget: async (hostname) => {
        await this.db.deleteFrom("openOrders").where("issuer", "=", issuer).where("hostname", "=", hostname).execute()
      },
    }
  }

  /** Forgets the orders for a name, with their keys: they are not the next holder's. */
  async forgetOrders(hostname: string): Promise<void> {
    await this.db.deleteFrom("openOrders").where("hostname", "=", hostname).execute()
  }

  /** Forgets the orders that nobody took up again while a directory knew them. */
  async forgetOldOrders(now: number): Promise<void> {
    await this.db
      .deleteFrom("openOrders")
      .where("createdAt", "<=", now - ORDER_LIFE_MS)
      .execute()
  }

  /** Keeps the root of the built-in CA. `load` throws VaultError for a key that does not open: a new root would break the trust of every device. */
  rootKeeper(issuer: string, now: () => number = Date.now): RootKeeper {
    return {
      load: async () => {
        const row = await this.accountRow(issuer)
        if (!row?.certificate) return undefined
        return { keyPem: this.vault.open(row.sealedKey, `issuer_accounts/${issuer}`), certificatePem: row.certificate }
      },
      save: (keyPem, certificate) => this.saveAccount(issuer, keyPem, { accountUrl: null, certificate }, now()),
    }
  }

  private accountRow(issuer: string) {
    return this.db.selectFrom("issuerAccounts").selectAll().where("issuer", "=", issuer).executeTakeFirst()
  }

  private async saveAccount(issuer: string, keyPem: string, data: { accountUrl: string | null; certificate: string | null }, now: number) {
    const sealedKey = this.vault.seal(keyPem, `issuer_accounts/${issuer}`)
    await this.db
      .insertInto("issuerAccounts")
      .values({ issuer, sealedKey, createdAt: now, ...data })
      .onConflict((c) => c.column("issuer").doUpdateSet({ sealedKey, ...data }))
      .execute()
  }

  private unseal(sealed: string, place: string): string | undefined {
    try {
      return this.vault.open(sealed, place)
    } catch (error) {
      if (error instanceof VaultError) return undefined
      throw error
    }
  }
}

/** One page at a time by key, so that neither memory nor the head of the list depends on how many rows there are. */
async function* pages<Row extends { hostname: string }>(read: (after: string) => Promise<Row[]>): AsyncGenerator<Row> {
  for (let after = ""; ;) {
    const rows = await read(after)
    yield* rows
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    after = last.hostname
  }
}
