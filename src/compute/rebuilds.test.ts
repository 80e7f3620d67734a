import { describe, expect, test } from "bun:test"
import { obstacle, PartsHouse, script, serve, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("rebuilds"), () => {
  const house = PartsHouse.forTests()

  test("a rebuild without mounts starts the new one before it ends the old one", async () => {
    const id = await house.create({ mount_paths: [], command: script(serve), ingress_rules: [{ port: 443, target_port: 8080 }] })
    await house.runs(id)
    const before = await house.lab.run("ps", "--no-trunc", "--quiet")
    let failed = 0
    let asked = 0
    const state = { done: false }
    const visits = (async () => {
      while (!state.done) {
        const { address } = (await house.compute.targets()).get(id) ?? {}
        asked++
        const signal = AbortSignal.timeout(10_000)
        const res = address === undefined ? undefined : await fetch(`http://${address}:8080/`, { signal }).catch(() => undefined)
        if (res?.ok !== true) failed++
        await Bun.sleep(5)
      }
    })()
    await house.send("ann", "POST", `/containers/${id}/rebuild`, { env: { GREETING: "new" } })
    state.done = true
    await visits
    expect(asked).toBeGreaterThan(5)
    expect(failed).toBeLessThanOrEqual(1)
    const after = await house.lab.run("ps", "--all", "--no-trunc", "--quiet")
    expect(after.trim().split("\n")).toHaveLength(1)
    expect(after).not.toBe(before)
    expect(await house.lab.run("ps", "--format", "{{.Names}}")).toBe(`freehold-${id}\n`)
  }, 30_000)

  test("a rebuild that cannot be leaves the old one running and says why", async () => {
    const id = await house.create({ mount_paths: [] })
    await house.runs(id)
    const res = await house.ask("ann", "POST", `/containers/${id}/rebuild`, { image: "127.0.0.1:9/absent" })
    expect(res.status).toBe(502)
    expect(((await res.json()) as { error: string }).error).toStartWith("failed to rebuild container: pull image 127.0.0.1:9/absent: ")
    const crash = await house.ask("ann", "POST", `/containers/${id}/rebuild`, { image: house.lab.image, command: script("exit 4") })
    expect(await crash.json()).toEqual({ error: "failed to rebuild container: the application ended with exit code 4" })
    const still = await house.send("ann", "GET", `/containers/${id}`)
    expect(still).toMatchObject({ status: "running", image: house.lab.image } as never)
    expect(still).not.toHaveProperty("command")
    expect(await house.lab.run("ps", "--all", "--format", "{{.Names}}")).toBe(`freehold-${id}\n`)
  }, 30_000)
})
