import { Database } from "bun:sqlite"

/** Bytes of a stored file, or of a part of one: their SHA-256 and how many there are. */
export type ObjectRef = { hash: string; size: number }

/** Everything on disk that a copy of the store refers to, each once, by hash. Answers none for a store that knows no files yet. */
export function* referredObjects(copy: string): Generator<ObjectRef> {
  const sqlite = new Database(copy, { readonly: true })
  try {
    const tables = ["object_versions", "object_segments", "upload_parts"].filter(
      (table) => sqlite.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) !== null,
    )
    if (tables.length === 0) return
    const each = tables.map((table) => `SELECT hash, size FROM ${table} WHERE hash IS NOT NULL`).join(" UNION ALL ")
    yield* sqlite.query<ObjectRef, []>(`SELECT hash, max(size) AS size FROM (${each}) GROUP BY hash ORDER BY hash`).iterate()
  } finally {
    sqlite.close()
  }
}
