import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openDatabase } from "../db/open"
import { Vault } from "../vault"

/** The one stored file, its hash, and the folder of its hash. */
export const bytesOfFile = "bytes of a file"
export const hash = new Bun.CryptoHasher("sha256").update(bytesOfFile).digest("hex")
export const shard = hash.slice(0, 2)

/** What the backups of tests have in common. */
export const plainBackup = { baseDomain: "home.example", version: "0.1.0", secrets: {}, volumes: false }

/** A data folder with one of each: a person, a sealed certificate, secrets, a stored file, a volume. */
export async function makeDataFolder(dir: string, storeKey = "1".repeat(64)): Promise<void> {
  mkdirSync(join(dir, "storage/objects", shard), { recursive: true, mode: 0o700 })
  mkdirSync(join(dir, "volumes/c1/data"), { recursive: true })
  writeFileSync(join(dir, "storage/objects", shard, hash), bytesOfFile)
  writeFileSync(join(dir, "volumes/c1/data/note.txt"), "kept by a container")
  writeFileSync(join(dir, "store-key"), `${storeKey}\n`, { mode: 0o600 })
  writeFileSync(join(dir, "jwt-secret"), `${"2".repeat(64)}\n`, { mode: 0o600 })
  writeFileSync(join(dir, "half.new"), "half a secret")
  const db = await openDatabase(join(dir, "freehold.db"))
  const sealedKey = new Vault(storeKey).seal("a private key", "certificates/www.example.com")
  await db
    .insertInto("certificates")
    .values({
      hostname: "www.example.com",
      issuer: "internal",
      chain: "chain",
      createdAt: 1,
      sealedKey,
      notBefore: 1,
      notAfter: 2,
      renewAt: 3,
    })
    .execute()
  await db.destroy()
}
