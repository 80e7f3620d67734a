import { AppError } from "../errors"
import { type FlagKind, type Flags, UsageError, parseFlags } from "./arguments"
import { ApiClient, ApiError, defaultServer, parseServer } from "./client"
import { helpText, usageLines } from "./help"
import type { CommandIo } from "./io"
import { printable } from "./output"
import { readLogin } from "./stored-login"

/** One call of a command: what was said on the command line, and what it may use. */
export type Call = {
  io: CommandIo
  flags: Flags
  /** What is no flag; as many as the command asked for. */
  rest: string[]
  /** What stood behind `--`, for a command that takes a command line. */
  line: string[]
  json: boolean
  api: ApiClient
  /** Prints the API's own JSON under `--json`, else what `forPeople` makes of it. */
  show<T>(answer: T, forPeople: (answer: T) => string): void
}

export type Command = {
  flags?: Record<string, FlagKind>
  /** The long names of flags by their letters. */
  shorts?: Record<string, string>
  /** What stands behind `--` is a command line for somewhere else. */
  takesLine?: boolean
  /** Least and most arguments that are no flags. */
  rest?: [least: number, most: number]
  /** `none` for what everybody may ask. */
  token?: "none"
  /** The exit code; nothing means 0. */
  run(call: Call): Promise<number | void>
}

/** Flags that every command of the API understands. */
const commonFlags: Record<string, FlagKind> = { json: "switch", server: "text", token: "text", help: "switch" }

/** Runs `verb` with one of its commands (named by the first argument). Faults become a line on standard error and an exit code. */
export function runCommands(verb: string, commands: Record<string, Command>, args: string[], io: CommandIo): Promise<number> {
  const name = args[0]?.startsWith("-") ? undefined : args[0]
  const command = name === undefined || !Object.hasOwn(commands, name) ? undefined : commands[name]
  return withExitCode(verb, command && name, io, async () => {
    const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args
    if (own.includes("--help") || own.includes("-h")) return void io.out(helpText(verb))
    const choice = `one of ${Object.keys(commands).join(", ")}`
    if (name === undefined) throw new UsageError(`${verb} is followed by ${choice}`)
    if (command === undefined) throw new UsageError(`unknown command "${printable(name)}": ${verb} is followed by ${choice}`)
    return runCommand(command, args.slice(1), io)
  })
}

/** Turns what `work` throws into the exit codes of appliance.md: 2 with the usage line for a bad command line, 1 for everything a person can understand. */
export async function withExitCode(
  verb: string,
  name: string | undefined,
  io: CommandIo,
  work: () => Promise<number | void>,
): Promise<number> {
  try {
    return (await work()) ?? 0
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`error: ${printable(error.message)}\n${usageLines(verb, name)}`)
      return 2
    }
    if (!(error instanceof ApiError || error instanceof AppError)) throw error
    const advice = error instanceof ApiError && error.status === 401 ? ' (log in with "freehold login", or set FREEHOLD_TOKEN)' : ""
    io.err(`error: ${printable(error.message)}${advice}\n`)
    return 1
  }
}

async function runCommand(command: Command, args: string[], io: CommandIo): Promise<number | void> {
  const end = command.takesLine === true && args.includes("--") ? args.indexOf("--") : args.length
  const line = args.slice(end + 1)
  const { flags, rest } = parseFlags(args.slice(0, end), { ...commonFlags, ...command.flags }, command.shorts)
  const [least, most] = command.rest ?? [0, 0]
  if (rest.length < least) throw new UsageError("an argument is missing")
  if (rest.length > most) throw new UsageError(`"${rest[most]}" is one argument too many`)
  if (rest.includes("")) throw new UsageError("an argument is empty")
  const json = flags.has("json")
  const api = await openClient(flags, io, command.token === "none")
  const show = <T>(answer: T, forPeople: (answer: T) => string) => {
    if (!json) io.out(forPeople(answer))
    else if (answer !== undefined) io.out(`${JSON.stringify(answer, null, 2)}\n`)
  }
  return command.run({ io, flags, rest, line, json, api, show })
}

/** Server and token by flag, else environment, else the stored login; a stored token goes to no other server than the one that gave it. */
async function openClient(flags: Flags, io: CommandIo, anonymous: boolean): Promise<ApiClient> {
  const namedServer = flags.text("server") ?? (io.environment.server || undefined)
  const server = namedServer === undefined ? undefined : parseServer(namedServer, flags.has("server") ? "--server" : "FREEHOLD_SERVER")
  const namedToken = flags.text("token") ?? (io.environment.token || undefined)
  const stored = server !== undefined && (namedToken !== undefined || anonymous) ? undefined : await readLogin(io.environment.configFolder)
  const address = server ?? (stored === undefined ? defaultServer : parseServer(stored.server, "the stored server"))
  if (anonymous) return new ApiClient(address, undefined)
  const token = namedToken ?? (stored?.server === address ? stored.token : undefined)
  if (token === undefined) {
    throw new AppError("unauthorized", `not logged in to ${address}: run "freehold login --server ${address}", or set FREEHOLD_TOKEN`)
  }
  return new ApiClient(address, token)
}
