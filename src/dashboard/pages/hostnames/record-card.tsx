import { Check, CircleDashed } from "lucide-react"
import { cx } from "../../parts/classes"
import { Code, CopyButton } from "../../parts/copy"
import { Badge } from "../../parts/status"
import { records as words } from "../../words/hostnames"
import type { AuthorityView, NameRecord } from "./model"

/** A record to make, in the form in which the provider's page wants it, and which servers have it by now. */
export function RecordCard({ record }: { record: NameRecord }) {
  const { purpose, type, host, host_field: field, value, ttl, priority, propagated, authorities, explanation } = record
  const isSomewhere = authorities.some(({ matches }) => matches)
  const state = propagated ? words.there : isSomewhere ? words.partly : words.missing
  return (
    <div className="rounded-lg border border-line">
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-2">
        <span className="font-mono font-semibold">{type}</span>
        <span className="flex-1 text-sm text-dim">{words.purposes[purpose]}</span>
        <Badge tone={propagated ? "good" : "warn"}>{state}</Badge>
      </div>
      <dl className="grid grid-cols-[4.5rem_minmax(0,1fr)] items-baseline gap-x-3 gap-y-1 px-3 py-2">
        <dt className="text-sm text-dim">{words.name}</dt>
        <dd className="flex min-w-0 flex-wrap items-center gap-x-3">
          {field === "" ? <span className="text-dim">{words.empty}</span> : <Code text={field} />}
        </dd>
        {field !== host && (
          <>
            <dt className="text-sm text-dim">{words.full}</dt>
            <dd className="min-w-0 text-dim">
              <Code text={host} />
            </dd>
          </>
        )}
        <dt className="text-sm text-dim">{words.value}</dt>
        <dd className="min-w-0">
          <Code text={value} />
        </dd>
        {priority !== undefined && (
          <>
            <dt className="text-sm text-dim">{words.priority}</dt>
            <dd>{priority}</dd>
          </>
        )}
        <dt className="text-sm text-dim">{words.ttl}</dt>
        <dd>{words.seconds(ttl)}</dd>
      </dl>
      <div className="border-t border-line px-3 py-2" aria-live="polite">
        {authorities.length === 0 ? (
          <p className="text-sm text-dim">{explanation || words.noServers}</p>
        ) : (
          <ul aria-label={words.servers} className="flex flex-col gap-1 text-sm">
            {authorities.map((view) => (
              <Server key={`${view.server} ${view.address}`} view={view} />
            ))}
          </ul>
        )}
      </div>
    </div>
  )
}

function Server({ view: { server, address, outcome, values, matches } }: { view: AuthorityView }) {
  const Icon = matches ? Check : CircleDashed
  return (
    <li className="flex items-start gap-2">
      <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", matches ? "text-good" : "text-dim")} />
      <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">
        <span title={address}>{server}</span> <span className={matches ? "text-good" : "text-dim"}>{said(outcome, matches)}</span>
        {!matches && outcome === "answer" && (
          <span className="flex items-center gap-1 text-dim">
            <code>{values.join(", ").slice(0, 200)}</code>
            <CopyButton text={values.join("\n")} />
          </span>
        )}
      </span>
    </li>
  )
}

const said = (outcome: string, matches: boolean) => (matches ? words.matches : (words.outcome[outcome] ?? outcome))
