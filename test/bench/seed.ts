import { Database } from "bun:sqlite"
import { randomBytes } from "node:crypto"
import { AccountStore } from "../../src/accounts/store"
import { DataFolder } from "../../src/data-folder"
import { openDatabase } from "../../src/db/open"
import { Vault } from "../../src/vault"
import { type Backend, echoLabel, sinkLabel } from "./backend"
import { type SharedCertificate, zone } from "./certificate"

/** The person who owns everything that is seeded. */
export const owner = { username: "bench", password: "a password for the benchmark" }

export type Seed = {
  dataDir: string
  backend: Backend
  certificate: SharedCertificate
  /** How many names `h0001.…`, `h0002.…` are mapped to the small back end. */
  names: number
  /** Under whose name certificates are stored; another than the name's own issuer would have them replaced. */
  issuer?: string
  /** Where the names lie; default the zone of the shared certificate. */
  below?: string
}

/** The hostname with a number from 1 on. */
export const hostname = (number: number, below = zone) => `h${String(number).padStart(4, "0")}.${below}`

/** The id of the container that leads to the back end: its three servers at ports 80, 8001 and 8002. */
export const containerId = "0be9c400"

/**
 * Fills a fresh data folder as the product would have: the owner, one external container, verified mappings, and for each its stored
 * certificate with the sealed key. Columns are named one by one, so that new ones with defaults do not matter.
 */
export async function seedDataFolder(seed: Seed): Promise<void> {
  const folder = new DataFolder(seed.dataDir)
  const db = await openDatabase(folder.storeFile)
  const now = Date.now()
  const personId = randomBytes(8).toString("hex")
  const passwordHash = await Bun.password.hash(owner.password, "argon2id")
  const person = {
    id: personId,
    username: owner.username,
    displayName: owner.username,
    passwordHash,
    isAdmin: 1,
    createdAt: now,
    disabledAt: null,
  }
  await new AccountStore(db).insertPerson(person)
  await db.destroy()
  const sqlite = new Database(folder.storeFile, { strict: true })
  try {
    sqlite.transaction(() => insert(sqlite, seed, personId, new Vault(folder.secret("store-key")), now))()
  } finally {
    sqlite.close()
  }
}

function insert(sqlite: Database, seed: Seed, personId: string, vault: Vault, now: number): void {
  const { backend, certificate, below = zone, issuer = "internal" } = seed
  const ports = JSON.stringify({ 80: backend.small, 8001: backend.sink, 8002: backend.echo })
  sqlite
    .query(
      `INSERT INTO containers (id, person_id, name, kind, image, memory_mb, storage_gb, instance_type, pull_policy, desired, status, address, ports, created_at)
       VALUES (?, ?, 'back end', 'external', NULL, 0, 0, '', '', 'running', 'running', '127.0.0.1', ?, ?)`,
    )
    .run(containerId, personId, ports, now)
  const mapping = sqlite.query(
    `INSERT INTO domain_mappings
       (id, person_id, domain, container_id, target_port, status, verify_token, proof, window_started_at, next_check_at, checks, created_at, verified_at)
     VALUES (?, ?, ?, ?, ?, 'verified', ?, 'private', ?, ?, 0, ?, ?)`,
  )
  const stored = sqlite.query(
    `INSERT INTO certificates (hostname, holder, issuer, chain, sealed_key, not_before, not_after, renew_at, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const month = 30 * 86_400_000
  const add = (host: string, targetPort: number) => {
    const id = `dom_${randomBytes(12).toString("hex")}`
    mapping.run(id, personId, host, containerId, targetPort, `edd-verify-${randomBytes(20).toString("hex")}`, now, now, now, now)
    const sealed = vault.seal(certificate.keyPem, `certificates/${host}`)
    stored.run(host, personId, issuer, certificate.certificatePem, sealed, now - 60_000, now + month, now + (month * 2) / 3, now)
  }
  add(`${sinkLabel}.${below}`, 8001)
  add(`${echoLabel}.${below}`, 8002)
  for (let number = 1; number <= seed.names; number++) add(hostname(number, below), 80)
}
