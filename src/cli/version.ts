import { migrations } from "../db/migrations/list"
import { UsageError, parseFlags } from "./arguments"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"

/** Prints `freehold` and the version; as JSON also the newest migration of the store that it knows. */
export function run(args: string[], io: CommandIo): Promise<number> {
  return withExitCode("version", undefined, io, async () => {
    const { flags, rest } = parseFlags(args, { json: "switch", help: "switch" })
    if (flags.has("help")) return void io.out(helpText("version"))
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one argument too many`)
    io.out(
      flags.has("json")
        ? `${JSON.stringify({ version: io.version, store: Object.keys(migrations).sort().at(-1) })}\n`
        : `freehold ${io.version}\n`,
    )
    return 0
  })
}
