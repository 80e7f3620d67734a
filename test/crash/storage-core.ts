import { Storage } from "../../src/app/storage"
import type { ConfigInForce } from "../../src/config"
import { DataFolder } from "../../src/data-folder"
import { type Db, openDatabase } from "../../src/db/open"
import { createLog } from "../../src/log"
import type { Namespace } from "../../src/storage/model"

/** The core as the appliance has it, on a data folder. */
export type Core = {
  storage: Storage
  db: Db
  logged: string[]
  plain: Namespace
  kept: Namespace
  swept: Promise<void>
  close(): Promise<void>
}

/** Opens the folder, filling in a person and two namespaces where they are missing: `plain` without versions, `kept` with them. */
export async function openCore(folder: string): Promise<Core> {
  const logged: string[] = []
  const data = new DataFolder(folder)
  const db = await openDatabase(data.storeFile)
  const settings = {
    storageFloorBytes: 0,
    storageQuotaBytes: 0,
    storageUploadExpiryMs: 86_400_000,
    storageScrubIntervalMs: 86_400_000,
    storageScrubRate: 2 ** 30,
  }
  const config = { current: settings } as ConfigInForce
  const storage = new Storage({
    config,
    db,
    folder: data,
    log: createLog("warn", (line) => logged.push(line)),
    publish: async () => {},
    now: Date.now,
    agingNow: Date.now,
  })
  const person = { id: "ann", username: "ann", displayName: "Ann", passwordHash: "", isAdmin: 0, createdAt: 0 }
  await db
    .insertInto("people")
    .values(person)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const namespace = async (name: string) => (await storage.namespaceStore.find(name)) ?? storage.namespaces.create("ann", name)
  const plain = await namespace("plain")
  const kept = await storage.namespaces.update(await namespace("kept"), { versioning: "enabled" })
  storage.start()
  const swept = storage["sweeping"] ?? Promise.resolve()
  const close = async () => {
    await storage.stop()
    await db.destroy()
  }
  return { storage, db, logged, plain, kept, swept, close }
}
