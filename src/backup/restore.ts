import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { AppError } from "../errors"
import { Vault } from "../vault"
import { copiesName, copyKeyName, isThere, objectsPrefix, secretsPrefix, storeName, volumesPrefix } from "./backup"
import { checkCopies, type Fetched, fetchCopies } from "./fetch-copies"
import type { Destination } from "./destination"
import { type Manifest, manifestName, parseManifest } from "./manifest"
import { isBackupName } from "./names"
import { openDestination, splitPlace } from "./open-destination"
import type { S3Access } from "./s3-bucket"
import { open, type OpenKey } from "./seal"
import { inspect, sealedSamples, type StoreFacts } from "./snapshot"
import { referredObjects } from "./snapshot-objects"
import { unpack } from "./unpack"

export type RestoreOptions = {
  /** A backup, or a place of many, of which the newest is taken: a path, or `s3://bucket/…`. */
  file: string
  s3?: S3Access
  key: OpenKey
  /** Missing or empty; nothing is ever written over. */
  dataDir: string
  /** Migrations that this binary knows: a store of a newer one is refused. */
  migrations: readonly string[]
  /** Proves that it can be restored, and leaves nothing behind. */
  isCheck: boolean
  /** With `isCheck`: the content of every stored file beside it is read, not of some. */
  isThorough?: boolean
  /** Restores what is there although stored files are missing or damaged at the destination. */
  skipsMissing?: boolean
}

export type RestoreResult = {
  file: string
  manifest: Manifest
  facts: StoreFacts
  files: number
  /** Stored files: how many the store refers to, how many have come or were found in place, how many were read and compared with their hash. */
  objects: { referred: number; present: number; compared: number; missing: string[] }
  dataDir: string | undefined
}

/**
 * Restores a data folder from a backup, or proves that this could be done: all of it is decrypted and unpacked, the store's integrity is checked, a
 * sealed key is opened with the secrets that came along, and each stored file is compared with its hash. The folder is there whole or not at all; stored
 * files that were fetched before something broke off are used by the next try. Throws `invalid`, `not_found`, `conflict`.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { key, isCheck } = options
  const dataDir = resolve(options.dataDir)
  const { destination, name } = await findBackup(options.file, options.s3)
  const file = `${destination.shown}/${name}`
  const isPresent = await isThere(dataDir)
  if (!isCheck && isPresent && (await readdir(dataDir)).some((one) => !one.startsWith(workPrefix)))
    throw new AppError("conflict", `${dataDir} is not empty: a restore writes over nothing. Stop Freehold and move the folder away first.`)
  // On the disk where it will stay, which for a mount point is that of the folder itself; the same again for the same backup.
  const own = `${workPrefix}${createHash("sha256").update(file).digest("hex").slice(0, 12)}`
  const work = isCheck ? join(tmpdir(), `${own}-${process.pid}`) : join(isPresent ? dataDir : dirname(dataDir), own)
  await mkdir(work, { recursive: true, mode: 0o700 })
  await removeAllBut(work, objectsPrefix)
  let mayGoOn = false
  try {
    const { names, damaged } = await unpack(await open(await destination.get(name), key), {
      folder: work,
      isWanted: isKnown,
      keepsOwner: (one) => one === volumesPrefix || one.startsWith(`${volumesPrefix}/`),
      ...(isCheck ? { isDrained: (one: string) => one.startsWith(`${objectsPrefix}/`) || one.startsWith(`${volumesPrefix}/`) } : {}),
      sumOf: (one) => (one.startsWith(`${objectsPrefix}/`) ? one.slice(-64) : undefined),
    })
    const manifest = parseManifest(await readFile(join(work, manifestName), "utf8").catch(() => ""))
    if (!options.migrations.includes(manifest.store))
      throw new AppError(
        "invalid",
        `this backup was made by Freehold ${manifest.freehold}, whose store is newer than this binary knows (${manifest.store}): install that version or a later one, then restore`,
      )
    const facts = inspect(join(work, storeName))
    await checkSecrets(work)
    const objects = {
      referred: count(referredObjects(join(work, storeName))),
      present: 0,
      compared: 0,
      missing: damaged.map((one) => one.slice(-64)),
    }
    if (manifest.objects === "inside")
      objects.present = objects.compared = names.filter((one) => one.startsWith(`${objectsPrefix}/`)).length
    if (manifest.objects === "beside") {
      mayGoOn = !isCheck
      Object.assign(objects, await copiesOf(options, destination, work))
    }
    if (objects.missing.length > 0 && options.skipsMissing !== true) throw lost(objects.missing, file, isCheck)
    const result = { file, manifest, facts, files: names.length, objects }
    mayGoOn = false
    if (isCheck) return { ...result, dataDir: undefined }
    await arrange(work)
    // An empty folder may be a mount point, so it is filled rather than replaced.
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    for (const one of await readdir(work)) await rename(join(work, one), join(dataDir, one))
    return { ...result, dataDir }
  } catch (error) {
    if (mayGoOn) await removeAllBut(work, objectsPrefix)
    if (!mayGoOn || !(error instanceof AppError) || (await countFiles(join(work, objectsPrefix))) === 0) throw error
    throw new AppError(error.code, `${error.message} (what has come stays in ${work}, and the same command goes on with it)`, {
      cause: error,
    })
  } finally {
    if (!mayGoOn) await rm(work, { recursive: true, force: true })
  }
}

const workPrefix = ".restore-"

/** The backup that is meant: one by its name, or the newest of a place. Throws `not_found`. */
export async function findBackup(file: string, s3: S3Access | undefined): Promise<{ destination: Destination; name: string }> {
  const isS3 = /^s3:/i.test(file)
  const isOne = isS3 ? file.endsWith(".age") : (await stat(file).catch(() => undefined))?.isDirectory() !== true
  if (isOne) {
    const { place, name } = splitPlace(isS3 ? file : resolve(file))
    return { destination: openDestination(place, s3), name }
  }
  const destination = openDestination(file, s3)
  let newest = ""
  for await (const { name } of destination.list()) if (isBackupName(name) && name > newest) newest = name
  if (newest === "") throw new AppError("not_found", `there is no backup of Freehold at ${destination.shown}`)
  return { destination, name: newest }
}

async function copiesOf(options: RestoreOptions, destination: Destination, work: string): Promise<Fetched> {
  const inside = await readFile(join(work, secretsPrefix, copyKeyName), "utf8").catch(() => "")
  const identities = [...("identities" in options.key ? options.key.identities : []), ...(inside === "" ? [] : [inside.trim()])]
  const needs = { list: join(work, copiesName), store: join(work, storeName), destination, identities }
  return options.isCheck
    ? checkCopies({ ...needs, isThorough: options.isThorough === true, folder: join(work, objectsPrefix) })
    : fetchCopies({ ...needs, folder: join(work, objectsPrefix) })
}

function lost(missing: string[], file: string, isCheck: boolean): AppError {
  const many = missing.length === 1 ? "1 stored file is" : `${missing.length} stored files are`
  const way = isCheck ? "" : "; --skip-missing restores all the others"
  return new AppError("invalid", `${many} missing or damaged in ${file} or beside it, the first by the hash ${missing[0]}${way}`)
}

const isKnown = (name: string) =>
  name === manifestName ||
  name === storeName ||
  name === copiesName ||
  // None that takes the place of something that is no secret.
  (new RegExp(`^${secretsPrefix}/[\\w.-]+$`).test(name) && !new RegExp(`^${secretsPrefix}/(freehold\\.db|storage$|volumes$)`).test(name)) ||
  new RegExp(`^${objectsPrefix}/([0-9a-f]{2})/\\1[0-9a-f]{62}$`).test(name) ||
  name.startsWith(`${volumesPrefix}/`)

function count(all: Iterable<unknown>): number {
  let number = 0
  for (const _ of all) number++
  return number
}

const countFiles = async (folder: string) => ((await readdir(folder, { recursive: true }).catch(() => [])) as string[]).length

/** Empties a folder but for one below it. */
async function removeAllBut(folder: string, kept: string): Promise<void> {
  const [first = "", ...rest] = kept.split("/")
  for (const one of await readdir(folder).catch(() => [] as string[])) {
    if (one !== first) await rm(join(folder, one), { recursive: true, force: true })
    else if (rest.length > 0) await removeAllBut(join(folder, one), rest.join("/"))
  }
}

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
  await rm(join(work, copiesName), { force: true })
}
