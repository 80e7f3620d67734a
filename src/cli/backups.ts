import { AppError } from "../errors"
import { parseSpan } from "./arguments"
import { type ApiClient, listIn, waitFor } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { bytes, fields, printable, table } from "./output"

type Run = { started_at: string; finished_at: string | null; to: string; file: string | null; bytes: number | null; error: string | null }
type Backups = {
  to: string | null
  every_seconds: number | null
  keep: number
  objects: string
  encryption: { kind: string; recipients?: string[] } | null
  is_running: boolean
  last_good_at: string | null
  next_at: string | null
  is_overdue: boolean
  runs: Run[]
  files: { name: string; created_at: string; bytes: number }[]
  files_problem: string | null
}

const shownRuns = 10

const read = (api: ApiClient) => api.get<Backups>("/admin/backups")

const commands: Record<string, Command> = {
  ls: {
    async run({ api, show }) {
      show(await read(api), told)
    },
  },
  run: {
    flags: { wait: "switch", timeout: "text" },
    async run({ api, flags, show, json, io }) {
      const begun = await api.post<{ to: string; started_at: string }>("/admin/backups")
      if (!flags.has("wait"))
        return show(begun, ({ to }) => `A backup to ${printable(to)} has begun; "freehold backups" shows how it goes.\n`)
      const limit = flags.text("timeout")
      const ended = await waitFor(limit === undefined ? 3_600_000 : parseSpan("--timeout", limit), async () => {
        const { is_running: isRunning, runs } = await read(api)
        return isRunning ? undefined : runs.find((run) => run.to === begun.to && run.started_at >= begun.started_at)
      })
      if (ended === undefined) throw new AppError("unavailable", `the backup to ${begun.to} has not ended yet`)
      if (json || ended.error === null) {
        show(ended, ({ file, bytes: size }) => `${printable(file)} is there: ${bytes(size)}.\n`)
        return ended.error === null ? 0 : 1
      }
      io.err(`error: ${printable(ended.error)}\n`)
      return 1
    },
  },
}

/** `freehold backups`: what an administrator sees of them (`ls`, also without a word), and `run` for one now. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  runCommands("backups", commands, args[0] === undefined || args[0].startsWith("-") ? ["ls", ...args] : args, io)

function told(all: Backups): string {
  const files = listIn<Backups["files"][number]>(all, "files")
  const facts = fields({
    to: all.to ?? "nowhere: the setting backup_to names no destination",
    every: all.every_seconds === null ? "not by itself" : `${all.every_seconds / 3600} h`,
    keep: all.keep,
    "stored files": all.objects,
    encryption: all.encryption === null ? "none set" : [all.encryption.kind, ...(all.encryption.recipients ?? [])].join(" "),
    "last good": all.last_good_at ?? "none",
    next: all.is_running ? "under way" : (all.next_at ?? undefined),
    overdue: all.is_overdue ? "yes" : undefined,
  })
  const runs = all.runs
    .slice(0, shownRuns)
    .map((run) => [run.started_at, bytes(run.bytes), run.error ?? (run.finished_at === null ? "under way" : "well"), run.file ?? run.to])
  const held =
    all.files_problem ??
    table(
      ["MADE", "SIZE", "NAME"],
      files.map((file) => [file.created_at, bytes(file.bytes), file.name]),
      "nothing there yet",
    )
  return `${facts}\n${table(["RUN", "SIZE", "OUTCOME", "WHERE"], runs, "no run on record")}\n${printableLines(held)}`
}

const printableLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => `${printable(line)}\n`)
    .join("")
