import { writeBackup } from "../backup/backup"
import { ConfigError, loadConfig } from "../config"
import { type Flags, parseNumber, UsageError } from "./arguments"
import { sealFlags, sealKey } from "./backup-key"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"
import { splitSettings } from "./local-command"
import { bytes } from "./output"

const own = { ...sealFlags, objects: "switch", volumes: "switch", keep: "text", json: "switch", help: "switch" } as const

/** `freehold backup FILE|FOLDER`: one encrypted file of the data folder, while the appliance serves. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  withExitCode("backup", undefined, io, async () => {
    const { flags, rest, settings } = splitSettings(args, own)
    if (flags.has("help")) return void io.out(helpText("backup"))
    const [target] = rest
    if (target === undefined || rest.length > 1) throw new UsageError("backup is followed by one file, or a folder")
    const config = readConfig(settings)
    const result = await writeBackup({
      dataDir: config.dataDir,
      target,
      key: await sealKey(flags, io),
      baseDomain: config.baseDomain,
      version: io.version,
      secrets: secretsOf(config),
      objects: flags.has("objects"),
      volumes: flags.has("volumes"),
      keep: keepOf(flags),
      now: Date.now(),
    })
    if (flags.has("json")) return void io.out(`${JSON.stringify(result, null, 2)}\n`)
    io.out(
      `${result.file} is there: ${bytes(result.bytes)}, encrypted${result.manifest.objects ? ", with stored files" : ""}${result.manifest.volumes ? ", with volumes" : ""}.\n`,
    )
    for (const name of result.removed) io.out(`${name} was removed, since ${flags.text("keep")} are kept.\n`)
    io.out(`Prove that it can be restored: freehold restore ${result.file} --check\n`)
  })

function keepOf(flags: Flags): number | undefined {
  const keep = flags.text("keep")
  return keep === undefined ? undefined : parseNumber("--keep", keep, 1, 10_000)
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
