import type { Holding } from "../accounts/administration"
import { parseScopes } from "../accounts/scopes"
import type { ConfigInForce } from "../config"
import type { DataFolder } from "../data-folder"
import type { Db } from "../db/open"
import { AppError } from "../errors"
import type { Log } from "../log"
import { StorageAccess, type StorageDoor } from "../storage/access"
import { AccessKeys } from "../storage/access-keys"
import { Allowance } from "../storage/allowance"
import { Blobs } from "../storage/blobs"
import { Files } from "../storage/files"
import { Flusher } from "../storage/flusher"
import { Moves } from "../storage/moves"
import { NamespaceStore } from "../storage/namespace-store"
import { Namespaces } from "../storage/namespaces"
import { Objects } from "../storage/objects"
import { Progress } from "../storage/progress"
import { Reader } from "../storage/reader"
import { ReferenceStore } from "../storage/reference-store"
import { ResumableUploads } from "../storage/resumable-uploads"
import { storageRoutes } from "../storage/routes"
import { Scrubber } from "../storage/scrubber"
import { SignedLinks } from "../storage/signed-links"
import { reportFault, sweep } from "../storage/sweep"
import { Uploads } from "../storage/uploads"
import { Usage } from "../storage/usage"
import { Vault } from "../vault"
import { Worker } from "../worker"
import { platformAddress } from "./platform-address"

export type StorageNeeds = {
  config: ConfigInForce
  db: Db
  folder: DataFolder
  /** Brings what the store has now to the edge, and resolves when it is live. */
  publish: () => Promise<void>
  log: Log
  now: () => number
  agingNow: () => number
}

const collectEveryMs = 10_000
const tidyEveryMs = 10 * 60_000

/** Namespaces and their objects: the core that all API families of storage stand on, and the work that it does in the background. */
export class Storage {
  readonly blobs: Blobs
  /** The store's log: what was committed is on disk when it has been flushed. */
  readonly durable: Flusher
  readonly references: ReferenceStore
  readonly namespaceStore: NamespaceStore
  readonly allowance: Allowance
  readonly objects: Objects
  readonly moves: Moves
  readonly uploads: Uploads
  readonly namespaces: Namespaces
  readonly reader: Reader
  readonly keys: AccessKeys
  readonly scrubber: Scrubber
  private progress: Progress
  private workers: Worker[]
  private sweeping: Promise<void> | undefined
  private ending = new AbortController()

  constructor(private needs: StorageNeeds) {
    const { config, db, folder, log, now } = needs
    const references = (this.references = new ReferenceStore(db))
    const { isReferenced } = references
    const blobs = (this.blobs = new Blobs({
      folder: folder.storageFolder,
      floorBytes: () => config.current.storageFloorBytes,
      isReferenced,
    }))
    const store = (this.namespaceStore = new NamespaceStore(db))
    const allowance = (this.allowance = new Allowance(store, () => config.current.storageQuotaBytes))
    const durable = (this.durable = new Flusher(`${folder.storeFile}-wal`))
    const shared = { db, blobs, allowance, durable, now }
    const objects = (this.objects = new Objects(shared))
    this.moves = new Moves(shared)
    const uploads = (this.uploads = new Uploads({ ...shared, objects }))
    this.namespaces = new Namespaces({ store, objects, uploads, onChanged: needs.publish, now })
    this.reader = new Reader(blobs, objects.segments, (hash, detail) => {
      reportFault(references, log, { hash, kind: "missing", detail, foundAt: now() }).catch((error) =>
        log.error("a fault could not be noted", { error }),
      )
    })
    this.keys = new AccessKeys({ db, vault: new Vault(folder.secret("store-key")), parseScopes, now })
    this.scrubber = new Scrubber({
      blobs,
      references,
      rate: () => config.current.storageScrubRate,
      intervalMs: () => config.current.storageScrubIntervalMs,
      log,
      now,
    })
    this.progress = new Progress({}, now)
    this.workers = [
      new Worker(
        async () => void (await blobs.collect()),
        () => collectEveryMs,
        log,
        "removing stored bytes failed",
      ),
      new Worker(
        () => this.tidy(),
        () => tidyEveryMs,
        log,
        "tidying storage failed",
      ),
      new Worker(this.scrubber.run, () => collectEveryMs, log, "reading stored bytes again failed"),
    ]
  }

  /** Uploads that nobody goes on with end. */
  private async tidy(): Promise<void> {
    const { config, agingNow } = this.needs
    await this.uploads.abortIdle(agingNow() - config.current.storageUploadExpiryMs)
  }

  /** What people own of it: deleted with everything in it. */
  readonly holdings: Holding[] = [
    {
      kind: "namespaces",
      list: async (personId) =>
        (await this.namespaces.list(personId)).map(({ id, name, objects }) => ({ id: String(id), name: `${name} (${objects} objects)` })),
      remove: async (personId, id) => {
        const found = await this.namespaceStore.get(Number(id))
        if (found === undefined || found.personId !== personId) throw new AppError("not_found", "namespace does not exist")
        await this.namespaces.deleteWhole(found)
      },
    },
    { kind: "storage_keys", list: async (personId) => (await this.keys.list(personId)).map(({ id, name }) => ({ id, name })) },
  ]

  /** The S3 door's names of buckets, of those namespaces whose names fit into one label of a hostname. */
  async bucketHosts(): Promise<string[]> {
    const { baseDomain } = this.needs.config.current
    return (await this.namespaces.all()).filter(({ name }) => isLabel(name)).map(({ name }) => `${name}.s3.${baseDomain}`)
  }

  /** The document's API over it. */
  routes(door: StorageDoor) {
    const { allowance, blobs, keys, namespaceStore, references, namespaces, objects, reader, scrubber, uploads } = this
    const { config, folder, now } = this.needs
    const files = new Files(objects)
    const find = (name: string) => namespaceStore.find(name)
    return storageRoutes({
      access: new StorageAccess(namespaces, door),
      blobs,
      files,
      floorBytes: () => config.current.storageFloorBytes,
      s3Endpoint: () => platformAddress("s3", config.current.baseDomain, config.current.httpsListen.port),
      keys,
      moves: this.moves,
      links: new SignedLinks({ secret: folder.secret("store-key"), find, isEnabled: namespaceStore.isEnabled, now }),
      namespaceStore,
      namespaces,
      objects,
      progress: this.progress,
      reader,
      references,
      resumable: new ResumableUploads({
        uploads,
        objects,
        namespaces: namespaceStore,
        expiryMs: () => config.current.storageUploadExpiryMs,
        now,
      }),
      scrubber,
      usage: new Usage(namespaceStore, allowance, files, references),
    })
  }

  start(): void {
    const { log, now } = this.needs
    this.blobs.clearIncoming()
    this.sweeping = sweep(this.blobs, this.references, log, now, this.ending.signal)
      .then(({ removed, missing }) => {
        if (removed + missing > 0) log.warn("stored bytes were compared with the store", { removed, missing })
      })
      .catch((error) => log.error("comparing stored bytes with the store failed", { error }))
    for (const worker of this.workers) worker.start()
  }

  async stop(): Promise<void> {
    this.ending.abort()
    this.progress.stop()
    await Promise.all([this.sweeping, ...this.workers.map((worker) => worker.stop())])
  }
}

const isLabel = (name: string) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
