import { useQuery } from "@tanstack/react-query"
import { ask, sentence } from "../../data/api"
import { Loaded } from "../../parts/loaded"
import { Meter } from "../../parts/meter"
import { Badge } from "../../parts/status"
import { count, Time } from "../../parts/time"
import { house } from "../../words/house"

const words = house.certificates

type Limit = {
  directory: string
  issuer_name: string
  kind: keyof typeof words.limitKinds
  subject: string | null
  left: number | null
  capacity: number | null
  next_at: string | null
  closed_until: string | null
  sentence: string
}

/** So many rows help; a house with more has the rest in `freehold certificates limits`. */
const mostShown = 50

/** The ledger of the issuers' rate limits: what is left of each that is touched, the one that takes longest to fill first. */
export function IssuanceLimits() {
  const query = useQuery({
    queryKey: ["overview", "issuance-limits"],
    queryFn: ({ signal }) =>
      ask<{ total: number; limits: Limit[] }>("GET", `/admin/issuance-limits?limit=${mostShown}`, undefined, { signal }),
    refetchInterval: 30_000,
  })
  return (
    <Loaded query={query}>
      {({ total, limits }) =>
        limits.length === 0 ? (
          <>
            <p className="font-medium">{words.limitsNone}</p>
            <p className="max-w-prose text-dim">{words.limitsNoneWhy}</p>
          </>
        ) : (
          <>
            <p className="mb-1 max-w-prose text-dim">{words.limitsLead}</p>
            <ul aria-label={words.limits} className="divide-y divide-line">
              {limits.map((limit) => (
                <Row key={[limit.directory, limit.kind, limit.subject].join(" ")} limit={limit} />
              ))}
            </ul>
            {total > limits.length && <p className="mt-2 text-sm text-dim">{words.limitsMore(limits.length, count(total))}</p>}
          </>
        )
      }
    </Loaded>
  )
}

const Row = ({ limit }: { limit: Limit }) => (
  <li className="grid gap-x-6 gap-y-1.5 py-3 sm:grid-cols-2">
    <div className="min-w-0 [overflow-wrap:anywhere]">
      <p className="font-medium">{words.limitKinds[limit.kind]}</p>
      <p className="text-dim">
        {limit.subject !== null && <code className="text-text">{limit.subject}</code>} {words.limitAt(limit.issuer_name)}
      </p>
    </div>
    {limit.closed_until === null ? <Left limit={limit} /> : <Closed until={limit.closed_until} why={limit.sentence} />}
  </li>
)

/** What the sentence says too, for eyes; whoever listens hears the sentence. */
function Left({ limit: { left, capacity, next_at: next, sentence: told } }: { limit: Limit }) {
  if (left === null || capacity === null) return <p>{sentence(told)}</p>
  return (
    <div>
      <p className="mb-1 flex flex-wrap items-baseline justify-between gap-x-3">
        <span className="tabular-nums">{words.limitLeft(count(left), count(capacity))}</span>
        {next !== null && (
          <span className="text-sm text-dim">
            {left === 0 ? words.limitNext.none : words.limitNext.some} <Time at={next} />
          </span>
        )}
      </p>
      <Meter label={words.limitUsed} value={capacity === 0 ? 1 : 1 - left / capacity} text={told} />
    </div>
  )
}

/** By the issuer's own answer, whose words the sentence has. */
const Closed = ({ until, why }: { until: string; why: string }) => (
  <div className="min-w-0 [overflow-wrap:anywhere]">
    <Badge tone="bad">
      {words.limitClosed} <Time at={until} />
    </Badge>
    <p className="mt-1 text-sm text-dim">{sentence(why)}</p>
  </div>
)
