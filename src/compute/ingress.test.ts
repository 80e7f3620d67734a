import { describe, expect, test } from "bun:test"
import { obstacle, PartsHouse, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("ingress rules"), () => {
  const house = PartsHouse.forTests()

  test("ingress rules are added, changed and removed, by their owner alone", async () => {
    const id = await house.create({ mount_paths: [] })
    const path = `/containers/${id}/ingress`
    expect(house.certified).toEqual([])
    const first = await house.send<{ id: number }>("ann", "POST", path, { port: 8080 })
    expect(first).toEqual({ id: expect.any(Number), port: 8080, target_port: 8080, created_at: expect.any(Number) } as never)
    expect(await house.send("ann", "POST", path, { port: 8080, target_port: 3000 })).toMatchObject({
      id: first.id,
      target_port: 3000,
    } as never)
    await house.send("ann", "POST", path, { port: 443, target_port: 0 })
    expect(await house.send("ann", "POST", path, { port: 8999 })).toMatchObject({ problem: "taken" } as never)
    const { rules } = await house.send<{ rules: { port: number; target_port: number }[] }>("ann", "GET", path)
    expect(rules.map((one) => `${one.port}>${one.target_port}`)).toEqual(["443>443", "8080>3000", "8999>8999"])
    expect(house.certified).toContain(`${id}.compute.cloud.test`)
    expect((await house.parts.ingress.routes())[0]).toEqual({
      host: `${id}.compute.cloud.test`,
      containerId: id,
      port: 443,
      targetPort: 443,
    })
    expect(await house.send("ann", "GET", `/containers/${id}`)).toMatchObject({ https_enabled: true } as never)
    expect(await house.send("ann", "DELETE", `${path}/443`)).toEqual({ status: "ok" } as never)
    expect(await house.send("ann", "DELETE", `${path}/443`)).toEqual({ status: "ok" } as never)
    expect((await house.ask("ann", "DELETE", `${path}/22`)).status).toBe(400)
    expect(await house.send("ann", "GET", `/containers/${id}`)).toMatchObject({ https_enabled: false } as never)
    for (const [method, at] of [
      ["GET", path],
      ["POST", path],
      ["DELETE", `${path}/8080`],
    ] as const)
      expect((await house.ask("bob", method, at, method === "POST" ? { port: 80 } : undefined)).status).toBe(404)
  }, 30_000)

  test("a container that is made with a rule has its certificate asked for at once, as one that gets a rule later", async () => {
    const id = await house.create({ mount_paths: [], ingress_rules: [{ port: 443, target_port: 8080 }] })
    expect(house.certified).toEqual([`${id}.compute.cloud.test`])
  })
})
