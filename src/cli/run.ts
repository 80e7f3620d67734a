import { createInterface } from "node:readline"
import { Writable } from "node:stream"
import { clientEnvironment } from "../config"
import { version } from "../version"
import { ProcessConsole } from "./byte-console"
import type { CommandIo } from "./io"

type Verb = { run(args: string[], io: CommandIo): Promise<number> }

/** Loaded when asked for, so that `freehold version` does not start by loading the server. */
const verbs: Record<string, () => Promise<Verb>> = {
  serve: () => import("./serve"),
  demo: () => import("./demo"),
  login: () => import("./login"),
  domains: () => import("./domains"),
  mappings: () => import("./mappings"),
  containers: () => import("./containers"),
  storage: () => import("./storage"),
  "ssh-keys": () => import("./ssh-keys"),
  tokens: () => import("./tokens"),
  "service-accounts": () => import("./service-accounts"),
  applications: () => import("./applications"),
  connections: () => import("./connections"),
  certificates: () => import("./certificates"),
  people: () => import("./people"),
  audit: () => import("./audit"),
  doctor: () => import("./doctor"),
  install: () => import("./install"),
  uninstall: () => import("./uninstall"),
  backup: () => import("./backup"),
  restore: () => import("./restore"),
  backups: () => import("./backups"),
  help: () => import("./help"),
  version: () => import("./version"),
  completion: () => import("./completion"),
}

const aliases: Record<string, string> = { "--help": "help", "-h": "help", "--version": "version", "-v": "version" }

/** Runs one command line (without the program's name) against this process's terminal; the answer is the exit code. */
export async function runCommand(argv: string[]): Promise<number> {
  const io = terminal()
  const [word = "help", ...args] = argv
  const name = aliases[word] ?? word
  const load = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (load === undefined) {
    io.err(`error: ${JSON.stringify(word.slice(0, 60))} is not a command of freehold; "freehold help" lists them\n`)
    return 2
  }
  // A server outlives whoever reads its log.
  if (name !== "serve") endWithReader()
  return (await load()).run(args, io)
}

/** A reader that has had enough, as `| head` does, ends the program with the exit code of SIGPIPE, which Bun ignores. */
function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(141)
      throw error
    })
  }
}

function terminal(): CommandIo {
  let lines: AsyncIterator<string> | undefined
  const quiet = new Writable({ write: (_chunk, _encoding, done) => done() })
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    async readLine(prompt, { hidden, signal }) {
      if (prompt !== "") process.stderr.write(prompt)
      if (process.stdin.isTTY === true) return readTerminalLine(hidden ? quiet : undefined, signal)
      // Piped input is read through one reader: a second one would miss what the first had read ahead.
      lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]()
      const next = await Promise.race([lines.next(), aborted(signal)])
      return next?.done === false ? next.value : ""
    },
    console: () => new ProcessConsole(process.stdin, process.stdout, process.stderr),
    environment: clientEnvironment(),
    version,
  }
}

/** With `silenced`, what is typed goes there and not to the screen. */
async function readTerminalLine(silenced: Writable | undefined, signal: AbortSignal | undefined): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: silenced ?? process.stderr, terminal: true })
  try {
    return await new Promise<string>((resolve) => {
      reader.once("line", resolve)
      reader.once("close", () => resolve(""))
      reader.once("SIGINT", () => process.exit(130))
      void aborted(signal).then(() => resolve(""))
    })
  } finally {
    reader.close()
    if (silenced !== undefined) process.stderr.write("\n")
  }
}

/** Resolves when the signal says so, which without one is never. */
function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve(undefined)
    signal?.addEventListener("abort", () => resolve(undefined), { once: true })
  })
}
