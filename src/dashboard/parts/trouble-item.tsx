import { Link } from "@tanstack/react-router"
import { CircleAlert, TriangleAlert } from "lucide-react"
import type { ReactNode } from "react"
import { sentence } from "../data/api"
import type { Trouble } from "../data/trouble"
import { home } from "../words/home"
import { cx } from "./classes"
import { Badge } from "./status"
import { Time } from "./time"

export type TroubleItemProps = {
  trouble: Trouble
  name: string
  /** Where it is mended. */
  place: { to: string; search?: never }
  /** What stands beside the word for it, before since when. */
  note: ReactNode
}

/** One trouble in a list: where, since when, why, and what to do. */
export function TroubleItem({ trouble: { kind, severity, since, reason, step }, name, place, note }: TroubleItemProps) {
  const Icon = severity === "bad" ? CircleAlert : TriangleAlert
  return (
    <li className="grid grid-cols-[auto_1fr] gap-x-3 px-4 py-3">
      <Icon aria-hidden className={cx("mt-0.5 size-4", severity === "bad" ? "text-bad" : "text-warn")} />
      <div className="min-w-0 [overflow-wrap:anywhere]">
        <div className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
          <Link {...place} className="font-medium text-accent hover:underline">
            {name}
          </Link>
          <Badge tone={severity}>{home.states[kind] ?? kind}</Badge>
          <span className="text-sm text-dim">
            {note}
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
