import { CircleAlert, CircleCheck, CircleHelp, TriangleAlert } from "lucide-react"
import type { ReactNode } from "react"
import { welcome } from "../words/welcome"
import { cx, type Tone, toneText } from "./classes"

export type Status = "ok" | "warn" | "bad" | "unknown"

/** How one thing stands, and what to do about it. */
export type Check = { name: string; status: Status; verdict: string; remedy?: string }

const marks: Record<Status, { icon: typeof CircleCheck; tone: Tone }> = {
  ok: { icon: CircleCheck, tone: "good" },
  warn: { icon: TriangleAlert, tone: "warn" },
  bad: { icon: CircleAlert, tone: "bad" },
  unknown: { icon: CircleHelp, tone: "neutral" },
}

/** How something stands: an icon, and the word for it. */
export function StatusMark({ status, className }: { status: Status; className?: string }) {
  const { icon: Icon, tone } = marks[status]
  return (
    <span className={cx("inline-flex shrink-0", toneText[tone], className)} title={welcome.status[status]}>
      <Icon aria-hidden className="size-4.5" />
      <span className="sr-only">{welcome.status[status]}: </span>
    </span>
  )
}

/** Checks, each with its verdict, what to do about it, and what `more` has for it. */
export const CheckList = ({
  label,
  checks,
  names,
  more,
}: {
  label: string
  checks: Check[]
  names: Record<string, string>
  more?: (check: Check) => ReactNode
}) => (
  <ul aria-label={label} className="divide-y divide-line">
    {checks.map((check) => (
      <li key={check.name} className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2.5 py-2.5 sm:grid-cols-[auto_8rem_minmax(0,1fr)]">
        <StatusMark status={check.status} className="pt-px" />
        <p className="font-medium">{names[check.name] ?? check.name}</p>
        <div className="col-start-2 flex flex-col gap-1 [overflow-wrap:anywhere] sm:col-start-3">
          <p>{check.verdict}</p>
          {check.remedy !== undefined && <p className="text-dim">{check.remedy}</p>}
          {more?.(check)}
        </div>
      </li>
    ))}
  </ul>
)
