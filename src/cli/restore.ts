import { restoreBackup } from "../backup/restore"
import { migrations } from "../db/migrations/list"
import { UsageError } from "./arguments"
import { readConfig } from "./backup"
import { openFlags, openKey } from "./backup-key"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"
import { splitSettings } from "./local-command"

const own = { ...openFlags, check: "switch", json: "switch", help: "switch" } as const

/** `freehold restore FILE`: a data folder out of a backup; with `--check` the proof that it could be done. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  withExitCode("restore", undefined, io, async () => {
    const { flags, rest, settings } = splitSettings(args, own)
    if (flags.has("help")) return void io.out(helpText("restore"))
    const [file] = rest
    if (file === undefined || rest.length > 1) throw new UsageError("restore is followed by one file")
    const { dataDir } = readConfig(settings)
    const known = Object.keys(migrations)
    const result = await restoreBackup({ file, key: await openKey(flags, io), dataDir, migrations: known, isCheck: flags.has("check") })
    if (flags.has("json")) return void io.out(`${JSON.stringify(result, null, 2)}\n`)
    const { manifest, facts } = result
    const what = [
      [facts.people, "people"],
      [facts.mappings, "mappings"],
      [facts.connections, "connections"],
      [facts.containers, "containers"],
      [facts.certificates, "certificates"],
      [facts.files, "files"],
    ].map(([count, name]) => `${count} ${name}`)
    io.out(`Made ${manifest.created_at} by Freehold ${manifest.freehold} for ${manifest.base_domain}: ${what.join(", ")}.\n`)
    if (!manifest.objects && facts.files > 0) io.out("The bytes of stored files are not in it: bring the folder storage/objects along.\n")
    if (result.dataDir === undefined)
      return void io.out("It is whole, its store is sound, and its keys open what they sealed: it can be restored.\n")
    io.out(`Restored to ${result.dataDir}. Start Freehold there; its certificates are the old ones.\n`)
    if (manifest.from_settings.length > 0)
      io.out(
        `${manifest.from_settings.join(" and ")} came from settings and are files there now; settings count more, where they are given again.\n`,
      )
  })
