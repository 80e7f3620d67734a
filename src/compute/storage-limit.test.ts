import { describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { obstacle, PartsHouse, script, titled } from "./parts-house.fixture"
import { folderBytes } from "./storage-limit"

const stay = script("trap 'exit 0' TERM; sleep 1000 & wait")

describe.skipIf(obstacle !== undefined)(titled("the storage of containers"), () => {
  const house = PartsHouse.forTests()
  const look = () => house.parts.storage.look(new AbortController().signal)
  const used = async (id: string) => (await house.send<{ storage_used_gb?: number }>("ann", "GET", `/containers/${id}`)).storage_used_gb

  test("what it writes and what it keeps are measured, and only of a container that runs", async () => {
    const id = await house.create({ storage_gb: 2, command: stay, mount_paths: ["/data"] })
    await house.runs(id)
    await look()
    expect(await used(id)).toBe(0)
    await house.inside(id, "fallocate", "-l", "400m", "/written")
    await house.inside(id, "fallocate", "-l", "600m", "/data/kept")
    await look()
    // 1000 MB are 0.97 of the GB that memory and storage are counted in.
    expect(await used(id)).toBe(0.9)
    expect((await house.store.find(id))?.status).toBe("running")
    await house.send("ann", "POST", `/containers/${id}/stop`)
    expect(await used(id)).toBeUndefined()
  }, 30_000)

  test.each(["/written", "/data/kept"])(
    "one that keeps more than it may, at %s, is ended, not started again, and let in once it may",
    async (file) => {
      const id = await house.create({ storage_gb: 1, command: stay, mount_paths: ["/data"], restart_policy: "always" })
      await house.runs(id)
      await house.inside(id, "fallocate", "-l", "1100m", file)
      await look()
      const why = "it keeps 1.0 GB on disk and may keep 1 GB: rebuild it with a larger storage_gb, or remove what it kept"
      const isOver = ({ status, status_detail }: Record<string, unknown>) => status === "failed" && status_detail === why
      await house.becomes(id, isOver, "the end")
      expect(await house.lab.run("ps", "--quiet")).toBe("")
      await house.send("ann", "POST", `/containers/${id}/start`)
      await house.becomes(id, isOver, "the refusal")
      // A new process knows nothing of the last look.
      await house.stop()
      house.start()
      await house.isFollowed()
      await house.send("ann", "POST", `/containers/${id}/start`)
      await house.becomes(id, isOver, "the refusal")
      expect(await house.lab.run("ps", "--quiet")).toBe("")
      // What was written beside the volumes goes with a rebuild, what stands in them needs room.
      const rebuilt = await house.send("ann", "POST", `/containers/${id}/rebuild`, file === "/written" ? {} : { storage_gb: 2 })
      expect(rebuilt).toMatchObject({ status: "running", storage_gb: file === "/written" ? 1 : 2 } as never)
      await look()
      expect(await used(id)).toBe(file === "/written" ? 0 : 1)
    },
    60_000,
  )
})

test("a folder is counted by what it takes: below all of it, once for each file, and nothing behind links", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-usage-"))
  expect(await folderBytes(join(folder, "none"))).toBe(0)
  const deep = join(folder, ...Array.from({ length: 20 }, () => "d".repeat(100)))
  await mkdir(deep, { recursive: true })
  await writeFile(join(deep, "file"), Buffer.alloc(1_000_000, 1))
  await symlink("/usr", join(folder, "link"))
  const bytes = await folderBytes(folder)
  expect(bytes).toBeGreaterThan(1_000_000)
  expect(bytes).toBeLessThan(1_300_000)
  const gone = new AbortController()
  gone.abort()
  await expect(folderBytes(folder, gone.signal)).rejects.toThrow("abort")
  await rm(folder, { recursive: true })
})
