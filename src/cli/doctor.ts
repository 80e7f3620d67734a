import { examineStopped, localSocket } from "../app"
import { lastBackup } from "../backup/last-backup"
import { restoreBackup } from "../backup/restore"
import { type Check, limited } from "../checks/check"
import { type Config, readSettings } from "../config"
import { migrations } from "../db/migrations/list"
import { AppError } from "../errors"
import { type Flags, UsageError } from "./arguments"
import { readConfig } from "./backup"
import { openFlags, openKey } from "./backup-key"
import { withExitCode } from "./command"
import { helpText } from "./help"
import type { CommandIo } from "./io"
import { askLocally } from "./local-api"
import { splitSettings } from "./local-command"
import { printable } from "./output"

const own = { ...openFlags, "test-alert": "switch", json: "switch", help: "switch" } as const

/** A trial restore unpacks all of a backup. */
const restoreLimitMs = 30 * 60_000

type TestResult = { receiver: string; delivered: boolean; error: string | null }

/** `freehold doctor [hostname]`: all that can be wrong, each with a verdict and a remedy. Exit code 0, 1 for a warning, 2 for what is broken or could not be asked. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  withExitCode("doctor", undefined, io, async () => {
    const { flags, rest, settings } = splitSettings(args, own)
    if (flags.has("help")) return void io.out(helpText("doctor"))
    if (rest.length > 1) throw new UsageError("doctor is followed by one hostname at most")
    const socket = localSocket(readConfig(settings).dataDir)
    try {
      return await (flags.has("test-alert") ? testAlerts(socket, flags, io) : examine(socket, rest[0], { flags, settings, io }))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      io.err(`error: ${printable(error.message)}\n`)
      return 2
    }
  })

type Asked = { flags: Flags; settings: string[]; io: CommandIo }

async function examine(socket: string, hostname: string | undefined, { flags, settings, io }: Asked): Promise<number> {
  const config = readConfig(settings)
  const query = hostname === undefined ? "" : `?hostname=${encodeURIComponent(hostname)}`
  const { answer, check } = await askLocally<{ checks: Check[] }>(socket, "GET", `/checks${query}`)
  const checks = [...(answer?.checks ?? [])]
  if (check !== undefined) {
    const { origins } = readSettings(settings)
    checks.push(check, ...(await examineStopped({ config, origin: (key) => origins[key], hostname, now: Date.now })))
  }
  const isKeyAtHand = flags.has("identity-file") || flags.has("passphrase-file") || "passphrase" in (config.backup.key ?? {})
  if (hostname === undefined && isKeyAtHand) checks.push(await tryRestore(config, flags, io))
  return show({ running: answer !== undefined, checks }, flags, io)
}

/** The newest backup, restored for a trial. */
async function tryRestore({ dataDir, backup }: Config, flags: Flags, io: CommandIo): Promise<Check> {
  const { newest } = lastBackup(dataDir)
  if (newest === undefined)
    return {
      name: "restore",
      status: "warn",
      verdict: "There is no backup that could be restored for a trial.",
      remedy: "Make one with “freehold backup”.",
    }
  const key = await openKey(flags, io, backup.key)
  return limited(
    "restore",
    async () => {
      try {
        await restoreBackup({ file: newest.file, s3: backup.s3, key, dataDir, migrations: Object.keys(migrations), isCheck: true })
        return {
          status: "ok",
          verdict: `${newest.file} can be restored: it is whole, its store is sound, and its keys open what they sealed.`,
        }
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        return {
          status: "bad",
          verdict: `${newest.file} cannot be restored: ${error.message.replace(/\.$/, "")}.`,
          remedy: "Make a new backup, and see that this is the key that it is encrypted for.",
        }
      }
    },
    restoreLimitMs,
  )
}

async function testAlerts(socket: string, flags: Flags, io: CommandIo): Promise<number> {
  const { answer, check } = await askLocally<{ results: TestResult[] }>(socket, "POST", "/alerts/test")
  if (check !== undefined) throw new AppError("unavailable", `${check.verdict} ${check.remedy ?? ""}`.trim())
  const { results } = answer
  if (flags.has("json")) io.out(`${JSON.stringify({ results }, null, 2)}\n`)
  else
    for (const { receiver, delivered, error } of results)
      io.out(delivered ? `${receiver}: delivered\n` : `${receiver}: not delivered: ${printable(error)}\n`)
  return results.every(({ delivered }) => delivered) ? 0 : 2
}

const exitCodes = { ok: 0, warn: 1, bad: 2 }
const marks: Record<Check["status"], string> = { ok: "ok  ", warn: "WARN", bad: "BAD ", unknown: "?   " }

function show({ running, checks }: { running: boolean; checks: Check[] }, flags: Flags, io: CommandIo): number {
  const having = (status: Check["status"]) => checks.filter((check) => check.status === status).length
  const status = having("bad") > 0 ? "bad" : having("warn") > 0 ? "warn" : "ok"
  if (flags.has("json")) {
    io.out(`${JSON.stringify({ status, running, checks }, null, 2)}\n`)
    return exitCodes[status]
  }
  const width = Math.max(...checks.map(({ name }) => name.length))
  for (const check of checks) {
    io.out(`${marks[check.status]}  ${check.name.padEnd(width)}  ${printable(check.verdict)}\n`)
    if (check.remedy !== undefined) io.out(`${" ".repeat(width + 8)}${check.status === "ok" ? "" : "→ "}${printable(check.remedy)}\n`)
  }
  const unknown = having("unknown")
  const count = (many: number, one: string, more: string) => (many === 0 ? [] : [`${many} ${many === 1 ? one : more}`])
  const parts = [
    ...count(having("bad"), "is broken", "are broken"),
    ...count(having("warn"), "warning", "warnings"),
    ...count(unknown, "not found out", "not found out"),
  ]
  io.out(`\nOf ${checks.length} checks: ${parts.length === 0 ? "all is well" : parts.join(", ")}.\n`)
  return exitCodes[status]
}
