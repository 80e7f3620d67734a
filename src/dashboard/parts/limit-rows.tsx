import { sentence } from "../data/api"
import { limits as words } from "../words/limits"
import { Meter } from "./meter"
import { Badge } from "./status"
import { count, Time } from "./time"

/** What is left of one limit of an issuer, as the API says it. */
export type Limit = {
  directory: string
  issuer_name: string
  kind: keyof typeof words.kinds
  subject: string | null
  left: number | null
  capacity: number | null
  next_at: string | null
  closed_until: string | null
  sentence: string
}

/** A row for each, in their order. */
export const LimitRows = ({ limits }: { limits: Limit[] }) => (
  <ul aria-label={words.title} className="divide-y divide-line">
    {limits.map((limit) => (
      <Row key={[limit.directory, limit.kind, limit.subject].join(" ")} limit={limit} />
    ))}
  </ul>
)

const Row = ({ limit }: { limit: Limit }) => (
  <li className="grid gap-x-6 gap-y-1.5 py-3 sm:grid-cols-2">
    <div className="min-w-0 [overflow-wrap:anywhere]">
      <p className="font-medium">{words.kinds[limit.kind]}</p>
      <p className="text-dim">
        {limit.subject !== null && <code className="text-text">{limit.subject}</code>} {words.at(limit.issuer_name)}
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
        <span className="tabular-nums">{words.left(count(left), count(capacity))}</span>
        {next !== null && (
          <span className="text-sm text-dim">
            {left === 0 ? words.next.none : words.next.some} <Time at={next} />
          </span>
        )}
      </p>
      <Meter label={words.used} value={capacity === 0 ? 1 : 1 - left / capacity} text={told} />
    </div>
  )
}

/** By the issuer's own answer, whose words the sentence has. */
const Closed = ({ until, why }: { until: string; why: string }) => (
  <div className="min-w-0 [overflow-wrap:anywhere]">
    <Badge tone="bad">
      {words.closed} <Time at={until} />
    </Badge>
    <p className="mt-1 text-sm text-dim">{sentence(why)}</p>
  </div>
)
