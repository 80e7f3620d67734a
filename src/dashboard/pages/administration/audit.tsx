import { Download } from "lucide-react"
import { apiOrigin } from "../../data/api"
import { usePages } from "../../data/pages"
import { useUrlState } from "../../data/url-state"
import { Loaded } from "../../parts/loaded"
import { More } from "../../parts/more"
import { Badge } from "../../parts/status"
import { Cell, Table } from "../../parts/table"
import { Time } from "../../parts/time"
import { administration } from "../../words/administration"
import { house } from "../../words/house"
import { AuditFilter, isoOf } from "./audit-filter"
import { AdminPage } from "./frame"

const words = house.audit

type Entry = {
  id: number
  time: string
  username: string | null
  token: { kind: keyof typeof words.tokens; id: string | null } | null
  address: string
  action: string
  target: string | null
  outcome: keyof typeof words.outcomes
  status: number | null
}

const tones = { allowed: "good", denied: "warn", failed: "bad" } as const

/** Who did what to what, from where, and what came of it; new entries appear by themselves. */
export const Audit = () => <AdminPage part="audit">{() => <Trail />}</AdminPage>

function Trail() {
  const [person] = useUrlState("person")
  const [action] = useUrlState("action")
  const [outcome] = useUrlState("outcome")
  const [from] = useUrlState("from")
  const [to] = useUrlState("to")
  const filter = { person, action, outcome, from: isoOf(from), to: isoOf(to) }
  const query = usePages<{ entries: Entry[]; next_cursor: string | null }>(["audit"], "/api/audit", filter)
  const given = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ""))
  return (
    <>
      <AuditFilter />
      <a
        href={`${apiOrigin}/api/audit/export${given.size === 0 ? "" : `?${given}`}`}
        download
        className="flex items-center gap-1.5 self-start text-accent hover:underline"
      >
        <Download aria-hidden className="size-4" />
        {words.export}
      </a>
      <Loaded query={query}>
        {({ pages }) => {
          const entries = pages.flatMap((page) => page.entries)
          if (entries.length === 0) return <p className="py-6 text-center text-dim">{words.none}</p>
          return (
            <>
              <Table label={words.list} head={words.head}>
                {entries.map((entry) => (
                  <Row key={entry.id} entry={entry} />
                ))}
              </Table>
              <More query={query} label={administration.older} end={administration.everything} />
            </>
          )
        }}
      </Loaded>
    </>
  )
}

const Row = ({ entry: { time, username, token, action, target, outcome, status, address } }: { entry: Entry }) => (
  <tr>
    <Cell className="text-dim">
      <Time at={time} />
    </Cell>
    <Cell className="whitespace-nowrap">
      {username ?? <span className="text-dim">{words.nobody}</span>}
      {token !== null && token.kind !== "session" && (
        <span className="block text-sm text-dim">
          {words.tokens[token.kind]} {token.id}
        </span>
      )}
    </Cell>
    <Cell className="min-w-56">
      <code>{action}</code>
    </Cell>
    <Cell className="max-w-64">
      <code className="block truncate" title={target ?? undefined}>
        {target ?? ""}
      </code>
    </Cell>
    <Cell className="whitespace-nowrap">
      <Badge tone={tones[outcome]}>{words.outcomes[outcome]}</Badge> <span className="text-sm text-dim">{status}</span>
    </Cell>
    <Cell className="whitespace-nowrap text-dim">{address}</Cell>
  </tr>
)
