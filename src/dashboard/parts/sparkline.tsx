import { cx, type Tone, toneText } from "./classes"

/** A small line without axes, for lists. `label` says what it is and how it stands. */
export function Sparkline({
  values,
  label,
  tone = "accent",
  className,
}: {
  values: number[]
  label: string
  tone?: Tone
  className?: string
}) {
  const high = Math.max(...values, 1e-9)
  const step = 100 / Math.max(values.length - 1, 1)
  const points = values.map((value, index) => `${(index * step).toFixed(2)},${(23 - (value / high) * 22).toFixed(2)}`)
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      className={cx("h-6 w-24", toneText[tone], className)}
    >
      {points.length > 1 && (
        <polyline points={points.join(" ")} fill="none" stroke="currentColor" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
      )}
    </svg>
  )
}
