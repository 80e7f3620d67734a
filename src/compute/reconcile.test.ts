import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PodmanLab, podmanObstacle, startPodman } from "../../test/lab/podman"
import { waitUntil } from "../../test/lab/process"
import { type Db, openDatabase } from "../db/open"
import { Engine } from "../engine/engine"
import { createLog } from "../log"
import type { ContainerReply } from "./model"
import { Reconciler } from "./reconcile"
import { ComputeService } from "./service"
import { ContainerStore } from "./store"

const obstacle = podmanObstacle()
const ann = { personId: "ann", isAdmin: false }
const bob = { personId: "bob", isAdmin: true }

describe.skipIf(obstacle !== undefined)(`containers on Podman${obstacle === undefined ? "" : ` (skipped: ${obstacle})`}`, () => {
  let lab: PodmanLab
  let db: Db
  let store: ContainerStore
  let house: ReturnType<typeof startHouse>
  let logged: string[] = []
  const folder = mkdtempSync(join(tmpdir(), "freehold-volumes-"))

  beforeAll(async () => {
    lab = await startPodman()
  }, 60_000)
  afterAll(async () => {
    await lab?.stop()
    await rm(folder, { recursive: true })
  }, 30_000)
  beforeEach(async () => {
    logged = []
    db = await openDatabase(":memory:")
    const people = ["ann", "bob"].map((id) => ({ id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 0 }))
    await db.insertInto("people").values(people).execute()
    store = new ContainerStore(db)
    house = startHouse()
  })
  afterEach(async () => {
    await house.stop()
    await db.destroy()
    await lab.run("rm", "--force", "--all", "--time", "0")
  }, 30_000)

  /** Service and reconciler as a Freehold process has them; another one on the same store is the process after a restart. */
  function startHouse() {
    const engine = new Engine(lab.socket)
    const log = createLog("debug", (line) => logged.push(line))
    const changes: Promise<string | undefined>[] = []
    const compute: ComputeService = new ComputeService({
      store,
      engine,
      log,
      now: Date.now,
      baseDomain: "cloud.test",
      volumesFolder: folder,
      allowUpstreams: [],
      ownListeners: () => [],
      onChange: () => changes.push(compute.targets().then((targets) => [...targets.values()].at(-1)?.address)),
    })
    const reconciler = new Reconciler({
      service: compute,
      store,
      engine,
      log,
      pollMs: 600_000,
      backoffMs: 50,
      maxBackoffMs: 200,
    })
    reconciler.start()
    return { compute, changes, stop: () => reconciler.stop() }
  }

  const create = (image = lab.image) => house.compute.create(ann, { name: "web", image, memory_mb: 64 })
  const engineId = async (id: string) => (await store.find(id))?.engineId ?? ""
  const isFollowed = () =>
    waitUntil(() => logged.some((line) => line.includes("the container engine is followed")), { what: "the engine to be followed" })

  /** From the store alone, which only events and the reconciler keep true here. */
  async function becomes(id: string, status: string): Promise<ContainerReply> {
    let last: ContainerReply | undefined
    const look = async () => {
      last = (await house.compute.list(ann)).find((one) => one.id === id)
      return last?.status === status
    }
    await waitUntil(look, { what: `${id} to be ${status}` }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(last)}\n${logged.join("")}`)
    })
    return last as ContainerReply
  }

  async function page(address: string | undefined): Promise<string> {
    let text = ""
    const ask = async () => (text = await (await fetch(`http://${address}:8080/`, { signal: AbortSignal.timeout(1000) })).text()) !== ""
    await waitUntil(ask, { what: `a page at ${address}` })
    return text
  }

  test("a container is created, answers at its address, stops, and is followed to another address when it starts again", async () => {
    const created = await create()
    expect(created).toMatchObject({ status: "pending", memory_mb: 64, image: lab.image })
    const first = await becomes(created.id, "running")
    expect(first.status_detail).toBeUndefined()
    expect(await page(first.address)).toBe("hello from busybox\n")
    expect((await house.compute.targets()).get(created.id)).toMatchObject({ running: true, address: first.address })
    expect(JSON.parse(await lab.run("inspect", `freehold-${created.id}`))[0].HostConfig.Memory).toBe(67_108_864)

    const stopped = await house.compute.stop(ann, created.id)
    expect(stopped.status).toBe("stopped")
    expect(stopped.address).toBeUndefined()
    expect(await lab.run("ps", "--all", "--filter", "status=exited", "--format", "{{.Names}}")).toBe(`freehold-${created.id}\n`)
    expect((await house.compute.targets()).get(created.id)).toMatchObject({ running: false, reason: "the container is stopped" })

    expect((await house.compute.start(ann, created.id)).status).toBe("pending")
    const second = await becomes(created.id, "running")
    expect(second.address).not.toBe(first.address)
    expect(await page(second.address)).toBe("hello from busybox\n")
    expect(await Promise.all(house.changes)).toEqual(expect.arrayContaining([first.address, undefined, second.address]))
    expect((await house.compute.get(ann, created.id)).status).toBe("running")
  }, 30_000)

  test("a restart behind our back is followed to the new address", async () => {
    await isFollowed()
    const { id } = await create()
    const { address } = await becomes(id, "running")
    await lab.run("restart", "--time", "2", `freehold-${id}`)
    await waitUntil(async () => ![undefined, null, address].includes((await store.find(id))?.address), { what: "another address" })
    expect(await page((await becomes(id, "running")).address)).toBe("hello from busybox\n")
  }, 30_000)

  test("an application that ends, and a container that is removed behind our back, are told apart", async () => {
    await isFollowed()
    const { id } = await create()
    await becomes(id, "running")
    await lab.run("kill", "--signal", "KILL", `freehold-${id}`)
    expect((await becomes(id, "failed")).status_detail).toBe("the application ended with exit code 137")
    const other = (await create()).id
    await page((await becomes(other, "running")).address)
    await lab.run("stop", `freehold-${other}`)
    expect((await becomes(other, "stopped")).status_detail).toBe("the application ended with exit code 0")
    await house.compute.start(ann, other)
    await becomes(other, "running")
    await lab.run("rm", "--force", "--time", "0", `freehold-${id}`, `freehold-${other}`)
    const isGone = async () => (await store.find(other))?.engineId === null
    await waitUntil(isGone, { what: "the removal to be seen" })
    expect((await becomes(other, "failed")).status_detail).toBe("the container is gone from the engine: it was removed outside Freehold")
    expect((await house.compute.targets()).get(other)?.running).toBe(false)

    await house.compute.start(ann, other)
    expect(await page((await becomes(other, "running")).address)).toBe("hello from busybox\n")
  }, 40_000)

  test("an application that ignores SIGTERM is ended all the same", async () => {
    await lab.run("create", "--name", "stubborn", lab.image, "/bin/sh", "-c", "trap '' TERM; while :; do /bin/busybox sleep 1; done")
    await lab.run("commit", "--quiet", "stubborn", "localhost/stubborn:latest")
    const { id } = await create("localhost/stubborn:latest")
    await becomes(id, "running")
    expect(await house.compute.stop(ann, id)).toMatchObject({ status: "stopped" })
    expect(await lab.run("ps", "--format", "{{.Names}}")).toBe("")
  }, 30_000)

  test("an image that cannot be had fails the container with the reason", async () => {
    const { id } = await create("127.0.0.1:9/absent")
    expect((await becomes(id, "failed")).status_detail).toMatch(/^pull image 127\.0\.0\.1:9\/absent: .*connection refused/)
    expect(await lab.run("ps", "--all", "--quiet")).toBe("")
  }, 30_000)

  test("deletion removes the container from the engine in any status, and only the owner's", async () => {
    const { id } = await create()
    await expect(house.compute.delete(bob, id)).rejects.toThrow("container not found")
    await house.compute.delete(ann, id)
    expect(await house.compute.list(ann)).toEqual([])
    expect(await lab.run("ps", "--all", "--quiet")).toBe("")
    const other = (await create()).id
    await becomes(other, "running")
    await house.compute.delete(ann, other)
    expect(await lab.run("ps", "--all", "--quiet")).toBe("")
    await expect(house.compute.get(ann, other)).rejects.toThrow("container not found")
  }, 30_000)

  test("an engine that is killed and comes back: the containers go on, what ended meanwhile is started again", async () => {
    await isFollowed()
    const [goesOn, ends] = [(await create()).id, (await create()).id]
    const { address } = await becomes(goesOn, "running")
    await becomes(ends, "running")
    await lab.kill()
    expect(await page(address)).toBe("hello from busybox\n")
    await waitUntil(async () => (await house.compute.get(ann, goesOn)).status_detail !== undefined, { what: "the outage to be told" })
    expect(await house.compute.get(ann, goesOn)).toMatchObject({
      status: "running",
      address,
      status_detail: expect.stringMatching(/^the container engine does not answer/),
    })
    await expect(create()).rejects.toThrow("the container engine does not answer")
    await expect(house.compute.delete(ann, goesOn)).rejects.toThrow("the container engine does not answer")
    await lab.run("kill", "--signal", "KILL", `freehold-${ends}`)
    logged = []
    await lab.restart()
    await isFollowed()
    expect(await becomes(goesOn, "running")).toMatchObject({ address })
    expect((await becomes(goesOn, "running")).status_detail).toBeUndefined()
    expect(await page((await becomes(ends, "running")).address)).toBe("hello from busybox\n")
  }, 40_000)

  test("a Freehold that ended in the middle of creating goes on with what is there, and makes nothing twice", async () => {
    const { id } = await create()
    await becomes(id, "running")
    const made = await engineId(id)
    await house.stop()
    for (const status of ["pending", "initializing", "running"] as const) {
      // Died before it noted the engine's id, so only the label leads to it.
      await lab.run("stop", "--time", "2", made)
      await store.update(id, { status, engineId: null, address: null, desired: "running" })
      house = startHouse()
      await becomes(id, "running")
      await waitUntil(async () => (await store.find(id))?.address !== null, { what: "an address" })
      expect(await engineId(id)).toBe(made)
      await house.stop()
    }
    expect((await lab.run("ps", "--all", "--quiet")).trim().split("\n")).toHaveLength(1)
    // Died between the wish to stop and the stop.
    await store.update(id, { desired: "stopped" })
    house = startHouse()
    await becomes(id, "stopped")
    expect(await lab.run("ps", "--quiet")).toBe("")
  }, 40_000)

  test("stopping leaves half-made containers to the next start", async () => {
    const ids = await Promise.all([create(), create(), create()]).then((all) => all.map(({ id }) => id))
    await house.stop()
    house = startHouse()
    for (const id of ids) await becomes(id, "running")
    expect((await lab.run("ps", "--quiet")).trim().split("\n")).toHaveLength(3)
  }, 40_000)
})
