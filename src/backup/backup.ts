import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises"
import { randomBytes } from "node:crypto"
import { join, resolve } from "node:path"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { ballastName } from "../ballast"
import { writePrivate } from "../data-folder"
import { AppError, describeError } from "../errors"
import { archive, entriesBelow, type Entry, sizeOf } from "./archive"
import { copyObjects, type CopyResult } from "./copies"
import type { Destination } from "./destination"
import { lockName, takeLock } from "./lock"
import { type Manifest, manifestName, type ObjectsPlace } from "./manifest"
import { backupName, listNameOf } from "./names"
import { openDestination, splitPlace } from "./open-destination"
import { ownerLine, ownerOf, storeKeyOf } from "./owner"
import { retire, type RetentionRule } from "./retention"
import { onRecord, readRuns, recordName } from "./run-record"
import type { S3Access } from "./s3-bucket"
import { seal, type SealKey } from "./seal"
import { inspect, snapshot } from "./snapshot"

export type BackupOptions = {
  dataDir: string
  /** A new file, or a place for many: a folder that is there, or `s3://bucket/prefix`. There the file is named after the moment. */
  target: string
  s3?: S3Access
  key: SealKey
  baseDomain: string
  version: string
  /** Secrets that were given as settings, by their names in the data folder: they are in the backup as if they lay there. */
  secrets: Record<string, string>
  /** Undefined: beside the backups of a place for many, and not kept with a single file. */
  objects?: ObjectsPlace
  volumes: boolean
  /** Of a place for many: how many backups stay, this one among them. */
  keep?: number
  now: number
}

export type BackupResult = {
  file: string
  bytes: number
  manifest: Manifest
  removed: string[]
  removedCopies: number
  /** Why what is too old is still there; undefined where all went well. The backup itself is there in any case. */
  keepProblem: string | undefined
  /** Of stored files beside the backup; undefined where they are elsewhere. */
  copies: { count: number; bytes: number; added: number; addedBytes: number; missing: string[] } | undefined
}

/** Names under which backups stand in the file. */
export const storeName = "freehold.db"
export const secretsPrefix = "secrets"
export const objectsPrefix = "storage/objects"
export const volumesPrefix = "volumes"
export const copiesName = "copies.txt"
/** With a passphrase, the key of the copies beside a backup: trying a passphrase for each of them would take a second each. */
export const copyKeyName = "backup-object-key"

const workPrefix = ".backup-"

/**
 * Whether a file of a data folder goes along as a secret. What is made anew does not, nor a copy of the store that somebody put aside, nor what has a
 * name that Freehold gives to nothing: a restore takes the same names and no others.
 */
export const isSecretName = (name: string): boolean =>
  /^[\w-][\w.-]{0,199}$/.test(name) &&
  !name.startsWith(storeName) &&
  !/\.(new|sock)$/.test(name) &&
  ![lockName, recordName, ballastName, "storage", volumesPrefix, secretsPrefix, manifestName, copiesName].includes(name)

type Place = { destination: Destination; name: string; isForMany: boolean }

/**
 * Backs up a data folder while the appliance runs: a consistent copy of the store, the secrets, and by choice files and volumes, as one encrypted file
 * that is there whole or not at all. Throws `not_found`, `invalid`, `conflict` where the file is there already or another backup is under way.
 */
export async function writeBackup(options: BackupOptions): Promise<BackupResult> {
  await checkFolder(options.dataDir)
  const free = takeLock(options.dataDir)
  try {
    const place = await placeOf(options)
    const to = place.isForMany ? place.destination.shown : `${place.destination.shown}/${place.name}`
    return await onRecord(options.dataDir, to, Date.now, () => write(options, place))
  } finally {
    free()
  }
}

async function write(options: BackupOptions, { destination, name, isForMany }: Place): Promise<BackupResult> {
  const { dataDir, key, keep, now } = options
  const objects = options.objects ?? (isForMany ? "beside" : "none")
  if (objects === "beside" && !isForMany)
    throw new AppError(
      "invalid",
      `${options.target} is no folder that is there: make it or mount it, or name s3://bucket/prefix; stored files beside a backup need a place for many`,
    )
  for (const one of await readdir(dataDir)) if (one.startsWith(workPrefix)) await rm(join(dataDir, one), { recursive: true, force: true })
  if (isForMany) await destination.prepare()
  // Beside the store, so that it is as private and on a disk that has room for it.
  const work = join(dataDir, `${workPrefix}${randomBytes(6).toString("hex")}`)
  try {
    await mkdir(work, { mode: 0o700 })
    const copy = join(work, storeName)
    snapshot(join(dataDir, storeName), copy)
    const manifest: Manifest = {
      format: 2,
      freehold: options.version,
      created_at: new Date(now).toISOString(),
      base_domain: options.baseDomain,
      store: inspect(copy).newest,
      objects,
      volumes: options.volumes,
      from_settings: Object.keys(options.secrets).sort(),
    }
    const storeKey = await storeKeyOf(dataDir)
    const owner = storeKey === undefined ? undefined : ownerOf(storeKey)
    const copies = objects === "beside" ? await copyBeside(options, storeKey, { copy, work, destination, name }) : undefined
    // The list says that nothing is needed: without one, retention would have to think that everything is.
    if (isForMany && copies === undefined) await putEmptyList(destination, name, owner)
    const contents = () => entries(options, manifest, copy, copies?.list)
    const expected = await sizeOf(contents())
    const bytes = await destination.put(name, await seal(archive(contents()), key), expected)
    const retired = isForMany && keep !== undefined ? await retiredBy(destination, { keep, made: name, owner, now }) : nothingRetired
    return { file: `${destination.shown}/${name}`, bytes, manifest, ...retired, copies: copies && withoutList(copies) }
  } catch (error) {
    if (isForMany) await withdraw(destination, name)
    throw explained(error, dataDir)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const nothingRetired = { removed: [], removedCopies: 0, keepProblem: undefined }

/** The backup is there already, so that what goes wrong here must not count as a failure of it, which would be tried again. */
const retiredBy = (destination: Destination, rule: RetentionRule) =>
  retire(destination, rule).then(
    (retired) => ({ ...retired, keepProblem: undefined }),
    (error) => ({ ...nothingRetired, keepProblem: describeError(error) }),
  )

async function putEmptyList(destination: Destination, name: string, owner: string | undefined): Promise<void> {
  const list = new Blob(owner === undefined ? [] : [`${ownerLine(owner)}\n`])
  await destination.put(listNameOf(name), list.stream(), list.size)
}

/** A list without a backup would keep copies for a week; where the place does not answer, it does. */
async function withdraw(destination: Destination, name: string): Promise<void> {
  try {
    for await (const file of destination.list()) if (file.name === name) return
    await destination.remove(listNameOf(name))
  } catch {}
}

/** The store must be there, and the files that are made beside it must belong to whom the server runs as. */
async function checkFolder(dataDir: string): Promise<void> {
  const store = join(dataDir, storeName)
  const found = await stat(store).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EACCES")
      throw new AppError(
        "forbidden",
        `${dataDir} is closed for this user: run this as the user that Freehold runs as, such as with runuser or sudo -u`,
      )
  })
  if (found === undefined) throw new AppError("not_found", `there is no store at ${store}: is the data folder (--data-dir) the right one?`)
  if (process.getuid?.() === 0 && found.uid !== 0)
    throw new AppError("invalid", `${store} belongs to user ${found.uid}: run this as that user, such as with runuser or sudo -u`)
}

/** The name of the moment, or of the first second after it that no backup of this data folder has there yet. */
function freeName(dataDir: string, shown: string, now: number): string {
  const taken = new Set(readRuns(dataDir).map(({ file }) => file))
  let moment = now
  while (taken.has(`${shown}/${backupName(moment)}`)) moment += 1000
  return backupName(moment)
}

async function placeOf({ dataDir, target, s3, keep, now }: BackupOptions): Promise<Place> {
  const isS3 = /^s3:/i.test(target)
  const isForMany = isS3 ? !target.endsWith(".age") : ((await stat(target).catch(() => undefined))?.isDirectory() ?? false)
  // Such as a disk that is not mounted: a file in its place would be in the way of all that come after it.
  if (!isForMany && keep !== undefined)
    throw new AppError(
      "not_found",
      `${isS3 ? target : resolve(target)} is no folder that is there, and only in one can several be kept: make it, or mount it`,
    )
  if (isForMany) {
    const destination = openDestination(target, s3)
    return { destination, name: freeName(dataDir, destination.shown, now), isForMany }
  }
  const { place, name } = splitPlace(isS3 ? target : resolve(target))
  return { destination: openDestination(place, s3), name, isForMany }
}

async function copyBeside(
  { dataDir, key }: BackupOptions,
  storeKey: string | undefined,
  at: { copy: string; work: string; destination: Destination; name: string },
): Promise<CopyResult> {
  if (storeKey === undefined) throw new AppError("not_found", `${join(dataDir, "store-key")} cannot be read: it is made at the first start`)
  return copyObjects({
    store: at.copy,
    objects: join(dataDir, objectsPrefix),
    work: at.work,
    destination: at.destination,
    backup: at.name,
    recipients: "recipients" in key ? key.recipients : [await copyRecipient(dataDir)],
    nameSecret: storeKey,
    owner: ownerOf(storeKey),
  })
}

/** The public half of the key that the data folder keeps for copies, made at its first use. */
async function copyRecipient(dataDir: string): Promise<string> {
  const file = join(dataDir, copyKeyName)
  if (!(await isThere(file))) writePrivate(file, `${await generateX25519Identity()}\n`)
  return identityToRecipient((await readFile(file, "utf8")).trim())
}

const withoutList = ({ count, bytes, added, addedBytes, missing }: CopyResult) => ({ count, bytes, added, addedBytes, missing })

async function* entries(options: BackupOptions, manifest: Manifest, copy: string, list: string | undefined): AsyncGenerator<Entry> {
  const { dataDir, secrets } = options
  yield { name: manifestName, text: `${JSON.stringify(manifest, null, 2)}\n` }
  yield { name: storeName, path: copy, isNeeded: true }
  for (const [name, text] of Object.entries(secrets)) yield { name: `${secretsPrefix}/${name}`, text: `${text}\n` }
  for (const one of (await readdir(dataDir, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (one.isFile() && isSecretName(one.name) && !Object.hasOwn(secrets, one.name))
      yield { name: `${secretsPrefix}/${one.name}`, path: join(dataDir, one.name) }
  if (list !== undefined) yield { name: copiesName, path: list, isNeeded: true }
  if (manifest.objects === "inside") yield* entriesBelow(join(dataDir, objectsPrefix), objectsPrefix)
  if (options.volumes) yield* entriesBelow(join(dataDir, volumesPrefix), volumesPrefix, true)
}

/** Whether anything stands at a path. */
export const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined

function explained(error: unknown, dataDir: string): unknown {
  const code = (error as { code?: string }).code ?? ""
  if (["ENOSPC", "EDQUOT", "SQLITE_FULL"].includes(code))
    return new AppError("out_of_space", `the disk of ${dataDir} is full: a backup needs room for a copy of the store there`, {
      cause: error,
    })
  return error
}
