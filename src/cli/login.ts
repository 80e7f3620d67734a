import { AppError } from "../errors"
import { UsageError, parseFlags } from "./arguments"
import { ApiClient, ApiError, defaultServer, parseServer } from "./client"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"
import { printable } from "./output"
import { SecondFactor } from "./second-factor"
import { readLogin, storeLogin } from "./stored-login"

type LoginAnswer = { username?: string; user_id?: string; token?: string; requires_2fa?: boolean; challenge_token?: string }

/** Asks for name and password, and for a second factor where the account has one, and keeps the session's token in `config.json`; `--json` prints who is logged in, never the token. */
export function run(args: string[], io: CommandIo): Promise<number> {
  return withExitCode("login", undefined, io, async () => {
    const known = { server: "text", username: "text", "password-stdin": "switch", json: "switch", help: "switch" } as const
    if (args.includes("-h")) return void io.out(helpText("login"))
    const { flags, rest } = parseFlags(args, known)
    if (flags.has("help")) return void io.out(helpText("login"))
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one argument too many`)

    const server = await chooseServer(flags.text("server"), io)
    if (sendsInTheClear(server)) io.err(`warning: ${server} is not https, so others on the way can read the password\n`)
    const username =
      flags.text("username") ?? (flags.has("password-stdin") ? undefined : await io.readLine("Username: ", { hidden: false }))
    if (username === undefined) throw new UsageError("--password-stdin needs --username")
    const password = await io.readLine(flags.has("password-stdin") ? "" : "Password: ", { hidden: true })
    if (username.trim() === "" || password === "") throw new UsageError("a username and a password are needed")

    const first = await logIn(server, username, password)
    const answer = first.requires_2fa ? await new SecondFactor(server, String(first.challenge_token), io).ask() : first
    if (typeof answer.token !== "string") throw new ApiError(200, `${server} did not answer with a token; is that a Freehold server?`)
    await storeLogin(io.environment.configFolder, { server, token: answer.token })
    const who = { server, username: answer.username ?? username, user_id: answer.user_id }
    io.out(flags.has("json") ? `${JSON.stringify(who, null, 2)}\n` : `logged in to ${server} as ${printable(who.username)}\n`)
    return 0
  })
}

async function logIn(server: string, username: string, password: string): Promise<LoginAnswer> {
  try {
    return (await new ApiClient(server, undefined).post<LoginAnswer | undefined>("/api/login", { username, password })) ?? {}
  } catch (error) {
    // A 401 here is about the password; the advice to log in would go round in a circle.
    if (error instanceof ApiError && error.status === 401) throw new AppError("unauthorized", error.message)
    throw error
  }
}

async function chooseServer(flag: string | undefined, io: CommandIo): Promise<string> {
  if (flag !== undefined) return parseServer(flag)
  if (io.environment.server) return parseServer(io.environment.server, "FREEHOLD_SERVER")
  // A damaged file is no reason to refuse: this command is what writes it anew.
  const stored = await readLogin(io.environment.configFolder).catch(() => undefined)
  return stored === undefined ? defaultServer : parseServer(stored.server, "the stored server")
}

function sendsInTheClear(server: string): boolean {
  const { protocol, hostname } = new URL(server)
  return protocol === "http:" && !/^(localhost|.*\.localhost|127\..*|\[::1\])$/.test(hostname)
}
