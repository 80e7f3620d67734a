import { describe, expect, test } from "bun:test"
import { obstacle, PartsHouse, script, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("usage of containers"), () => {
  const house = PartsHouse.forTests()

  test("usage is sampled: processor, memory, network and processes", async () => {
    const id = await house.create({ command: script("(while :; do :; done) & wait"), mount_paths: [] })
    await house.runs(id)
    const { usage } = house.parts
    await usage.look(new AbortController().signal)
    await Bun.sleep(1000)
    await usage.look(new AbortController().signal)
    const { samples, interval_seconds } = await house.send<{ samples: Record<string, number>[]; interval_seconds: number }>(
      "ann",
      "GET",
      `/containers/${id}/stats`,
    )
    expect(interval_seconds).toBe(10)
    expect(samples).toHaveLength(1)
    // A nano has half a processor.
    expect(samples[0]?.cpu_percent).toBeGreaterThan(20)
    expect(samples[0]?.cpu_percent).toBeLessThan(75)
    expect(samples[0]?.memory_bytes).toBeGreaterThan(0)
    expect(samples[0]?.received_bytes_per_second).toBeGreaterThanOrEqual(0)
    expect(samples[0]?.processes).toBeGreaterThanOrEqual(2)
    expect(await house.send("ann", "GET", `/containers/${id}`)).toHaveProperty("memory_used_mb")
    expect((await house.ask("bob", "GET", `/containers/${id}/stats`)).status).toBe(404)
  }, 30_000)
})
