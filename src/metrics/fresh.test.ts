import { expect, test } from "bun:test"
import { Fresh } from "./fresh"

test("an answer is shared while it is found and for a while after, and a failure is not kept", async () => {
  let now = 0
  let asked = 0
  let fails = false
  const fresh = new Fresh(
    async () => {
      asked++
      await Bun.sleep(1)
      if (fails) throw new Error("no")
      return asked
    },
    1000,
    () => now,
  )
  expect(await Promise.all([fresh.read(), fresh.read()])).toEqual([1, 1])
  now = 999
  expect(await fresh.read()).toBe(1)
  now = 1000
  fails = true
  await expect(fresh.read()).rejects.toThrow("no")
  fails = false
  expect(await fresh.read()).toBe(3)
})
