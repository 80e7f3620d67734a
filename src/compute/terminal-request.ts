import type { ExecOptions } from "../engine/exec"
import { AppError } from "../errors"

const maxArguments = 256
const maxArgumentsLength = 64 * 1024
const maxSide = 1_000
const standardSize = { columns: 80, rows: 24 }

/** A login shell where the person's files are, bash where the container has it. */
const shell = ["/bin/sh", "-c", 'cd ~ 2>/dev/null; exec "$(command -v bash || echo /bin/sh)" -l']

/**
 * What the query of a terminal's address asks for: `command` (once for each argument, by default a login shell), `tty=false`, `columns` and `rows`
 * (by default 80 and 24) and `user` (by default root, platform-api.md section 3.7). Throws `invalid`.
 */
export function parseTerminalRequest(query: URLSearchParams): ExecOptions {
  const command = query.getAll("command")
  if (command.length > maxArguments || command.join("").length > maxArgumentsLength)
    throw new AppError("invalid", "command has too many arguments, or too long ones")
  if (command.some((argument) => argument.includes("\0")) || command[0] === "") throw new AppError("invalid", "command is not one")
  const user = query.get("user") ?? "0"
  if (!/^[\w.-]{1,64}(:[\w.-]{1,64})?$/.test(user)) throw new AppError("invalid", "user must be a name or number inside the container")
  const tty = query.get("tty") ?? "true"
  if (tty !== "true" && tty !== "false") throw new AppError("invalid", "tty must be true or false")
  const columns = parseSide("columns", query.get("columns") ?? query.get("cols"), standardSize.columns)
  const rows = parseSide("rows", query.get("rows"), standardSize.rows)
  return { command: command.length === 0 ? shell : command, user, ...(tty === "true" ? { tty: { columns, rows } } : {}) }
}

function parseSide(field: string, text: string | null, standard: number): number {
  if (text === null) return standard
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!isSide(value)) throw new AppError("invalid", `${field} must be a whole number from 1 to ${maxSide}`)
  return value
}

const isSide = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= maxSide

export type TerminalControl = { type: "resize"; columns: number; rows: number } | { type: "end" } | { type: "signal"; name: string }

/** The control frame that a text is: `{"type":"resize","columns":120,"rows":40}` (or `cols`), `{"type":"end"}`, `{"type":"signal","name":"INT"}`. */
export function parseControl(text: string): TerminalControl | undefined {
  if (!text.startsWith("{") || text.length > 200) return undefined
  let value: Record<string, unknown> | null
  try {
    value = JSON.parse(text) as Record<string, unknown> | null
  } catch {
    return undefined
  }
  const { type, name, rows } = value ?? {}
  const columns = value?.columns ?? value?.cols
  if (type === "resize" && isSide(columns) && isSide(rows)) return { type, columns, rows }
  if (type === "signal" && typeof name === "string") return { type, name }
  return type === "end" ? { type } : undefined
}
