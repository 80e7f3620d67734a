import { type BackupResult, writeBackup } from "../backup/backup"
import { type ObjectsPlace, objectsPlaces } from "../backup/manifest"
import { noteFailure } from "../backup/run-record"
import { ConfigError, loadConfig } from "../config"
import { AppError } from "../errors"
import { type Flags, parseNumber, UsageError } from "./arguments"
import { sealFlags, sealKey } from "./backup-key"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"
import { splitSettings } from "./local-command"
import { bytes, printable } from "./output"

const own = { ...sealFlags, objects: "text", volumes: "switch", keep: "text", json: "switch", help: "switch" } as const

/** `freehold backup [FILE|FOLDER|s3://…]`: one encrypted file of the data folder, while the appliance serves; without words, what the settings say. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  withExitCode("backup", undefined, io, async () => {
    const { flags, rest, settings } = splitSettings(args, own)
    if (flags.has("help")) return void io.out(helpText("backup"))
    if (rest.length > 1) throw new UsageError("backup is followed by one file, a folder or s3://bucket/prefix")
    const config = readConfig(settings)
    const { backup } = config
    const target = rest[0] ?? backup.to
    if (target === undefined)
      throw new UsageError("backup is followed by a file, a folder or s3://bucket/prefix, since the setting backup_to names none")
    // Of a place that was named here no more is removed than was asked for here.
    const keep = keepOf(flags) ?? (target === backup.to ? backup.keep : undefined)
    const objects = objectsOf(flags) ?? (target === backup.to ? backup.objects : undefined)
    const make = async () =>
      writeBackup({
        dataDir: config.dataDir,
        target,
        s3: backup.s3,
        key: await sealKey(flags, io, backup.key),
        baseDomain: config.baseDomain,
        version: io.version,
        secrets: secretsOf(config),
        objects,
        volumes: flags.has("volumes") || (target === backup.to && backup.volumes),
        keep,
        now: Date.now(),
      })
    const result = await (flags.has("unattended") ? noted(config.dataDir, target, make) : make())
    if (flags.has("json")) io.out(`${JSON.stringify(result, null, 2)}\n`)
    else io.out(told(result, keep))
    if (result.keepProblem !== undefined)
      throw new AppError("unavailable", `the backup is there, and what is too old could not be removed: ${result.keepProblem}`)
    const missing = result.copies?.missing ?? []
    if (missing.length > 0)
      throw new AppError(
        "invalid",
        `the backup is there, and ${missing.length} stored files are not in it: they are missing or damaged on this disk, the first by the hash ${missing[0]}`,
      )
  })

/** Nobody sees what a timer's run says, so that what could not even begin is put on record too. */
async function noted<T>(dataDir: string, to: string, work: () => Promise<T>): Promise<T> {
  const startedAt = new Date().toISOString()
  try {
    return await work()
  } catch (error) {
    if (error instanceof AppError && error.code !== "conflict") noteFailure(dataDir, to, startedAt, Date.now(), error.message)
    throw error
  }
}

function told({ file, bytes: size, manifest, copies, removed, removedCopies }: BackupResult, keep: number | undefined): string {
  const inside = [manifest.objects === "inside" ? ", with stored files" : "", manifest.volumes ? ", with volumes" : ""].join("")
  const lines = [`${printable(file)} is there: ${bytes(size)}, encrypted${inside}.`]
  if (copies !== undefined)
    lines.push(
      `Stored files beside it: ${copies.count} with ${bytes(copies.bytes)}, of which ${copies.added} with ${bytes(copies.addedBytes)} are new.`,
    )
  for (const name of removed) lines.push(`${name} was removed, since ${keep} are kept.`)
  if (removedCopies > 0) lines.push(`${removedCopies} stored files that no backup needs any more were removed.`)
  lines.push(`Prove that it can be restored: freehold restore ${printable(file)} --check`)
  return `${lines.join("\n")}\n`
}

function keepOf(flags: Flags): number | undefined {
  const keep = flags.text("keep")
  return keep === undefined ? undefined : parseNumber("--keep", keep, 1, 10_000)
}

function objectsOf(flags: Flags): ObjectsPlace | undefined {
  const word = flags.text("objects")
  const place = objectsPlaces.find((one) => one === word)
  if (word !== undefined && place === undefined) throw new UsageError(`--objects is one of ${objectsPlaces.join(", ")}, not "${word}"`)
  return place
}

/** Settings as `serve` reads them, in this environment or another; what is wrong with them is the command line's fault. */
export function readConfig(settings: string[], environment?: Record<string, string>) {
  try {
    return loadConfig(settings, environment)
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message)
    throw error
  }
}

/** Secrets that were given as settings, under the names that they would have in the data folder. */
function secretsOf({ encryptionKey, jwtSecret }: ReturnType<typeof loadConfig>): Record<string, string> {
  return {
    ...(encryptionKey === undefined || encryptionKey === "none" ? {} : { "encryption-key": encryptionKey }),
    ...(jwtSecret === undefined || !/^[0-9a-f]{64}$/i.test(jwtSecret) ? {} : { "jwt-secret": jwtSecret }),
  }
}
