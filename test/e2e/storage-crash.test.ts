import { expect, test } from "bun:test"
import { crashStorage } from "../crash/storage-crash"

// `scripts/crash storage 1000` does the same for longer.
test("forty kills in the midst of writes, of the start and of the sweep lose nothing and tear nothing", async () => {
  const figures = await crashStorage({ kills: 40, seed: Math.floor(Math.random() * 1_000_000) })
  expect(figures).toMatchObject({ kills: 40 })
  expect(figures.acknowledged).toBeGreaterThan(500)
  expect(figures.cutOff).toBeGreaterThan(20)
}, 120_000)
