import { CircleCheck } from "lucide-react"
import { TroubleItem } from "../../parts/trouble-item"
import { home } from "../../words/home"
import { linkOf, type Overview } from "./data"

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
          <TroubleItem
            key={`${one.kind} ${one.subject.id ?? one.subject.name}`}
            trouble={one}
            name={one.subject.name}
            place={linkOf(one)}
            note={home.kinds[one.subject.kind]}
          />
        ))}
      </ul>
    </section>
  )
}
