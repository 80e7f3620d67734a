import { parseNumber } from "./arguments"
import { listIn } from "./client"
import { type Command, runCommands } from "./command"
import type { CommandIo } from "./io"
import { printable, table } from "./output"

type Limit = {
  issuer_name: string
  kind: string
  subject: string | null
  left: number | null
  capacity: number | null
  next_at: string | null
  closed_until: string | null
}
type Limits = { total: number; limits: Limit[] }

const mostShown = 500

/** What people call a kind of limit. */
const kinds: Record<string, string> = {
  directory: "busy",
  accounts: "new accounts",
  orders: "orders",
  domain: "certificates of a domain",
  name: "certificates of a name",
  failures: "failed validations",
  handshakes: "orders at handshakes",
  domain_handshakes: "orders at handshakes of a domain",
}

const commands: Record<string, Command> = {
  limits: {
    flags: { limit: "text" },
    async run({ api, show, flags }) {
      const limit = flags.text("limit")
      const query = limit === undefined ? "" : `?limit=${parseNumber("--limit", limit, 1, mostShown)}`
      show(await api.get<Limits>(`/admin/issuance-limits${query}`), (answer) => {
        const rows = listIn<Limit>(answer, "limits")
        const more = answer.total > rows.length ? `${answer.total - rows.length} more\n` : ""
        return table(["ISSUER", "LIMIT", "FOR", "LEFT", "ONE MORE AT", "CLOSED UNTIL"], rows.map(cells), "every limit is untouched") + more
      })
    },
  },
}

function cells({ issuer_name, kind, subject, left, capacity, next_at, closed_until }: Limit): string[] {
  const of = capacity === null ? "-" : `${left ?? 0} of ${capacity}`
  return [printable(issuer_name), kinds[kind] ?? printable(kind), printable(subject ?? "-"), of, time(next_at), time(closed_until)]
}

const time = (iso: string | null) => (iso === null ? "-" : printable(iso.slice(0, 19)) + "Z")

/** What the rate limits of the certificate authorities leave. */
export const run = (args: string[], io: CommandIo): Promise<number> => runCommands("certificates", commands, args, io)
