import { UsageError, parseNumber } from "./arguments"
import { listIn } from "./client"
import { type Call, type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { printable, table } from "./output"

type Entry = {
  time: string
  user_id: string | null
  username: string | null
  token: { kind: string; id: string | null } | null
  address: string
  action: string
  target: string | null
  outcome: string
  status: number | null
}

type Page = { entries: Entry[]; next_cursor: string | null }

const filters = { person: "text", action: "text", target: "text", outcome: "text", since: "text", until: "text" } as const
const exportPage = 500

const commands: Record<string, Command> = {
  ls: {
    flags: { ...filters, limit: "text", cursor: "text" },
    async run({ api, show, flags }) {
      const limit = flags.text("limit")
      const query = filterQuery(flags)
      if (limit !== undefined) query.set("limit", String(parseNumber("--limit", limit, 1, exportPage)))
      query.set("cursor", flags.text("cursor") ?? "")
      show(await api.get<Page>(`/api/audit?${query}`), (page) => {
        const more = page.next_cursor === null ? "" : `older ones: --cursor ${printable(page.next_cursor)}\n`
        return (
          table(
            ["TIME", "WHO", "FROM", "TOKEN", "ACTION", "TARGET", "OUTCOME"],
            listIn<Entry>(page, "entries").map(cells),
            "nothing on record",
          ) + more
        )
      })
    },
  },
  export: {
    flags: filters,
    async run({ api, flags, io }) {
      const query = filterQuery(flags)
      query.set("limit", String(exportPage))
      for (let cursor: string | null = ""; cursor !== null;) {
        query.set("cursor", cursor)
        const page: Page = await api.get<Page>(`/api/audit?${query}`)
        for (const entry of listIn<Entry>(page, "entries")) io.out(`${JSON.stringify(entry)}\n`)
        cursor = page.next_cursor ?? null
      }
    },
  },
}

/** The audit trail: `ls` (also without a word) in pages, `export` whole as JSON lines. */
export const run = (args: string[], io: CommandIo): Promise<number> =>
  runCommands("audit", commands, args[0] === undefined || args[0].startsWith("-") ? ["ls", ...args] : args, io)

function filterQuery(flags: Call["flags"]): URLSearchParams {
  const query = new URLSearchParams()
  for (const name of ["person", "action", "target", "outcome"] as const) {
    const value = flags.text(name)
    if (value !== undefined) query.set(name, value)
  }
  const [since, until] = [moment(flags, "since"), moment(flags, "until")]
  if (since !== undefined) query.set("from", since)
  if (until !== undefined) query.set("to", until)
  return query
}

/** A moment as the API reads it: a day of UTC, or a time with its zone. */
function moment(flags: Call["flags"], name: "since" | "until"): string | undefined {
  const text = flags.text(name)
  if (text === undefined) return undefined
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `${text}T00:00:00Z`
  if (Number.isNaN(Date.parse(text)))
    throw new UsageError(`--${name} is a day or a time such as 2026-11-21 or 2026-11-21T10:00:00Z, not "${text}"`)
  return text
}

function cells(entry: Entry): unknown[] {
  const token = entry.token === null ? "" : `${entry.token.kind.replace("api_", "").replace("_", " ")} ${entry.token.id ?? ""}`
  return [
    entry.time.slice(0, 19).replace("T", " "),
    entry.username ?? "",
    entry.address,
    token,
    entry.action,
    entry.target ?? "",
    `${entry.outcome} ${entry.status ?? ""}`.trim(),
  ]
}
