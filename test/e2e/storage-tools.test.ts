import { afterAll, beforeAll, describe, test } from "bun:test"
import { findProgram } from "../lab/dns"
import { boundMiB, type Stage } from "../tools/step"
import { stories } from "../tools/stories"
import { openStage } from "../tools/story-stage"

// `scripts/tools storage` tells the same with ten thousand files and one of 5 GiB.
let stage: Stage

beforeAll(async () => {
  stage = await openStage({ files: 300, bigMib: 100 })
}, 60_000)

afterAll(() => stage?.house.stop())

for (const { title, programs, steps } of stories) {
  const absent = programs.find((program) => findProgram(program) === undefined)
  describe.skipIf(absent !== undefined)(absent === undefined ? title : `${title} (${absent} is not installed)`, () => {
    for (const { name, run } of steps) test(name, async () => void (await run(stage)))
  })
}

test("the server's memory stays bounded through all of it", async () => {
  const peakMiB = await stage.house.peakMiB()
  if (peakMiB >= boundMiB) throw new Error(`it held ${peakMiB} MiB`)
})
