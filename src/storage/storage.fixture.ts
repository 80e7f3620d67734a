import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Db, openDatabase } from "../db/open"
import { createLog } from "../log"
import { Allowance } from "./allowance"
import { Blobs } from "./blobs"
import { Flusher } from "./flusher"
import type { Namespace } from "./model"
import { Moves } from "./moves"
import { NamespaceStore } from "./namespace-store"
import { Namespaces } from "./namespaces"
import { Objects } from "./objects"
import { Reader } from "./reader"
import { ReferenceStore } from "./reference-store"
import { Uploads } from "./uploads"

let blank: Promise<Uint8Array> | undefined

async function blankStore(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "freehold-storage-"))
  const db = await openDatabase(join(folder, "freehold.db"))
  await db.destroy()
  const bytes = await Bun.file(join(folder, "freehold.db")).bytes()
  rmSync(folder, { recursive: true })
  return bytes
}

/** The core of storage over a real store and a folder of its own; `ann` and `bob` are there. */
export class StorageHouse {
  logged: string[] = []
  faults: string[] = []
  floorBytes = 0
  freeBytes = Number.MAX_SAFE_INTEGER
  quotaBytes = 0
  time = 1_800_000_000_000
  blobs!: Blobs
  references!: ReferenceStore
  store!: NamespaceStore
  objects!: Objects
  moves!: Moves
  uploads!: Uploads
  namespaces!: Namespaces
  reader!: Reader
  log = createLog("debug", (line) => this.logged.push(line))

  private constructor(
    readonly folder: string,
    readonly db: Db,
  ) {
    this.start()
  }

  /** In a folder of its own below `parent`. */
  static async open(parent = tmpdir()): Promise<StorageHouse> {
    const folder = mkdtempSync(join(parent, "freehold-storage-"))
    // All migrations take a while, so one store is made for all houses of a process.
    blank ??= blankStore()
    await Bun.write(join(folder, "freehold.db"), await blank)
    const db = await openDatabase(join(folder, "freehold.db"))
    const people = ["ann", "bob"].map((id) => ({ id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 0 }))
    await db.insertInto("people").values(people).execute()
    return new StorageHouse(folder, db)
  }

  /** As a new process on the same store and folder. */
  start(): void {
    const { db } = this
    const now = () => this.time
    this.references = new ReferenceStore(db)
    this.store = new NamespaceStore(db)
    this.blobs = new Blobs({
      folder: join(this.folder, "storage"),
      floorBytes: () => this.floorBytes,
      freeBytes: () => this.freeBytes,
      isReferenced: this.references.isReferenced,
    })
    const shared = {
      db,
      blobs: this.blobs,
      allowance: new Allowance(this.store, () => this.quotaBytes),
      durable: new Flusher(join(this.folder, "freehold.db-wal")),
      now,
    }
    this.objects = new Objects(shared)
    this.moves = new Moves(shared)
    this.uploads = new Uploads({ ...shared, objects: this.objects })
    this.namespaces = new Namespaces({ store: this.store, objects: this.objects, uploads: this.uploads, now })
    this.reader = new Reader(this.blobs, this.objects.segments, (hash) => this.faults.push(hash))
  }

  async close(): Promise<void> {
    await this.db.destroy()
    rmSync(this.folder, { recursive: true })
  }

  namespace(name = "photos", personId = "ann"): Promise<Namespace> {
    return this.namespaces.create(personId, name)
  }

  /** As it stands now. */
  async now(namespace: Namespace): Promise<Namespace> {
    return (await this.store.get(namespace.id)) as Namespace
  }

  async text(namespace: Namespace, key: string): Promise<string> {
    return new Response(await this.reader.open(await this.objects.get(namespace, key))).text()
  }

  /** Hashes of what lies on disk. */
  onDisk(): string[] {
    return Array.from({ length: 256 }, (_, shard) => this.blobs.names(shard.toString(16).padStart(2, "0"))).flat()
  }
}

/** A body of these chunks. */
export async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? new TextEncoder().encode(part) : part
}
