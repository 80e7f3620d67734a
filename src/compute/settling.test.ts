import { afterEach, expect, test } from "bun:test"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openDatabase } from "../db/open"
import { Engine } from "../engine/engine"
import { silentLog } from "../log"
import { newRow } from "./new-row"
import { ComputeService } from "./service"
import { ContainerStore } from "./store"

const ann = { personId: "ann", isAdmin: false }
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Containers at an engine that knows none of them, and can be taken away. */
async function setup(ids: string[]) {
  const db = await openDatabase(":memory:")
  await db
    .insertInto("people")
    .values({ id: "ann", username: "ann", displayName: "ann", passwordHash: "", isAdmin: 0, createdAt: 0 })
    .execute()
  const store = new ContainerStore(db)
  for (const id of ids) await store.insert({ ...newRow(ann, id, 0), id, image: "app", desired: "stopped", status: "stopped" }, 9)
  const socket = join(tmpdir(), `freehold-settling-${process.pid}-${Math.random()}.sock`)
  const listen = () =>
    Bun.serve({
      unix: socket,
      fetch: (request) => (request.url.endsWith("/_ping") ? new Response("OK") : Response.json([])),
    })
  let server: ReturnType<typeof listen> | undefined = listen()
  const engine = {
    goes: async () => {
      await server?.stop(true)
      server = undefined
      await rm(socket, { force: true })
    },
    comes: () => void (server = listen()),
  }
  let changes = 0
  const compute = new ComputeService({
    store,
    engine: new Engine(socket),
    log: silentLog,
    now: Date.now,
    baseDomain: "cloud.test",
    allowUpstreams: [],
    ownListeners: () => [],
    volumesFolder: "/nonexistent",
    onChange: () => void changes++,
  })
  cleanups.push(
    () => db.destroy(),
    () => engine.goes(),
    () => compute.stopAll(),
  )
  const settle = () => Promise.allSettled(ids.map((id) => compute.settle(id)))
  const details = async () => (await compute.list(ann)).map(({ status_detail }) => status_detail)
  return { engine, compute, settle, details, changes: () => changes }
}

test("everybody is told when the engine goes away and when it is back, and not at each repeat", async () => {
  const { engine, compute, settle, details, changes } = await setup(["0000000a", "0000000b"])
  await settle()
  expect([await details(), changes()]).toEqual([[undefined, undefined], 0])
  await engine.goes()
  for (let look = 0; look < 3; look++) await settle()
  const [first, second] = await details()
  expect(first).toMatch(/^the container engine does not answer \(.*\); the status is the last one known$/)
  expect([second, changes()]).toEqual([first, 1])
  await expect(compute.start(ann, "0000000a")).rejects.toThrow("does not answer")
  // Another call than the first one that failed, and still the same trouble.
  await expect(compute.create(ann, { name: "x", image: "app" })).rejects.toThrow("does not answer")
  expect([await details(), changes()]).toEqual([[first, first], 1])
  engine.comes()
  for (let look = 0; look < 3; look++) await settle()
  expect([await details(), changes()]).toEqual([[undefined, undefined], 2])
  // Whoever meets it first tells.
  await engine.goes()
  await expect(compute.start(ann, "0000000a")).rejects.toThrow("does not answer")
  expect(changes()).toBe(3)
})

test("an engine that refuses is there", async () => {
  const { compute, settle, changes } = await setup(["0000000a"])
  await settle()
  compute.noteTrouble(new Error("no such image"))
  expect(changes()).toBe(0)
})
