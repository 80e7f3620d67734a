import { expect, test } from "bun:test"
import { stageObstacle } from "../e2e/stage"
import { describe, growth, replayDay } from "../load/day"

const obstacle = await stageObstacle({ pebble: true, podman: true })
const isLong = process.env.FREEHOLD_LONG === "1"
const seconds = isLong ? 600 : 20

// `scripts/load 600` does the same by itself.
test.skipIf(obstacle !== undefined)(
  `a busy day in ${seconds} seconds, with everything running, has no failure${obstacle ? ` (skipped: ${obstacle})` : ""}`,
  async () => {
    const figures = await replayDay(seconds)
    console.log(describe(figures))
    expect(figures.failures.slice(0, 5)).toEqual([])
    for (const [what, count] of Object.entries(figures.done)) expect([what, count > 0]).toEqual([what, true])
    // A start is no level yet: in twenty seconds memory still comes to its own.
    expect(growth(figures)).toBeLessThan(isLong ? 1.1 : 1.5)
  },
  seconds * 1000 + 120_000,
)
