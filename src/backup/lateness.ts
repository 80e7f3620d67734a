const hourMs = 3_600_000
/** A daily timer has an hour of its own, and may have missed one night. */
const timerLimitMs = 48 * hourMs

/** Whether a moment on record is still to come: the clock was wrong then, or is now, and nothing can be reckoned from it. */
export const isAhead = (at: number, now: number): boolean => at > now + hourMs

/**
 * Since when there should have been another backup after one of this moment: where the server makes them by itself, one and a half intervals and an hour
 * later, else two days later. Undefined while there need not.
 */
export function lateSince(at: number, everyMs: number | undefined, now: number): number | undefined {
  if (isAhead(at, now)) return now
  const due = at + (everyMs === undefined ? timerLimitMs : everyMs * 1.5 + hourMs)
  return now > due ? due : undefined
}
