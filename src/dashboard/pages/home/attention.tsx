import { Link } from "@tanstack/react-router"
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react"
import { sentence } from "../../data/api"
import { cx } from "../../parts/classes"
import { Badge } from "../../parts/status"
import { Time } from "../../parts/time"
import { home } from "../../words/home"
import { type Attention, linkOf, type Overview } from "./data"

/** What is the matter, the weightiest first: where, since when, why, and what to do. */
export function AttentionList({ overview: { attention, attention_total: total } }: { overview: Overview }) {
  if (attention.length === 0)
    return (
      <p className="flex items-center gap-2 rounded-lg border border-line bg-card px-4 py-3">
        <CircleCheck aria-hidden className="size-4 text-good" />
        {home.attentionNothing}
      </p>
    )
  return (
    <section aria-labelledby="attention" className="rounded-lg border border-line bg-card">
      <div className="flex items-baseline gap-2 border-b border-line px-4 py-2.5">
        <h2 id="attention" className="font-semibold">
          {home.attention}
        </h2>
        <span className="text-dim">{total > attention.length ? home.attentionMore(attention.length, total) : total}</span>
      </div>
      <ul className="[&>li]:border-b [&>li]:border-line [&>li:last-child]:border-0">
        {attention.map((one) => (
          <Item key={`${one.kind} ${one.subject.id}`} {...one} />
        ))}
      </ul>
    </section>
  )
}

function Item(one: Attention) {
  const { kind, severity, subject, since, reason, step } = one
  const Icon = severity === "bad" ? CircleAlert : TriangleAlert
  return (
    <li className="grid grid-cols-[auto_1fr] gap-x-3 px-4 py-3">
      <Icon aria-hidden className={cx("mt-0.5 size-4", severity === "bad" ? "text-bad" : "text-warn")} />
      <div className="min-w-0 [overflow-wrap:anywhere]">
        <div className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
          <Link {...linkOf(one)} className="font-medium text-accent hover:underline">
            {subject.name}
          </Link>
          <Badge tone={severity}>{home.states[kind]}</Badge>
          <span className="text-sm text-dim">
            {home.kinds[subject.kind]}
            {since !== null && (
              <>
                {" · "}
                {home.since} <Time at={since} />
              </>
            )}
          </span>
        </div>
        <p className="mt-1">{sentence(reason)}</p>
        <p className="text-dim">{step}</p>
      </div>
    </li>
  )
}
