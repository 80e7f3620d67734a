import { createWriteStream, openSync, fsyncSync, closeSync } from "node:fs"
import { mkdir, open as openFile, readdir, rename, rm, stat } from "node:fs/promises"
import { randomBytes } from "node:crypto"
import { basename, dirname, join, resolve } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { AppError } from "../errors"
import { archive, entriesBelow, type Entry } from "./archive"
import { type Manifest, manifestName } from "./manifest"
import { seal, type SealKey } from "./seal"
import { inspect, snapshot } from "./snapshot"

export type BackupOptions = {
  dataDir: string
  /** The new file, or a folder that is there: then the file is named after the moment. */
  target: string
  key: SealKey
  baseDomain: string
  version: string
  /** Secrets that were given as settings, by their names in the data folder: they are in the backup as if they lay there. */
  secrets: Record<string, string>
  objects: boolean
  volumes: boolean
  /** Of a folder: how many backups stay, this one among them. */
  keep?: number
  now: number
}

export type BackupResult = { file: string; bytes: number; manifest: Manifest; removed: string[] }

/** Names under which backups stand in the file. */
export const storeName = "freehold.db"
export const secretsPrefix = "secrets"
export const objectsPrefix = "storage/objects"
export const volumesPrefix = "volumes"

/** What of a data folder is no secret and no store: made anew, or too large to go along unasked. */
const leftOut = (name: string) =>
  name === storeName || name.startsWith(`${storeName}-`) || name.endsWith(".new") || name.endsWith(".sock") || name.startsWith(".")

/**
 * Backs up a data folder while the appliance runs: a consistent copy of the store, the secrets, and by choice files and volumes, as one encrypted file
 * that is there whole or not at all. Throws `not_found`, `invalid`, `conflict` where the file is there already.
 */
export async function writeBackup(options: BackupOptions): Promise<BackupResult> {
  const { dataDir, key, now } = options
  const isFolder = (await stat(options.target).catch(() => undefined))?.isDirectory() ?? false
  const file = resolve(isFolder ? join(options.target, nameOf(now)) : options.target)
  if (await isThere(file)) throw new AppError("conflict", `${file} is there already: a backup writes over nothing`)
  const store = join(dataDir, storeName)
  if (!(await isThere(store)))
    throw new AppError("not_found", `there is no store at ${store}: is the data folder (--data-dir) the right one?`)
  // Beside the store, so that it is as private and on a disk that has room for it.
  const work = join(dataDir, `.backup-${randomBytes(6).toString("hex")}`)
  const draft = join(dirname(file), `.${basename(file)}.part`)
  try {
    await mkdir(work, { mode: 0o700 })
    const copy = join(work, storeName)
    snapshot(store, copy)
    const facts = inspect(copy)
    const manifest: Manifest = {
      format: 1,
      freehold: options.version,
      created_at: new Date(now).toISOString(),
      base_domain: options.baseDomain,
      store: facts.newest,
      objects: options.objects,
      volumes: options.volumes,
      from_settings: Object.keys(options.secrets).sort(),
    }
    await rm(draft, { force: true })
    const sealed = await seal(archive(entries(options, manifest, copy)), key)
    await pipeline(Readable.fromWeb(sealed as never), createWriteStream(draft, { mode: 0o600, flags: "wx" }))
    await flush(draft)
    await rename(draft, file)
    flushFolder(dirname(file))
    const removed = isFolder && options.keep !== undefined ? await retire(options.target, options.keep) : []
    return { file, bytes: (await stat(file)).size, manifest, removed }
  } catch (error) {
    await rm(draft, { force: true })
    throw explained(error, file)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function* entries(options: BackupOptions, manifest: Manifest, copy: string): AsyncGenerator<Entry> {
  const { dataDir, secrets } = options
  yield { name: manifestName, text: `${JSON.stringify(manifest, null, 2)}\n` }
  yield { name: storeName, path: copy }
  for (const [name, text] of Object.entries(secrets)) yield { name: `${secretsPrefix}/${name}`, text: `${text}\n` }
  for (const one of (await readdir(dataDir, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (one.isFile() && !leftOut(one.name) && !Object.hasOwn(secrets, one.name))
      yield { name: `${secretsPrefix}/${one.name}`, path: join(dataDir, one.name) }
  if (options.objects) yield* entriesBelow(join(dataDir, objectsPrefix), objectsPrefix)
  if (options.volumes) yield* entriesBelow(join(dataDir, volumesPrefix), volumesPrefix)
}

const pattern = /^freehold-\d{8}T\d{6}Z\.age$/

/** Whether a file is called as backups of a folder are. */
export const isBackupName = (name: string): boolean => pattern.test(name)

const nameOf = (now: number) => `freehold-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}.age`

/** Removes the oldest backups of a folder, by their names; nothing else in it. */
async function retire(folder: string, keep: number): Promise<string[]> {
  const found = (await readdir(folder)).filter((name) => pattern.test(name)).sort()
  const gone = found.slice(0, Math.max(found.length - keep, 0))
  for (const name of gone) await rm(join(folder, name), { force: true })
  return gone
}

/** Whether anything stands at a path. */
export const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined

async function flush(path: string): Promise<void> {
  const handle = await openFile(path, "r+")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function flushFolder(path: string): void {
  const handle = openSync(path, "r")
  fsyncSync(handle)
  closeSync(handle)
}

function explained(error: unknown, file: string): unknown {
  const reason = {
    ENOENT: "its folder does not exist",
    EACCES: "that is not permitted",
    ENOSPC: "the disk is full",
    EROFS: "the disk is read-only",
  }[(error as NodeJS.ErrnoException).code ?? ""]
  return reason === undefined ? error : new AppError("invalid", `${file} cannot be written: ${reason}`, { cause: error })
}
