import { cx, type Tone } from "../../parts/classes"
import { Badge, Dot } from "../../parts/status"
import { containers } from "../../words/containers"
import { type Container, isAdopted, isExternal, type Status } from "./data"

const tones: Record<Status, Tone> = { pending: "info", initializing: "info", running: "good", stopped: "neutral", failed: "bad" }

/** What is being done to a container from this page, while it lasts. */
export type Busy = "starting" | "stopping"

/** How a container stands in a word, with its colour. */
export function stateOf(container: Container, busy?: Busy): { tone: Tone; word: string } {
  if (busy !== undefined) return { tone: "info", word: containers[busy] }
  const { status } = container
  if (isExternal(container) && (status === "running" || status === "stopped"))
    return { tone: status === "running" ? "good" : "neutral", word: containers.externalStatus[status] }
  return { tone: tones[status], word: containers.status[status] }
}

/** The state, and below it why, in one line. */
export function StateLine({ container, busy, className }: { container: Container; busy?: Busy | undefined; className?: string }) {
  const { tone, word } = stateOf(container, busy)
  const detail = busy === undefined ? container.status_detail : undefined
  return (
    <div className={cx("min-w-0", className)}>
      <p className="flex items-center gap-2 whitespace-nowrap">
        <Dot tone={tone} />
        {word}
      </p>
      {detail !== undefined && (
        <p title={detail} className="truncate text-sm text-dim">
          {detail}
        </p>
      )}
    </div>
  )
}

/** What kind of container it is, where it is not one that Freehold made. */
export function KindBadge({ container }: { container: Container }) {
  if (isExternal(container)) return <Badge tone="accent">{containers.external}</Badge>
  return isAdopted(container) ? <Badge tone="info">{containers.adopted}</Badge> : null
}
