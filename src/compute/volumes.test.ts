import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { runCommand } from "../../test/lab/process"
import { obstacle, PartsHouse, script, serve, titled } from "./parts-house.fixture"

describe.skipIf(obstacle !== undefined)(titled("what containers keep"), () => {
  const house = PartsHouse.forTests()

  test("what stands at a mount path survives stop, start, rebuild and removal behind our back, and goes when asked", async () => {
    const id = await house.create({ mount_paths: ["/www", "/data"], command: script(serve) })
    await house.runs(id)
    // An empty volume is filled with what the image has.
    expect(await house.inside(id, "cat", "/www/index.html")).toBe("hello from busybox\n")
    await house.inside(id, "sh", "-c", "echo kept > /data/note; echo gone > /note")
    await house.send("ann", "POST", `/containers/${id}/stop`)
    await house.send("ann", "POST", `/containers/${id}/start`)
    await house.runs(id)
    expect(await house.inside(id, "cat", "/data/note", "/note")).toBe("kept\ngone\n")
    expect(await house.send("ann", "POST", `/containers/${id}/rebuild`, { env: { GREETING: "again" } })).toMatchObject({
      status: "running",
      env: { GREETING: "again" },
    } as never)
    expect(await house.inside(id, "sh", "-c", "cat /data/note; ls /note 2>/dev/null; cat /www/index.html")).toBe(
      "kept\nhello from busybox\n",
    )
    await house.lab.run("rm", "--force", "--time", "0", `freehold-${id}`)
    await house.becomes(id, ({ status }) => status === "failed", "the loss to be seen")
    await house.send("ann", "POST", `/containers/${id}/start`)
    await house.runs(id)
    expect(await house.inside(id, "cat", "/data/note")).toBe("kept\n")

    const volumes = async () =>
      (await house.send<{ volumes: { id: string; path: string; mounted: boolean }[] }>("ann", "GET", `/containers/${id}/volumes`)).volumes
    expect(await house.send("ann", "PUT", `/containers/${id}/mounts`, { mount_paths: ["/www"] })).toEqual({
      mount_paths: ["/www"],
      restarted: true,
    } as never)
    await house.runs(id)
    expect(await house.inside(id, "sh", "-c", "ls /data/note 2>&1 || true")).toContain("No such file")
    const data = (await volumes()).find(({ path }) => path === "/data")
    expect(data).toMatchObject({ mounted: false })
    const www = (await volumes()).find(({ mounted }) => mounted)
    expect((await house.ask("ann", "DELETE", `/containers/${id}/volumes/${www?.id}`)).status).toBe(409)
    expect((await house.ask("bob", "DELETE", `/containers/${id}/volumes/${data?.id}`)).status).toBe(404)
    await house.send("ann", "DELETE", `/containers/${id}/volumes/${data?.id}`)
    expect(await readdir(join(house.folder, id))).toEqual([www!.id])
    for (const [body, error] of [
      [{ mount_paths: [] }, "at least one mount path is required"],
      [{ mount_paths: ["x"] }, "mount paths must be absolute (start with /)"],
    ] as const) {
      const res = await house.ask("ann", "PUT", `/containers/${id}/mounts`, body)
      expect([res.status, await res.json()]).toEqual([400, { error }])
    }
    await house.send("ann", "DELETE", `/containers/${id}`)
    expect(existsSync(join(house.folder, id))).toBe(false)
    expect(await house.lab.run("volume", "ls", "--quiet")).toBe("")
  }, 60_000)

  test("what may not be removed is said, loses nothing, and goes once it may", async () => {
    const id = await house.create({ mount_paths: ["/data"], command: script(serve) })
    await house.runs(id)
    await house.inside(id, "touch", "/data/note")
    const [volume = ""] = await readdir(join(house.folder, id))
    const note = join(house.folder, id, volume, "note")
    // Not even root removes it then, as another user may not what is somebody else's.
    await runCommand(["chattr", "+i", note])
    const refused = await house.ask("ann", "DELETE", `/containers/${id}`)
    await runCommand(["chattr", "-i", note])
    const why = "failed to delete container: what it kept may not be removed by the user whom Freehold runs as (EPERM)"
    expect([refused.status, await refused.json()]).toEqual([502, { error: why }])
    expect(existsSync(note)).toBe(true)
    expect(await house.send("ann", "GET", `/containers/${id}`)).toHaveProperty("id", id)
    await house.send("ann", "DELETE", `/containers/${id}`)
    expect(existsSync(join(house.folder, id))).toBe(false)
    expect((await house.ask("ann", "GET", `/containers/${id}`)).status).toBe(404)
  }, 30_000)
})
