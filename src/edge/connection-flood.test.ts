import { afterEach, expect, test } from "bun:test"
import { Stage } from "./edge.fixture"
import { withstand } from "./flood.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const MIB = 1024 * 1024

// test/flood.ts does the same at full size.
test("connections beyond the bound are refused by the thousand, and those inside are served all the time", async () => {
  const plan = { hold: 500, attempts: 20_000 }
  const seen = await withstand(stage, plan, 30_000)
  expect(seen).toMatchObject({ held: plan.hold, lost: 0, refused: plan.attempts, stuck: 0, served: 0 })
  expect(seen).toMatchObject({ mostConnections: plan.hold, newcomerRefused: true, newcomerServed: true })
  expect(seen.answers).toBeGreaterThanOrEqual(20)
  expect(seen.worstAnswerMs).toBeLessThan(10_000)
  expect(seen.worstRefusalMs).toBeLessThan(10_000)
  expect(seen.rssFlooded - seen.rssHeld).toBeLessThan(64 * MIB)
}, 30_000)
