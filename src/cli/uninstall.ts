import { AppError } from "../errors"
import { uninstall } from "../install/uninstall"
import { UsageError, parseFlags } from "./arguments"
import { withExitCode } from "./command"
import { helpText } from "./help"
import { machineOf, sayer } from "./install"
import type { CommandIo } from "./io"

const word = "delete everything"

/** `freehold uninstall`: stops and removes what `install` made; with `--purge` the data too. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  withExitCode("uninstall", undefined, io, async () => {
    const { flags, rest } = parseFlags(args, { purge: "switch", yes: "switch", root: "text", "dry-run": "switch", help: "switch" })
    if (flags.has("help")) return void io.out(helpText("uninstall"))
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one argument too many`)
    const machine = machineOf(flags)
    const [isPurge, isDry] = [flags.has("purge"), flags.has("dry-run")]
    if (isPurge && !isDry && !flags.has("yes")) {
      const prompt = `This deletes the store, certificates, keys and files in /var/lib/freehold for good; backups stay. Type "${word}" to go on: `
      if ((await io.readLine(prompt, { hidden: false })).trim() !== word)
        throw new AppError("invalid", `nothing was changed: "${word}" was not typed (--yes does without)`)
    }
    const { outcomes, kept } = uninstall({ machine, isPurge, isDry, said: (outcome) => outcome.changed && sayer(io, isDry)(outcome) })
    if (outcomes.every(({ changed }) => !changed)) io.out("Nothing was changed: Freehold is not installed here.\n")
    if (kept.length > 0 && !isDry)
      io.out(`Kept: ${kept.join(", ")}.${isPurge ? "" : ' "freehold install" of any binary goes on with them.'}\n`)
  })
