/** Joins class names, leaving out what is false. */
export const cx = (...names: (string | false | undefined | null)[]): string => names.filter(Boolean).join(" ")

/** How something stands: the colours of badges, notices and dots. Never the only sign of it; words say the same. */
export type Tone = "neutral" | "good" | "warn" | "bad" | "info" | "accent"

export const toneText: Record<Tone, string> = {
  neutral: "text-dim",
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
  info: "text-info",
  accent: "text-accent",
}

export const toneSoft: Record<Tone, string> = {
  neutral: "bg-sunken text-text",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-info-soft text-info",
  accent: "bg-accent-soft text-accent",
}
