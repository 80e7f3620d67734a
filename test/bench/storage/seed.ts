import { Database } from "bun:sqlite"
import { createHash } from "node:crypto"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"

export const listedKeys = 100_000

const nameOf = (number: number) => `file-${String(number).padStart(6, "0")}.txt`

/** A hundred thousand objects in a namespace of a store, as rows alone: nobody reads their bytes. */
export function seedList(dataDir: string, namespace: string): void {
  const sqlite = new Database(join(dataDir, "freehold.db"), { strict: true })
  sqlite.run("PRAGMA busy_timeout = 5000")
  const [hash, etag] = [createHash("sha256").update("x").digest("hex"), createHash("md5").update("x").digest("hex")]
  const insert = sqlite.query(
    `INSERT INTO object_versions (namespace_id, key, version_id, is_latest, size, hash, etag, content_type, created_at)
     VALUES ((SELECT id FROM namespaces WHERE name = ?), ?, 'null', 1, 1, ?, ?, 'text/plain', ?)`,
  )
  sqlite.transaction(() => {
    for (let i = 0; i < listedKeys; i++) insert.run(namespace, nameOf(i), hash, etag, 1_700_000_000_000 + i)
  })()
  sqlite.close()
}

/** The same as files in a folder. */
export async function seedFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let at = 0; at < listedKeys; at += 1000)
    await Promise.all(Array.from({ length: 1000 }, (_, i) => Bun.write(join(folder, nameOf(at + i)), "x")))
}
