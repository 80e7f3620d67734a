import { Link } from "@tanstack/react-router"
import { cx, type Tone } from "../../parts/classes"
import { Section } from "../../parts/page"
import { Dot } from "../../parts/status"
import { count } from "../../parts/time"
import { home } from "../../words/home"

export type StatesProps<State extends string> = {
  title: string
  to: string
  counts: { total: number } & Record<State, number>
  names: Record<State, string>
  tones: Record<State, Tone>
  /** The list's own name for those in a state. */
  filters: Record<State, string>
}

/** How many there are in each state; each leads to the list of those. */
export function States<State extends string>({ title, to, counts, names, tones, filters }: StatesProps<State>) {
  const states = Object.keys(names) as State[]
  return (
    <Section
      title={
        <Link to={to} className="hover:text-accent hover:underline">
          {title}
        </Link>
      }
      actions={<span className="text-dim tabular-nums">{counts.total === 0 ? home.none : count(counts.total)}</span>}
    >
      <ul className="-my-1">
        {states.map((state) => (
          <li key={state}>
            <Link
              to={to}
              search={{ state: filters[state] } as never}
              className={cx("-mx-2 flex items-center gap-2 rounded-md px-2 py-1 hover:bg-hover", counts[state] === 0 && "text-dim")}
            >
              <Dot tone={counts[state] === 0 ? "neutral" : tones[state]} />
              <span className="flex-1">{names[state]}</span>
              <span className="tabular-nums">{count(counts[state])}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  )
}
