import { cx } from "./classes"

/** How full something is, from 0 to 1, with words for who does not see it. */
export function Meter({ label, value, text }: { label: string; value: number; text: string }) {
  const share = Math.min(Math.max(value, 0), 1)
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
      aria-valuetext={text}
      className="h-1.5 w-full overflow-hidden rounded-full bg-sunken"
    >
      <div
        className={cx("h-full rounded-full", share > 0.95 ? "bg-bad" : share > 0.8 ? "bg-warn" : "bg-accent")}
        style={{ width: `${share * 100}%` }}
      />
    </div>
  )
}

/** How far something is. */
export const Progress = ({ label, value }: { label: string; value: number }) => (
  <div
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round(value * 100)}
    className="h-1 w-full overflow-hidden rounded-full bg-sunken"
  >
    <div className="h-full rounded-full bg-accent" style={{ width: `${Math.min(value, 1) * 100}%` }} />
  </div>
)
