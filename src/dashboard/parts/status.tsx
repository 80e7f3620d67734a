import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react"
import type { ReactNode } from "react"
import { ApiFault } from "../data/api"
import { shell } from "../words/shell"
import { Button } from "./button"
import { cx, type Tone, toneSoft, toneText } from "./classes"

/** How something stands, in a word. */
export const Badge = ({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) => (
  <span className={cx("inline-flex items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap", toneSoft[tone])}>
    {children}
  </span>
)

/** A dot before a word, for lists that are long. */
export const Dot = ({ tone }: { tone: Tone }) => (
  <span aria-hidden className={cx("inline-block size-2 shrink-0 rounded-full bg-current", toneText[tone])} />
)

const icons: Record<Tone, typeof Info> = {
  neutral: Info,
  info: Info,
  accent: Info,
  good: CircleCheck,
  warn: TriangleAlert,
  bad: CircleAlert,
}

export type NoticeProps = {
  tone?: Tone
  title?: ReactNode
  children?: ReactNode
  action?: ReactNode
  isAlert?: boolean
  className?: string
}

/** Something to know, with what to do about it; `isAlert` for what has just gone wrong. */
export function Notice({ tone = "info", title, children, action, isAlert = false, className }: NoticeProps) {
  const Icon = icons[tone]
  return (
    <div role={isAlert ? "alert" : undefined} className={cx("flex gap-2.5 rounded-lg p-3", toneSoft[tone], className)}>
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1 [overflow-wrap:anywhere]">
        {title !== undefined && <p className="font-medium">{title}</p>}
        {children !== undefined && <div className="text-text">{children}</div>}
      </div>
      {action}
    </div>
  )
}

/** What a fault says, and a way to try again. */
export function FaultNotice({ error, onRetry, className }: { error: unknown; onRetry?: () => void; className?: string }) {
  return (
    <Notice
      tone="bad"
      isAlert
      className={className}
      action={
        onRetry && (
          <Button small onClick={onRetry}>
            {shell.retry}
          </Button>
        )
      }
    >
      {faultText(error)}
    </Notice>
  )
}

/** A fault in the words that the API chose; of a program's error, that it is ours. */
export const faultText = (error: unknown): string => (error instanceof ApiFault ? error.message : `${shell.crashTitle}: ${String(error)}`)

/** A list that has nothing in it yet: what it is for, and how to begin. */
export const Empty = ({ title, children, action, icon }: { title: string; children?: ReactNode; action?: ReactNode; icon?: ReactNode }) => (
  <div className="flex flex-col items-center gap-2 rounded-lg border border-dashed border-edge px-6 py-12 text-center">
    {icon !== undefined && <span className="text-dim">{icon}</span>}
    <h2 className="text-lg font-semibold">{title}</h2>
    {children !== undefined && <div className="max-w-prose text-dim">{children}</div>}
    {action !== undefined && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
  </div>
)

/** Takes the place of what is being loaded, in its size, so that nothing jumps. */
export const Skeleton = ({ className }: { className?: string }) => (
  <span aria-hidden className={cx("block animate-pulse rounded-md bg-sunken", className ?? "h-4 w-full")} />
)

/** Rows of a list that is being loaded. */
export const SkeletonRows = ({ rows = 5, className = "h-12" }: { rows?: number; className?: string }) => (
  <div role="status" className="flex flex-col gap-2">
    <span className="sr-only">{shell.loading}</span>
    {Array.from({ length: rows }, (_, row) => (
      <Skeleton key={row} className={className} />
    ))}
  </div>
)
