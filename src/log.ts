import { describeError } from "./errors"

export const logLevels = ["debug", "info", "warn", "error"] as const
export type LogLevel = (typeof logLevels)[number]
export type LogFields = Record<string, unknown>

/** Writes one JSON object a line. Fields named `error` may be thrown values; a stack is kept for `error` lines only. */
export type Log = Record<LogLevel, (message: string, fields?: LogFields) => void>

/** The logger of this process. `write` gets whole lines ending in a newline; by default they go to standard error. */
export function createLog(level: LogLevel, write: (line: string) => void = (line) => void process.stderr.write(line)): Log {
  const least = logLevels.indexOf(level)
  const at = (name: LogLevel) => {
    if (logLevels.indexOf(name) < least) return () => {}
    return (message: string, fields: LogFields = {}) => {
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

/** Swallows everything; for tests and for commands that talk to a person. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
