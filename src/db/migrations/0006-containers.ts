import { type CreateTableBuilder, type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

const strict = <T extends string, C extends string>(table: CreateTableBuilder<T, C>) => table.modifyEnd(sql`strict`)

/** What one could ask for before there was a choice. */
const firstTypes = [
  { name: "nano", cpus: 0.5 },
  { name: "micro", cpus: 1 },
  { name: "mini", cpus: 2 },
  { name: "tiny", cpus: 1 },
  { name: "small", cpus: 2 },
  { name: "medium", cpus: 4 },
]

/** What a container is made of beyond its image; the defaults are what every container had before. */
export const containers: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const create = db.schema
    // SQLite adds one column a statement.
    const alter = () => db.schema.alterTable("containers")
    await alter()
      .addColumn("env", "text", (c) => c.notNull().defaultTo("{}"))
      .execute()
    await alter().addColumn("command", "text").execute()
    await alter()
      .addColumn("restart_policy", "text", (c) => c.notNull().defaultTo("no"))
      .execute()
    await alter()
      .addColumn("restarts", "integer", (c) => c.notNull().defaultTo(0))
      .execute()
    await alter().addColumn("restart_at", "integer").execute()
    await alter().addColumn("pids_limit", "integer").execute()
    await alter()
      .addColumn("mount_paths", "text", (c) => c.notNull().defaultTo("[]"))
      .execute()
    await alter()
      .addColumn("ssh_enabled", "integer", (c) => c.notNull().defaultTo(0))
      .execute()
    await alter()
      .addColumn("adopted", "integer", (c) => c.notNull().defaultTo(0))
      .execute()
    // One container of the engine is adopted once.
    await create
      .createIndex("containers_adopted")
      .unique()
      .on("containers")
      .column("engine_id")
      .where(sql.ref("adopted"), "=", sql.lit(1))
      .execute()
    await strict(
      create
        .createTable("ingress_rules")
        .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
        .addColumn("container_id", "text", (c) => c.notNull().references("containers.id").onDelete("cascade"))
        .addColumn("port", "integer", (c) => c.notNull())
        .addColumn("target_port", "integer", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("ingress_rules_of_container").unique().on("ingress_rules").columns(["container_id", "port"]).execute()
    await strict(
      create
        .createTable("instance_types")
        .addColumn("name", "text", (c) => c.primaryKey())
        .addColumn("cpus", "real", (c) => c.notNull())
        .addColumn("pids", "integer", (c) => c.notNull())
        .addColumn("position", "integer", (c) => c.notNull()),
    ).execute()
    for (const [position, type] of firstTypes.entries()) {
      await sql`insert into instance_types (name, cpus, pids, position) values (${type.name}, ${type.cpus}, 1024, ${position})`.execute(db)
    }
    await strict(
      create
        .createTable("volumes")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("container_id", "text", (c) => c.notNull().references("containers.id").onDelete("cascade"))
        .addColumn("path", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("volumes_of_container").unique().on("volumes").columns(["container_id", "path"]).execute()
    await strict(
      create
        .createTable("registry_credentials")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade"))
        .addColumn("registry", "text", (c) => c.notNull())
        .addColumn("username", "text", (c) => c.notNull())
        .addColumn("sealed_password", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create
      .createIndex("registry_credentials_of_person")
      .unique()
      .on("registry_credentials")
      .columns(["person_id", "registry"])
      .execute()
  },
}
