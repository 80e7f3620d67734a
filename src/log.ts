import { describeError } from "./errors"

export const logLevels = ["debug", "info", "warn", "error"] as const
export type LogLevel = (typeof logLevels)[number]
export type LogFields = Record<string, unknown>

/** Writes one JSON object a line. Fields named `error` may be thrown values; a stack is kept for `error` lines only. */
export type Log = Record<LogLevel, (message: string, fields?: LogFields) => void>

/**
 * The logger of this process, at a level or at the one that a function gives at each line. `write` gets whole lines ending in a newline; by
 * default they go to standard error.
 */
export function createLog(level: LogLevel | (() => LogLevel), write: (line: string) => void = toStandardError()): Log {
  const least = typeof level === "function" ? level : () => level
  const at = (name: LogLevel) => {
    const rank = logLevels.indexOf(name)
    return (message: string, fields: LogFields = {}) => {
      if (rank < logLevels.indexOf(least())) return
      const { error, ...rest } = fields
      const fault =
        error === undefined
          ? {}
          : { error: describeError(error), ...(name === "error" && error instanceof Error ? { stack: error.stack } : {}) }
      write(`${JSON.stringify({ time: new Date().toISOString(), level: name, message, ...rest, ...fault })}\n`)
    }
  }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
}

function toStandardError(): (line: string) => void {
  // Whoever read it has gone: no reason to end what is logged about.
  process.stderr.on("error", () => {})
  return (line) => void process.stderr.write(line)
}

/** Swallows everything; for tests and for commands that talk to a person. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
