import type { Db } from "./open"

/** A proven hostname, the mapping or connection that holds it, and since when (Unix milliseconds). */
export type HeldName = { hostname: string; id: string; since: number }

/** Who holds these names; those that nobody does are left out. */
export const holdersOf = async (db: Db, hostnames: string[]): Promise<HeldName[]> => {
  const rows = await db
    .selectFrom("heldNames as held")
    .leftJoin("domainMappings as mapping", (join) => join.onRef("mapping.id", "=", "held.holderId").on("held.kind", "=", "mapping"))
    .leftJoin("connections as connection", (join) => join.onRef("connection.id", "=", "held.holderId").on("held.kind", "=", "connection"))
    .where("held.hostname", "in", hostnames)
    .select(["held.hostname", "held.holderId as id", (e) => e.fn.coalesce("mapping.verifiedAt", "connection.provedAt").as("since")])
    .execute()
  return rows.flatMap(({ hostname, id, since }) => (since === null ? [] : [{ hostname, id, since }]))
}

/** Whether a fault is the database's word that somebody else, a mapping or a connection, holds the hostname (`held_names`). */
export const isHeld = (error: unknown): boolean => error instanceof Error && error.message.includes("held_names.hostname")
