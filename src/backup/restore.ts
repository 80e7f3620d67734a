import { createReadStream } from "node:fs"
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { Readable } from "node:stream"
import { AppError } from "../errors"
import { Vault } from "../vault"
import { unpack } from "./archive"
import { isThere, objectsPrefix, secretsPrefix, storeName, volumesPrefix } from "./backup"
import { type Manifest, manifestName, parseManifest } from "./manifest"
import { open, type OpenKey } from "./seal"
import { inspect, sealedSamples, type StoreFacts } from "./snapshot"

export type RestoreOptions = {
  file: string
  key: OpenKey
  /** Missing or empty; nothing is ever written over. */
  dataDir: string
  /** Migrations that this binary knows: a store of a newer one is refused. */
  migrations: readonly string[]
  /** Proves that it can be restored, and leaves nothing behind. */
  isCheck: boolean
}

export type RestoreResult = { manifest: Manifest; facts: StoreFacts; files: number; dataDir: string | undefined }

/**
 * Restores a data folder from a backup, or proves that this could be done: all of it is decrypted and unpacked, the store's integrity is checked, and a
 * sealed key is opened with the secrets that came along. The folder is there whole or not at all. Throws `invalid`, `not_found`, `conflict`.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { file, key, isCheck } = options
  const dataDir = resolve(options.dataDir)
  if ((await stat(file).catch(() => undefined))?.isFile() !== true) throw new AppError("not_found", `there is no file ${file}`)
  if (!isCheck && (await isFilled(dataDir)))
    throw new AppError("conflict", `${dataDir} is not empty: a restore writes over nothing. Stop Freehold and move the folder away first.`)
  // On the disk where it will stay, which for a mount point is that of the folder itself.
  const name = `.restore-${randomBytes(6).toString("hex")}`
  const work = !isCheck && (await isThere(dataDir)) ? join(dataDir, name) : join(isCheck ? tmpdir() : dirname(dataDir), name)
  await mkdir(work, { recursive: true, mode: 0o700 })
  try {
    const sealed = Readable.toWeb(createReadStream(file, { highWaterMark: 1024 * 1024 })) as unknown as ReadableStream<Uint8Array>
    const names = await unpack(await open(sealed, key), work, isKnown)
    const manifest = parseManifest(await readFile(join(work, manifestName), "utf8").catch(() => ""))
    if (!options.migrations.includes(manifest.store))
      throw new AppError(
        "invalid",
        `this backup was made by Freehold ${manifest.freehold}, whose store is newer than this binary knows (${manifest.store}): install that version or a later one, then restore`,
      )
    const facts = inspect(join(work, storeName))
    await checkSecrets(work)
    if (isCheck) return { manifest, facts, files: names.length, dataDir: undefined }
    await arrange(work)
    // An empty folder may be a mount point, so it is filled rather than replaced.
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    for (const name of await readdir(work)) await rename(join(work, name), join(dataDir, name))
    return { manifest, facts, files: names.length, dataDir }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const isKnown = (name: string) =>
  name === manifestName ||
  name === storeName ||
  new RegExp(`^${secretsPrefix}/[\\w.-]+$`).test(name) ||
  new RegExp(`^${objectsPrefix}/[0-9a-f]{2}/[0-9a-f]{64}$`).test(name) ||
  name.startsWith(`${volumesPrefix}/`)

const isFilled = async (folder: string) => ((await readdir(folder).catch(() => [])) as string[]).length > 0

/** What the store has sealed must open with the secrets beside it, or the backup would be of no use. */
async function checkSecrets(work: string): Promise<void> {
  for (const { secret, place, sealed } of sealedSamples(join(work, storeName))) {
    const key = await readFile(join(work, secretsPrefix, secret), "utf8").catch(() => "")
    try {
      new Vault(key.trim()).open(sealed, place)
    } catch (error) {
      throw new AppError("invalid", `what ${place} has sealed does not open: its ${secret} is not in this backup, or is another one`, {
        cause: error,
      })
    }
  }
}

/** Puts what was unpacked where a data folder has it. */
async function arrange(work: string): Promise<void> {
  const secrets = join(work, secretsPrefix)
  for (const name of await readdir(secrets)) await rename(join(secrets, name), join(work, name))
  await rm(secrets, { recursive: true })
  await rm(join(work, manifestName))
}
