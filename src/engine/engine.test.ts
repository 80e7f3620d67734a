import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PodmanLab, podmanObstacle, startPodman } from "../../test/lab/podman"
import { waitUntil } from "../../test/lab/process"
import { AppError } from "../errors"
import { Engine } from "./engine"
import { findEngine } from "./sockets"
import { EngineFault } from "./faults"
import type { ContainerSpec, EngineEvent } from "./model"

const folder = mkdtempSync(join(tmpdir(), "freehold-engine-"))
afterAll(() => rmSync(folder, { recursive: true }))

const spec = (image: string, name: string): ContainerSpec => ({
  name,
  image,
  memoryMb: 64,
  cpus: 0.5,
  pids: 64,
  labels: { "freehold.id": name },
})

/** A tiny engine at a Unix socket; `answer` gets method and path without the query. */
function tinyEngine(name: string, answer: (request: string, body: string) => Response | Promise<Response>) {
  const socket = join(folder, name)
  const server = Bun.serve({
    unix: socket,
    fetch: async (request) => answer(`${request.method} ${new URL(request.url).pathname}`, await request.text()),
  })
  return { engine: new Engine(socket), stop: () => server.stop(true) }
}

test("an engine is named by its socket, refused by none, and otherwise found where it usually is", () => {
  const socket = join(folder, "found.sock")
  const server = Bun.serve({ unix: socket, fetch: () => new Response() })
  expect(findEngine("none", [socket])).toBeUndefined()
  expect(findEngine(undefined, [join(folder, "absent"), folder, socket])?.socketPath).toBe(socket)
  expect(findEngine(undefined, [join(folder, "absent")])).toBeUndefined()
  expect(findEngine("unix:///later/podman.sock")?.socketPath).toBe("/later/podman.sock")
  expect(() => findEngine("tcp://127.0.0.1:2375")).toThrow('"tcp://127.0.0.1:2375" is not unix:///path/to/socket or none')
  void server.stop(true)
})

test("an engine that is not there is unavailable", async () => {
  const fault = await new Engine(join(folder, "absent")).ping().catch((error: unknown) => error)
  expect(fault).toBeInstanceOf(AppError)
  expect(fault).toMatchObject({ code: "unavailable", message: expect.stringContaining("the container engine does not answer (ping: ") })
})

test("an engine that is silent is unavailable when the time is over", async () => {
  const { engine, stop } = tinyEngine("silent", () => new Promise<Response>(() => {}))
  expect(await engine.ping().catch((error: unknown) => error)).toMatchObject({
    code: "unavailable",
    message: "the container engine does not answer (ping: no answer in 5 seconds)",
  })
  await stop()
}, 10_000)

test("a host that refuses limits gets a container without them, and it is said", async () => {
  const bodies: string[] = []
  const { engine, stop } = tinyEngine("no-limits", (_, body) => {
    bodies.push(body)
    if (JSON.parse(body).HostConfig.Memory === undefined) return Response.json({ Id: "c1", Warnings: [] }, { status: 201 })
    return Response.json({ message: "the requested cgroup controller `memory` is not available" }, { status: 500 })
  })
  expect(await engine.create(spec("app", "a"))).toEqual({ id: "c1", limits: "unavailable" })
  const always = { NetworkMode: "bridge", LogConfig: { Type: "json-file", Config: { "max-size": "10m" } } }
  expect(bodies.map((body) => JSON.parse(body).HostConfig)).toEqual([
    { ...always, Memory: 67_108_864, NanoCpus: 500_000_000, PidsLimit: 64 },
    always,
  ])
  await stop()
})

test("an engine that drops limits silently is not believed to keep them", async () => {
  const noted = { Id: "c1", State: { Status: "created", StartedAt: "" }, NetworkSettings: {}, HostConfig: { Memory: 0 } }
  const { engine, stop } = tinyEngine("drops", (request) =>
    request.endsWith("/create") ? Response.json({ Id: "c1" }, { status: 201 }) : Response.json(noted),
  )
  expect(await engine.create(spec("app", "a"))).toEqual({ id: "c1", limits: "unavailable" })
  await stop()
})

test("an engine that refuses for another reason is quoted, and asked once", async () => {
  let asked = 0
  const { engine, stop } = tinyEngine("refuses", () => {
    asked++
    return Response.json({ message: "the disk is full" }, { status: 500 })
  })
  const fault = await engine.create(spec("app", "web")).catch((error: unknown) => error)
  expect(fault).toBeInstanceOf(EngineFault)
  expect(fault).toMatchObject({ message: "create container web: the disk is full", status: 500, concernsLimits: false })
  expect(asked).toBe(1)
  await stop()
})

test("events that are cut anywhere are put together, and what is no event is passed over", async () => {
  const event = (id: string) => `${JSON.stringify({ Action: "start", Actor: { ID: id, Attributes: { é: "ü" } } })}\n`
  const bytes = new TextEncoder().encode(`${event("a")}nonsense\n\n{}\n${event("b")}`)
  const { engine, stop } = tinyEngine("events", () => {
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += 7) {
        yield bytes.slice(at, at + 7)
        await Bun.sleep(0)
      }
    }
    return new Response(chunks() as unknown as ReadableStream)
  })
  const seen: EngineEvent[] = []
  await new Promise<void>((resolve) => void engine.events((one) => seen.push(one), resolve))
  expect(seen).toEqual(["a", "b"].map((id) => ({ id, action: "start", labels: { é: "ü" } })))
  await stop()
})

const obstacle = podmanObstacle()

describe.skipIf(obstacle !== undefined)(`with Podman${obstacle === undefined ? "" : ` (skipped: ${obstacle})`}`, () => {
  let lab: PodmanLab
  let engine: Engine
  beforeAll(async () => {
    lab = await startPodman()
    engine = new Engine(lab.socket)
  }, 60_000)
  afterAll(() => lab?.stop(), 30_000)

  test("a container lives its life: created, running at its own address, exited, gone", async () => {
    await engine.ping()
    const events: EngineEvent[] = []
    const stopEvents = await engine.events(
      (event) => events.push(event),
      () => {},
    )
    const { id, limits } = await engine.create({ ...spec(lab.image, "life"), env: { GREETING: "a=b c" } })
    expect(limits).toBe("enforced")
    expect(await engine.inspect(id)).toMatchObject({ id, state: "created", address: undefined, startedAt: undefined })
    expect(await engine.withLabel("freehold.id", "life")).toEqual([id])
    expect(await engine.withLabel("freehold.id", "lif")).toEqual([])

    await engine.start(id)
    await engine.start(id)
    const running = await engine.inspect(id)
    expect(running).toMatchObject({ state: "running", limits: "enforced" })
    expect(Math.abs((running?.startedAt ?? 0) - Date.now())).toBeLessThan(60_000)
    let page = ""
    await waitUntil(async () => (page = await (await fetch(`http://${running?.address}:8080/`)).text()) !== "", { what: "the page" })
    expect(page).toBe("hello from busybox\n")
    expect(await lab.run("exec", id, "/bin/busybox", "env")).toContain("GREETING=a=b c\n")

    await engine.stop(id, 5)
    await engine.stop(id, 5)
    expect(await engine.inspect(id)).toMatchObject({ state: "exited", exitCode: 0, address: undefined })
    await engine.remove(id)
    await engine.remove(id)
    await engine.stop(id, 1)
    expect(await engine.inspect(id)).toBeUndefined()
    await waitUntil(() => events.some(({ action }) => action === "remove"), { what: "the event of the removal" })
    expect(events.every((event) => event.id === id && event.labels["freehold.id"] === "life")).toBe(true)
    expect(events.map(({ action }) => action)).toEqual(expect.arrayContaining(["create", "start", "die", "remove"]))
    stopEvents()
  }, 30_000)

  test("the limits stand in the kernel's control groups", async () => {
    const { id } = await engine.create(spec(lab.image, "limited"))
    await engine.start(id)
    const groups = await lab.run("exec", id, "/bin/busybox", "cat", "/proc/1/cgroup")
    const group = (name: string) => new RegExp(`:${name}:(.*)`).exec(groups)?.[1] ?? ""
    const v2 = /^0::(.+)$/m.exec(groups)?.[1] ?? ""
    const files =
      group("memory") === ""
        ? [`${v2}/memory.max`, `${v2}/pids.max`]
        : [`memory${group("memory")}/memory.limit_in_bytes`, `pids${group("pids")}/pids.max`]
    const values = await Promise.all(files.map(async (file) => (await Bun.file(join("/sys/fs/cgroup", file)).text()).trim()))
    expect(values).toEqual(["67108864", "64"])
    await engine.remove(id)
  })

  test("images are known by name, and a registry that does not answer is quoted", async () => {
    expect((await engine.images()).flatMap(({ names }) => names)).toEqual([lab.image])
    expect(await engine.hasImage(lab.image)).toBe(true)
    expect(await engine.hasImage("localhost/absent")).toBe(false)
    const fault = await engine.pull("127.0.0.1:9/absent").catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(EngineFault)
    expect((fault as Error).message).toMatch(/^pull image 127\.0\.0\.1:9\/absent: .*connection refused/)
    const missing = await engine.create(spec("localhost/absent", "absent")).catch((error: unknown) => error)
    expect((missing as Error).message).toMatch(/^create container absent: .*absent/)
  })

  test("the end of the engine ends the stream of events, and nothing else does", async () => {
    let ends = 0
    const stop = await engine.events(
      () => {},
      () => ends++,
    )
    const stopOther = await engine.events(
      () => {},
      () => (ends += 100),
    )
    stopOther()
    await lab.kill()
    await waitUntil(() => ends > 0, { what: "the end of the stream" })
    expect(await engine.inspect("any").catch((error: unknown) => error)).toMatchObject({ code: "unavailable" })
    await lab.restart()
    await engine.ping()
    stop()
    expect(ends).toBe(1)
  })
})
