import { expect, test } from "bun:test"
import { threadCount } from "./thread-count"

test.each([
  [undefined, 1, 1],
  [undefined, 2, 1],
  [undefined, 3, 1],
  [undefined, 4, 2],
  [undefined, 8, 4],
  [undefined, 128, 8],
  [3, 2, 3],
  [64, 4, 64],
] as const)("%p set on %p cores is %p threads", (set, cores, threads) => {
  expect(threadCount(set, cores)).toBe(threads)
})
