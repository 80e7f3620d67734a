import { Check, CircleDashed, CircleDot, TriangleAlert } from "lucide-react"
import type { ReactNode } from "react"
import { cx } from "../../parts/classes"
import { journey as words } from "../../words/hostnames"

export type StepState = "done" | "now" | "later" | "trouble"

export type Step = { title: string; state: StepState; body: ReactNode }

const icons = { done: Check, now: CircleDot, later: CircleDashed, trouble: TriangleAlert }
const tones = { done: "text-good", now: "text-accent", later: "text-dim", trouble: "text-warn" }

/** The way from a new name to its first visit; each step says how it stands and what to do. */
export const Journey = ({ steps }: { steps: Step[] }) => (
  <ol aria-label={words.title} className="flex flex-col">
    {steps.map(({ title, state, body }, index) => {
      const Icon = icons[state]
      return (
        <li key={title} aria-current={state === "now" ? "step" : undefined} className="relative flex gap-3 pb-6 last:pb-0">
          {index < steps.length - 1 && <span aria-hidden className="absolute top-7 bottom-0 left-3 w-px bg-line" />}
          <span className={cx("flex size-6 shrink-0 items-center justify-center", tones[state])}>
            <Icon aria-hidden className="size-5" />
          </span>
          <div className="min-w-0 flex-1">
            <h3 className={cx("font-semibold", state === "later" && "text-dim")}>
              {title}
              <span className="sr-only">: {words.steps[state]}</span>
            </h3>
            <div className="mt-1 flex flex-col gap-3">{body}</div>
          </div>
        </li>
      )
    })}
  </ol>
)
