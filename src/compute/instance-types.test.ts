import { describe, expect, test } from "bun:test"
import { obstacle, PartsHouse, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("instance types"), () => {
  const house = PartsHouse.forTests()

  test("instance types are an administrator's to change, and one in use stays", async () => {
    expect((await house.ask("ann", "PUT", "/instance-types/huge", { cpus: 8 })).status).toBe(403)
    await house.send("root", "PUT", "/instance-types/huge", { cpus: 8, pids: 99 })
    await house.send("root", "PUT", "/instance-types/huge", { cpus: 0.1 })
    const { instance_types } = await house.send<{ instance_types: object[] }>("ann", "GET", "/instance-types")
    expect(instance_types.at(-1)).toEqual({ name: "huge", cpus: 0.1, pids: 1024 })
    expect(instance_types[0]).toEqual({ name: "nano", cpus: 0.5, pids: 1024 })
    const id = await house.create({ instance_type: "huge", mount_paths: [] })
    expect((await house.ask("root", "DELETE", "/instance-types/huge")).status).toBe(409)
    await house.send("ann", "DELETE", `/containers/${id}`)
    await house.send("root", "DELETE", "/instance-types/huge")
    expect((await house.ask("root", "DELETE", "/instance-types/huge")).status).toBe(404)
    for (const body of [{}, { cpus: 0 }, { cpus: "1" }, { cpus: 1, pids: 1 }])
      expect((await house.ask("root", "PUT", "/instance-types/x", body)).status).toBe(400)
  }, 30_000)
})
