import { filesAt } from "../backup/files-at"
import { type RestoreResult, restoreBackup } from "../backup/restore"
import { migrations } from "../db/migrations/list"
import { UsageError } from "./arguments"
import { readConfig } from "./backup"
import { openFlags, openKey } from "./backup-key"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"
import { splitSettings } from "./local-command"
import { bytes, printable, table } from "./output"

const own = {
  ...openFlags,
  check: "switch",
  thorough: "switch",
  "skip-missing": "switch",
  list: "switch",
  json: "switch",
  help: "switch",
} as const

/** `freehold restore [FILE|FOLDER|s3://…]`: a data folder out of a backup; with `--check` the proof that it could be done. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  withExitCode("restore", undefined, io, async () => {
    const { flags, rest, settings } = splitSettings(args, own)
    if (flags.has("help")) return void io.out(helpText("restore"))
    if (rest.length > 1) throw new UsageError("restore is followed by one file, a folder or s3://bucket/prefix")
    if (flags.has("thorough") && !flags.has("check")) throw new UsageError("--thorough goes with --check: a restore reads everything")
    const { dataDir, backup } = readConfig(settings)
    const file = rest[0] ?? backup.to
    if (file === undefined)
      throw new UsageError("restore is followed by a file, a folder or s3://bucket/prefix, since the setting backup_to names none")
    if (flags.has("list")) {
      const files = await filesAt(file, backup.s3)
      if (flags.has("json")) return void io.out(`${JSON.stringify(files, null, 2)}\n`)
      const rows = files.map(({ name, created_at: at, bytes: size }) => [at, bytes(size), name])
      return void io.out(table(["MADE", "SIZE", "NAME"], rows, `no backup of Freehold at ${printable(file)}`))
    }
    const result = await restoreBackup({
      file,
      s3: backup.s3,
      key: await openKey(flags, io, backup.key),
      dataDir,
      migrations: Object.keys(migrations),
      isCheck: flags.has("check"),
      isThorough: flags.has("thorough"),
      skipsMissing: flags.has("skip-missing"),
    })
    io.out(flags.has("json") ? `${JSON.stringify(result, null, 2)}\n` : told(result))
  })

function told({ file, manifest, facts, objects, dataDir }: RestoreResult): string {
  const what = [
    [facts.people, "people"],
    [facts.mappings, "mappings"],
    [facts.connections, "connections"],
    [facts.containers, "containers"],
    [facts.certificates, "certificates"],
    [facts.files, "files"],
  ].map(([count, name]) => `${count} ${name}`)
  const lines = [
    `${printable(file)} was made ${manifest.created_at} by Freehold ${manifest.freehold} for ${manifest.base_domain}: ${what.join(", ")}.`,
  ]
  if (manifest.objects === "none" && objects.referred > 0)
    lines.push("The bytes of stored files are not in it: bring the folder storage/objects along.")
  else if (objects.referred > 0)
    lines.push(
      `Of the bytes of ${objects.referred} stored files ${objects.present} are there; ${objects.compared} were compared with their hash.`,
    )
  if (objects.missing.length > 0)
    lines.push(`${objects.missing.length} are missing or damaged, the first by the hash ${objects.missing[0]}.`)
  if (dataDir === undefined) lines.push("It is whole, its store is sound, and its keys open what they sealed: it can be restored.")
  else {
    lines.push(`Restored to ${dataDir}. Start Freehold there; its certificates are the old ones.`)
    if (manifest.from_settings.length > 0)
      lines.push(
        `${manifest.from_settings.join(" and ")} came from settings and are files there now; settings count more, where they are given again.`,
      )
  }
  return `${lines.join("\n")}\n`
}
