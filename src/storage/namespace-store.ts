import { sql } from "kysely"
import type { Db } from "../db/open"
import { prepared } from "../db/prepared"
import type { NamespaceRow } from "../db/storage-schema"
import { type Namespace, namespaceOf } from "./model"

export type NamespaceChange = Partial<Pick<NamespaceRow, "visibility" | "versioning" | "quotaBytes" | "cors" | "lifecycle" | "tags">>

const findByName = prepared((db, { name }: { name: string }) => db.selectFrom("namespaces").selectAll().where("name", "=", name))
const findById = prepared((db, { id }: { id: number }) => db.selectFrom("namespaces").selectAll().where("id", "=", id))
const findQuota = prepared((db, { personId }: { personId: string }) =>
  db.selectFrom("storageQuotas").select("bytes").where("personId", "=", personId),
)

/** A join takes SQLite as Bun has it 20 µs longer than this. */
const findWithQuota = prepared((db, { id }: { id: number }) =>
  db
    .selectFrom("namespaces as n")
    .selectAll("n")
    .select((n) => n.selectFrom("storageQuotas as q").select("q.bytes").whereRef("q.personId", "=", "n.personId").as("personBytes"))
    .where("n.id", "=", id),
)

/** Every query on `namespaces` and `storage_quotas`. */
export class NamespaceStore {
  constructor(private db: Db) {}

  async find(name: string): Promise<Namespace | undefined> {
    const [row] = await findByName(this.db, { name })
    return row === undefined ? undefined : namespaceOf(row)
  }

  async get(id: number): Promise<Namespace | undefined> {
    const [row] = await findById(this.db, { id })
    return row === undefined ? undefined : namespaceOf(row)
  }

  /** With the bound of its owner, where an administrator has set one. */
  async withQuota(id: number): Promise<{ namespace: Namespace; personBytes: number | undefined } | undefined> {
    const [row] = await findWithQuota(this.db, { id })
    if (row === undefined) return undefined
    const { personBytes, ...namespace } = row
    return { namespace: namespaceOf(namespace), personBytes: personBytes ?? undefined }
  }

  /** By name; of everybody without a person. */
  async list(personId?: string): Promise<Namespace[]> {
    const all = this.db.selectFrom("namespaces").selectAll().orderBy("name")
    return (await (personId === undefined ? all : all.where("personId", "=", personId)).execute()).map(namespaceOf)
  }

  async count(personId: string): Promise<number> {
    const { count } = await this.db
      .selectFrom("namespaces")
      .select((row) => row.fn.countAll<number>().as("count"))
      .where("personId", "=", personId)
      .executeTakeFirstOrThrow()
    return count
  }

  /** Undefined when the name is taken: the database decides. */
  async insert(row: { name: string; personId: string; visibility: number; createdAt: number }): Promise<Namespace | undefined> {
    const made = await this.db
      .insertInto("namespaces")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    return made === undefined ? undefined : namespaceOf(made)
  }

  async update(id: number, change: NamespaceChange): Promise<Namespace | undefined> {
    const row = await this.db.updateTable("namespaces").set(change).where("id", "=", id).returningAll().executeTakeFirst()
    return row === undefined ? undefined : namespaceOf(row)
  }

  /** False when it is not there, or not empty of versions and uploads. */
  async delete(id: number): Promise<boolean> {
    const gone = await this.db
      .deleteFrom("namespaces")
      .where("id", "=", id)
      .where(({ not, exists, selectFrom }) => not(exists(selectFrom("objectVersions").select("id").where("namespaceId", "=", id))))
      .where(({ not, exists, selectFrom }) => not(exists(selectFrom("storageUploads").select("id").where("namespaceId", "=", id))))
      .returning("id")
      .executeTakeFirst()
    return gone !== undefined
  }

  /** Bytes that all namespaces of a person have. */
  async bytesOf(personId: string): Promise<number> {
    const { bytes } = await this.db
      .selectFrom("namespaces")
      .select(sql<number>`coalesce(sum(bytes), 0)`.as("bytes"))
      .where("personId", "=", personId)
      .executeTakeFirstOrThrow()
    return bytes
  }

  async totals(): Promise<{ namespaces: number; objects: number; bytes: number }> {
    return this.db
      .selectFrom("namespaces")
      .select([
        sql<number>`count(*)`.as("namespaces"),
        sql<number>`coalesce(sum(objects), 0)`.as("objects"),
        sql<number>`coalesce(sum(bytes), 0)`.as("bytes"),
      ])
      .executeTakeFirstOrThrow()
  }

  /** The most bytes a person may have, where an administrator has set it. */
  async quotaOf(personId: string): Promise<number | undefined> {
    return (await findQuota(this.db, { personId }))[0]?.bytes
  }

  /** What each person has, and the bound of their own. */
  usageOfAll = () =>
    this.db
      .selectFrom("people as p")
      .leftJoin("storageQuotas as q", "q.personId", "p.id")
      .leftJoin("namespaces as n", "n.personId", "p.id")
      .select([
        "p.id as personId",
        "p.username",
        "q.bytes as ownBytes",
        sql<number>`count(n.id)`.as("namespaces"),
        sql<number>`coalesce(sum(n.objects), 0)`.as("objects"),
        sql<number>`coalesce(sum(n.bytes), 0)`.as("bytes"),
      ])
      .groupBy(["p.id", "p.username", "q.bytes"])
      .orderBy("p.username")
      .execute()

  hasPerson = async (personId: string): Promise<boolean> =>
    (await this.db.selectFrom("people").select("id").where("id", "=", personId).executeTakeFirst()) !== undefined

  /** Whether the person is there and not disabled. */
  isEnabled = async (personId: string): Promise<boolean> =>
    (await this.db.selectFrom("people").select("disabledAt").where("id", "=", personId).executeTakeFirst())?.disabledAt === null

  /** False when there is no such person; undefined takes the bound away. */
  async setQuota(personId: string, bytes: number | undefined): Promise<boolean> {
    if (!(await this.hasPerson(personId))) return false
    if (bytes === undefined) await this.db.deleteFrom("storageQuotas").where("personId", "=", personId).execute()
    else
      await this.db
        .insertInto("storageQuotas")
        .values({ personId, bytes })
        .onConflict((conflict) => conflict.column("personId").doUpdateSet({ bytes }))
        .execute()
    return true
  }
}
