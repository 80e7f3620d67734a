import { chmod, lstat, mkdir, mkdtemp, open as openFile, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { AppError } from "../errors"
import { Vault } from "../vault"
import { copiesName, copyKeyName, isSecretName, isThere, objectsPrefix, secretsPrefix, storeName, volumesPrefix } from "./backup"
import { checkCopies, type Fetched, fetchCopies } from "./fetch-copies"
import type { Destination } from "./destination"
import { reasonOf } from "./folder-destination"
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
  try {
    return await restore(options)
  } catch (error) {
    const reason = reasonOf(error)
    if (error instanceof AppError || reason === undefined) throw error
    throw new AppError("invalid", `${(error as NodeJS.ErrnoException).path ?? options.dataDir} cannot be written: ${reason}`, {
      cause: error,
    })
  }
}

async function restore(options: RestoreOptions): Promise<RestoreResult> {
  const { key, isCheck } = options
  const dataDir = resolve(options.dataDir)
  const { destination, name } = await findBackup(options.file, options.s3)
  const file = `${destination.shown}/${name}`
  const isPresent = await isThere(dataDir)
  if (!isCheck && isPresent && (await readdir(dataDir)).some((one) => !one.startsWith(workPrefix)))
    throw new AppError("conflict", `${dataDir} is not empty: a restore writes over nothing. Stop Freehold and move the folder away first.`)
  // On the disk where it will stay, which for a mount point is that of the folder itself; the same again for the same backup.
  const own = `${workPrefix}${createHash("sha256").update(file).digest("hex").slice(0, 12)}`
  // Everybody may write to the folder of temporary files: a name that can be guessed could be a link of theirs.
  const work = isCheck ? await mkdtemp(join(tmpdir(), workPrefix)) : await ownFolder(join(isPresent ? dataDir : dirname(dataDir), own))
  await removeAllBut(work, objectsPrefix)
  let mayGoOn = false
  try {
    const { files, compared, damaged } = await unpack(await open(await destination.get(name), key), {
      folder: work,
      isWanted: isKnown,
      keepsOwner: (one) => one === volumesPrefix || one.startsWith(`${volumesPrefix}/`),
      isDrained: (one) => isLeftOver(one) || (isCheck && (one.startsWith(`${objectsPrefix}/`) || one.startsWith(`${volumesPrefix}/`))),
      mostBytes: (one) => (one === manifestName ? mostManifestBytes : undefined),
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
    if (manifest.objects === "inside") objects.present = objects.compared = compared
    if (manifest.objects === "beside") {
      mayGoOn = !isCheck
      Object.assign(objects, await copiesOf(options, destination, work))
    }
    if (objects.missing.length > 0 && options.skipsMissing !== true) throw lost(objects.missing, file, isCheck)
    const result = { file, manifest, facts, files, objects }
    mayGoOn = false
    if (isCheck) return { ...result, dataDir: undefined }
    await arrange(work)
    await settle(work, dataDir, isPresent)
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
/** Ours have some hundred bytes. */
const mostManifestBytes = 64 * 1024

/** A folder that is ours alone, made here or by an earlier try. Throws `conflict` where something else has its name. */
async function ownFolder(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error
  })
  const found = await lstat(path)
  if (!found.isDirectory() || found.uid !== process.geteuid?.())
    throw new AppError("conflict", `${path} was made by somebody else: look what it is and remove it, then restore`)
  await chmod(path, 0o700)
  return path
}

/** Puts what was arranged in its place, for a power cut too. The store comes last where there is a folder: without it nothing else is taken for a data folder. */
async function settle(work: string, dataDir: string, isPresent: boolean): Promise<void> {
  await flushFolders(work)
  if (!isPresent) {
    await rename(work, dataDir)
    return flushFolder(dirname(dataDir))
  }
  // An empty folder may be a mount point, so it is filled rather than replaced.
  await chmod(dataDir, 0o700)
  for (const one of await readdir(work)) if (one !== storeName) await rename(join(work, one), join(dataDir, one))
  await flushFolder(dataDir)
  await rename(join(work, storeName), join(dataDir, storeName))
  // Of other backups, which were given up.
  for (const one of await readdir(dataDir)) if (one.startsWith(workPrefix)) await rm(join(dataDir, one), { recursive: true, force: true })
  await flushFolder(dataDir)
}

async function flushFolders(folder: string): Promise<void> {
  for (const one of await readdir(folder, { withFileTypes: true }).catch(() => []))
    if (one.isDirectory()) await flushFolders(join(folder, one.name))
  await flushFolder(folder)
}

/** One that its owner may not read is flushed with the disk. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await openFile(folder, "r").catch(() => undefined)
  await handle?.sync().finally(() => handle.close())
}

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
  isSecret(name) ||
  isLeftOver(name) ||
  new RegExp(`^${objectsPrefix}/([0-9a-f]{2})/\\1[0-9a-f]{62}$`).test(name) ||
  name.startsWith(`${volumesPrefix}/`)

const isSecret = (name: string) => name.startsWith(`${secretsPrefix}/`) && isSecretName(name.slice(secretsPrefix.length + 1))

/** What earlier versions took for a secret and is none, such as `freehold.db.bak` in the data folder; it is not restored. */
const isLeftOver = (name: string) =>
  name.startsWith(`${secretsPrefix}/`) &&
  !isSecret(name) &&
  !name.slice(secretsPrefix.length + 1).includes("/") &&
  !new RegExp(`^${secretsPrefix}/(freehold\\.db(-.*)?|storage|volumes)$`).test(name)

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
