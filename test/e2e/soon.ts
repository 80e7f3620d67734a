import { expect } from "bun:test"

const limitMs = 30_000
const matchers = ["toBe", "toContain", "toMatch"] as const

type Expected = string | number | boolean | object | null
/** Rejects with what the matcher said last. */
type Soon = Record<(typeof matchers)[number], (expected: Expected) => Promise<void>>

/** Like `expect`, of what a page says: read again until the matcher holds, for half a minute at most, since pages show one thing a moment before the other. */
export function soon(read: () => Promise<unknown>): Soon {
  const until = (matcher: (typeof matchers)[number]) => async (expected: Expected) => {
    const deadline = performance.now() + limitMs
    for (;;) {
      const value = await read()
      try {
        const matching = expect(value) as unknown as Record<string, (expected: Expected) => void>
        matching[matcher]?.(expected)
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
      await Bun.sleep(50)
    }
  }
  return Object.fromEntries(matchers.map((matcher) => [matcher, until(matcher)])) as Soon
}
