import { expect, test } from "bun:test"
import { crashHouse } from "../crash/house-crash"
import { stageObstacle } from "../e2e/stage"

const obstacle = await stageObstacle({ pebble: true, podman: true, front: true })
const kills = process.env.FREEHOLD_LONG === "1" ? 500 : 15

// `scripts/crash house 500` does the same by itself.
test.skipIf(obstacle !== undefined)(
  `${kills} kills of the appliance in the midst of its work lose nothing and leave nothing behind${obstacle ? ` (skipped: ${obstacle})` : ""}`,
  async () => {
    const figures = await crashHouse({ kills, seed: Math.floor(Math.random() * 1_000_000) })
    expect(figures).toMatchObject({ kills })
    console.log(figures.done.join("; "))
  },
  kills * 15_000 + 120_000,
)
