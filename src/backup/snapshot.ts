import { Database } from "bun:sqlite"
import { AppError } from "../errors"

/** What a copy of the store holds, counted; `newest` is its last migration. */
export type StoreFacts = {
  newest: string
  people: number
  mappings: number
  connections: number
  containers: number
  certificates: number
  files: number
}

/**
 * Writes a consistent copy of the store to a new file, while others read and write it (SQLite's VACUUM INTO: one read transaction).
 */
export function snapshot(store: string, copy: string): void {
  const sqlite = new Database(store, { readwrite: true, create: false })
  try {
    sqlite.run("PRAGMA busy_timeout = 30000")
    sqlite.run("VACUUM INTO ?", [copy])
  } finally {
    sqlite.close()
  }
}

/** Looks at a whole copy of the store. Throws `invalid` where SQLite finds it damaged. */
export function inspect(copy: string): StoreFacts {
  const sqlite = new Database(copy, { readonly: true })
  try {
    const [first] = sqlite.query<{ integrity_check: string }, []>("PRAGMA integrity_check(1)").all()
    if (first?.integrity_check !== "ok") throw new AppError("invalid", `the store in it is damaged: ${first?.integrity_check}`)
    if (sqlite.query("PRAGMA foreign_key_check").all().length > 0)
      throw new AppError("invalid", "the store in it has rows that refer to nothing")
    // An older store has not all of them yet.
    const count = (table: string) =>
      hasTable(sqlite, table) ? (sqlite.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0) : 0
    const newest = sqlite.query<{ name: string }, []>("SELECT name FROM kysely_migration ORDER BY name DESC LIMIT 1").get()?.name
    return {
      newest: newest ?? "",
      people: count("people"),
      mappings: count("domain_mappings"),
      connections: count("connections"),
      containers: count("containers"),
      certificates: count("certificates"),
      files: count("object_versions"),
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError("invalid", `the store in it cannot be read: ${(error as Error).message}`, { cause: error })
  } finally {
    sqlite.close()
  }
}

const hasTable = (sqlite: Database, name: string) =>
  sqlite.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== null

/** Something of the store that is sealed: which secret opens it, and the place it was sealed for. */
export type SealedSample = { secret: "store-key" | "encryption-key"; place: string; sealed: string }

/** One thing that each secret has sealed, where there is one. */
export function sealedSamples(copy: string): SealedSample[] {
  const sqlite = new Database(copy, { readonly: true })
  try {
    const first = (secret: SealedSample["secret"], table: string, columns: string): SealedSample[] => {
      if (!hasTable(sqlite, table)) return []
      const sql = `SELECT ${columns} FROM ${table} LIMIT 1`
      const row = sqlite.query<{ place: string; sealed: string }, []>(sql).get()
      return row === null ? [] : [{ secret, ...row }]
    }
    return [
      ...first("store-key", "certificates", "'certificates/' || hostname AS place, sealed_key AS sealed"),
      ...first("encryption-key", "owned_domains", "'owned_domains/' || id AS place, sealed_token AS sealed"),
    ]
  } finally {
    sqlite.close()
  }
}
