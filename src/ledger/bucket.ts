/** How often something may be done: `capacity` times at once, and again one by one, so that a bucket is full again after `perMs` (a token bucket). */
export type Limit = { capacity: number; perMs: number }

/** A bucket as kept: the moment at which it is full again, in Unix milliseconds. One number, since it refills evenly. */
export type Level = number

/** What one token takes to come back. */
export const refillMs = ({ capacity, perMs }: Limit): number => perMs / capacity

/** No bucket is emptier than empty, whatever the clock did meanwhile. */
const bounded = ({ perMs }: Limit, level: Level, now: number) => Math.min(Math.max(level, now), now + perMs)

/** How many tokens there are. */
export function tokensLeft(limit: Limit, level: Level, now: number): number {
  // A hair more, so that a token that is due this very millisecond is there.
  return Math.floor((limit.perMs - (bounded(limit, level, now) - now)) / refillMs(limit) + 1e-6)
}

/** When there will be `count` tokens; `now` where there are. More than the capacity is never waited for. */
export function tokensAt(limit: Limit, level: Level, now: number, count: number): number {
  const needed = Math.min(count, limit.capacity) * refillMs(limit)
  return Math.max(now, Math.ceil(bounded(limit, level, now) + needed - limit.perMs))
}

/** When there will be one token more than now; undefined where it is full. */
export function nextTokenAt(limit: Limit, level: Level, now: number): number | undefined {
  const left = tokensLeft(limit, level, now)
  return left >= limit.capacity ? undefined : tokensAt(limit, level, now, left + 1)
}

/** The level after taking a token. */
export const taken = (limit: Limit, level: Level, now: number): Level => Math.ceil(bounded(limit, level, now) + refillMs(limit))

/** The level after giving one back. */
export const givenBack = (limit: Limit, level: Level, now: number): Level =>
  Math.max(now, Math.floor(bounded(limit, level, now) - refillMs(limit)))

/** A level reckoned for another capacity, with as many tokens taken as then: whoever is allowed more has what is more at once. */
export const rescaled = (limit: Limit, level: Level, capacity: number, now: number): Level =>
  capacity === 0 || capacity === limit.capacity || level <= now ? level : Math.ceil(now + ((level - now) * capacity) / limit.capacity)
