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
import { ComputeService } from "./service"
import { ContainerStore } from "./store"

const obstacle = podmanObstacle()
const ann = { personId: "ann", isAdmin: false }
const serve = ["/bin/sh", "-c", "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h /www & wait"]

describe.skipIf(obstacle !== undefined)(`rebuilds${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let lab: PodmanLab
  let db: Db
  let store: ContainerStore
  let compute: ComputeService
  let engine: ReturnType<typeof obstinateEngine>
  const clock: { stoodStillAt?: number } = {}
  /** What the edge was told, one after the other. */
  let published: { running: boolean; address?: string; awaitedUntil?: number }[]
  const folder = mkdtempSync(join(tmpdir(), "freehold-rebuilds-"))

  beforeAll(async () => {
    lab = await startPodman()
  }, 60_000)
  afterAll(async () => {
    await lab?.stop()
    await rm(folder, { recursive: true })
  }, 30_000)
  beforeEach(async () => {
    db = await openDatabase(":memory:")
    const person = { id: "ann", username: "ann", displayName: "Ann", passwordHash: "", isAdmin: 0, createdAt: 0 }
    await db.insertInto("people").values(person).execute()
    store = new ContainerStore(db)
    engine = obstinateEngine()
    delete clock.stoodStillAt
    published = []
    compute = new ComputeService({
      store,
      engine: new Engine(engine.socket),
      log: createLog("error", () => {}),
      now: () => clock.stoodStillAt ?? Date.now(),
      baseDomain: "cloud.test",
      volumesFolder: folder,
      allowUpstreams: [],
      ownListeners: () => [],
      onChange: async () => void published.push(...[...(await compute.targets()).values()].slice(0, 1)),
    })
  })
  afterEach(async () => {
    await compute.stopAll()
    engine.stop()
    await db.destroy()
    await lab.run("rm", "--force", "--all", "--time", "0")
    await lab.run("volume", "rm", "--force", "--all")
  }, 30_000)

  /** Podman, which refuses what the test says; it is asked before each call that changes something. */
  function obstinateEngine() {
    const socket = join(folder, `${Math.random()}.sock`)
    const will: { refuses: (call: string) => string | undefined } = { refuses: () => undefined }
    const server = Bun.serve({
      unix: socket,
      async fetch(req) {
        const { pathname, search } = new URL(req.url)
        const refusal = req.method === "GET" ? undefined : will.refuses(`${req.method} ${pathname}`)
        if (refusal !== undefined) return Response.json({ message: refusal }, { status: 500 })
        const body = req.method === "GET" ? undefined : await req.arrayBuffer()
        const headers = { "content-type": req.headers.get("content-type") ?? "application/json" }
        return fetch(`http://podman${pathname}${search}`, { unix: lab.socket, method: req.method, headers, body })
      },
    })
    return { socket, will, stop: () => server.stop(true) }
  }

  async function running(body: object = {}): Promise<{ id: string; engineId: string }> {
    const { id } = await compute.create(ann, { name: "web", image: lab.image, memory_mb: 64, command: serve, mount_paths: [], ...body })
    await waitUntil(async () => (await store.find(id))?.status === "running", { what: "the container to run" })
    return { id, engineId: (await store.find(id))?.engineId ?? "" }
  }
  const names = async () => (await lab.run("ps", "--all", "--format", "{{.Names}}")).trim().split("\n").sort()
  const environment = async (id: string) => await lab.run("exec", `freehold-${id}`, "/bin/busybox", "cat", "/proc/1/environ")

  test("one that was made anew is what the store says, although the old one could not be ended; the next rebuild takes that away", async () => {
    const { id, engineId } = await running()
    engine.will.refuses = (call) => (call.includes(`${engineId}/stop`) ? "it does not want to" : undefined)
    await compute.rebuilds.rebuild(ann, id, { env: { NAME: "second" } })
    const row = await store.find(id)
    expect(row).toMatchObject({ status: "running", env: '{"NAME":"second"}' })
    expect(row?.engineId).not.toBe(engineId)
    expect(await environment(id)).toContain("NAME=second")
    expect(await names()).toEqual([`freehold-${id}`, `freehold-${id}-old`])
    engine.will.refuses = () => undefined
    await compute.rebuilds.rebuild(ann, id, {})
    expect(await names()).toEqual([`freehold-${id}`])
  }, 60_000)

  test("one with mounts that cannot be ended goes on, is reached as before, and nothing of it has changed", async () => {
    const { id, engineId } = await running({ mount_paths: ["/data"] })
    const before = await store.find(id)
    engine.will.refuses = (call) => (call.includes(`${engineId}/stop`) ? "it does not want to" : undefined)
    await expect(compute.rebuilds.rebuild(ann, id, { env: { NAME: "second" } })).rejects.toThrow("it does not want to")
    expect(await store.find(id)).toEqual(before)
    expect((await compute.targets()).get(id)).toMatchObject({ running: true, address: before?.address })
  }, 60_000)

  test.each([
    ["rebuilt with mounts", ["/data"], (id: string) => compute.rebuilds.rebuild(ann, id, {})],
    ["stopped", [], (id: string) => compute.stop(ann, id)],
  ] as const)(
    "the edge knows that a container that is %s is not there before it is ended, and awaits it",
    async (_, mounts, change) => {
      const { id, engineId } = await running({ mount_paths: mounts })
      let atTheEnd: (typeof published)[number] | undefined
      engine.will.refuses = (call) => {
        if (call.includes(`${engineId}/stop`)) atTheEnd = published.at(-1)
        return undefined
      }
      await change(id)
      expect(atTheEnd?.running).toBe(false)
      expect(atTheEnd?.awaitedUntil).toBeGreaterThan(Date.now())
    },
    60_000,
  )

  test("the edge knows the new container before the old one is ended", async () => {
    const { id, engineId } = await running()
    const before = (await store.find(id))?.address
    let atTheEnd: (typeof published)[number] | undefined
    engine.will.refuses = (call) => {
      if (call.includes(`${engineId}/stop`)) atTheEnd = published.at(-1)
      return undefined
    }
    await compute.rebuilds.rebuild(ann, id, {})
    expect(atTheEnd).toMatchObject({ running: true, address: (await store.find(id))?.address })
    expect(atTheEnd?.address).not.toBe(before)
  }, 60_000)

  test("what was made for a rebuild that fails is taken away, also where it was made twice", async () => {
    const { id, engineId } = await running()
    let starts = 0
    engine.will.refuses = (call) => {
      if (!call.endsWith("/start")) return undefined
      return starts++ === 0 ? "cgroup: no such controller" : "out of luck"
    }
    await expect(compute.rebuilds.rebuild(ann, id, { env: { NAME: "second" } })).rejects.toThrow("out of luck")
    expect(starts).toBe(2)
    expect(await names()).toEqual([`freehold-${id}`])
    expect(await store.find(id)).toMatchObject({ status: "running", engineId, env: "{}" })
  }, 60_000)

  test("a rebuild whose new application does not come to listen ends for a stop", async () => {
    const { id } = await running()
    await store.rules.put({ containerId: id, port: 443, targetPort: 8080, createdAt: 0 })
    const address = (await store.find(id))?.address
    await waitUntil(async () => (await fetch(`http://${address}:8080/`)).ok, { what: "a page" })
    // The time that it has to come to listen does not pass.
    clock.stoodStillAt = Date.now()
    const rebuilt = compute.rebuilds.rebuild(ann, id, { command: ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"] })
    await waitUntil(async () => (await names()).length === 2, { what: "the new one to be made" })
    await waitUntil(async () => (await lab.run("ps", "--format", "{{.Names}}")).trim().split("\n").length === 2, { what: "it to run" })
    await compute.stop(ann, id)
    await rebuilt
    expect(await store.find(id)).toMatchObject({ status: "stopped", command: JSON.stringify(serve) })
    expect(await names()).toEqual([`freehold-${id}`])
  }, 60_000)
})
