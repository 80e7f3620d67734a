import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { existsSync, mkdtempSync } from "node:fs"
import { readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PodmanLab, podmanObstacle, startPodman } from "../../test/lab/podman"
import { waitUntil } from "../../test/lab/process"
import { type RegistryLab, startRegistry } from "../../test/lab/registry"
import { type Db, openDatabase } from "../db/open"
import { Engine } from "../engine/engine"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { createLog } from "../log"
import { Vault } from "../vault"
import { ContainerParts } from "./container-parts"
import { computeWideRoutes, containerPartRoutes } from "./part-routes"
import { Reconciler } from "./reconcile"
import { Registries } from "./registries"
import { computeRoutes } from "./routes"
import { ComputeService } from "./service"
import { ContainerStore } from "./store"

const obstacle = podmanObstacle()

describe.skipIf(obstacle !== undefined)(`containers and their parts on Podman${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let lab: PodmanLab
  let registry: RegistryLab
  let db: Db
  let store: ContainerStore
  let house: ReturnType<typeof startHouse>
  let logged: string[] = []
  const folder = mkdtempSync(join(tmpdir(), "freehold-volumes-"))

  beforeAll(async () => {
    registry = await startRegistry()
    lab = await startPodman({ plainRegistries: [registry.location] })
  }, 60_000)
  afterAll(async () => {
    await lab?.stop()
    await registry?.stop()
    await rm(folder, { recursive: true })
  }, 30_000)
  beforeEach(async () => {
    logged = []
    db = await openDatabase(":memory:")
    const people = ["ann", "bob", "root"].map((id) => ({
      id,
      username: id,
      displayName: id,
      passwordHash: "",
      isAdmin: id === "root" ? 1 : 0,
      createdAt: 0,
    }))
    await db.insertInto("people").values(people).execute()
    store = new ContainerStore(db)
    house = startHouse()
    await waitUntil(() => logged.some((line) => line.includes("is followed")), { what: "the engine to be followed" })
  })
  afterEach(async () => {
    await house.stop()
    await db.destroy()
    await lab.run("rm", "--force", "--all", "--time", "0")
    await lab.run("volume", "rm", "--force", "--all")
  }, 30_000)

  function startHouse() {
    const engine = new Engine(lab.socket)
    const log = createLog("debug", (line) => logged.push(line))
    const registries = new Registries(store, new Vault("ab".repeat(32)), Date.now)
    const certified: string[] = []
    const compute: ComputeService = new ComputeService({
      store,
      engine,
      log,
      now: Date.now,
      baseDomain: "cloud.test",
      allowUpstreams: [],
      ownListeners: () => [],
      volumesFolder: folder,
      login: registries.login,
      memoryUsedMb: (id) => parts.usage.memoryMb(id),
      onChange: () => {},
      containerCap: 20,
    })
    const parts: ContainerParts = new ContainerParts({
      store,
      engine,
      compute,
      registries,
      volumesFolder: folder,
      baseDomain: "cloud.test",
      log,
      now: Date.now,
      certify: (hostname) => certified.push(hostname),
      portProblem: (port) => (port === 8999 ? "taken" : undefined),
    })
    const reconciler = new Reconciler({ service: compute, store, engine, log, pollMs: 600_000, backoffMs: 50, maxBackoffMs: 200 })
    reconciler.start()
    const guard = async (request: Request) => {
      const personId = request.headers.get("authorization")?.replace("Bearer ", "")
      if (personId === undefined) throw new AppError("unauthorized", "unauthorized")
      return { personId, isAdmin: personId === "root", kind: "session" }
    }
    const app = new Elysia()
      .onError({ as: "global" }, ({ error, request }) => renderError(error, request, log))
      .use(computeRoutes(compute, guard))
      .use(containerPartRoutes(parts, guard))
      .use(computeWideRoutes(parts, guard))
    const stop = async () => {
      await parts.stop()
      await reconciler.stop()
    }
    return { app, compute, parts, certified, stop }
  }

  function ask(personId: string, method: string, path: string, body?: unknown): Promise<Response> {
    const request = {
      method,
      headers: { authorization: `Bearer ${personId}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    }
    return house.app.handle(new Request(`http://localhost/compute${path}`, request))
  }

  async function send<T = Record<string, never>>(personId: string, method: string, path: string, body?: unknown): Promise<T> {
    const res = await ask(personId, method, path, body)
    const text = await res.text()
    if (res.status !== 200) throw new Error(`${method} ${path} answered ${res.status}: ${text}\n${logged.join("")}`)
    return JSON.parse(text) as T
  }

  const script = (text: string) => ["/bin/sh", "-c", text]
  const serve = "trap 'exit 0' TERM; echo up $GREETING; /bin/busybox httpd -f -p 8080 -h /www & wait"

  async function create(body: object = {}): Promise<string> {
    const { id } = await send<{ id: string }>("ann", "POST", "/containers", { name: "web", image: lab.image, memory_mb: 64, ...body })
    return id
  }

  async function becomes(id: string, isSo: (container: Record<string, unknown>) => boolean, what: string, limitMs = 15_000) {
    let last: Record<string, unknown> = {}
    const look = async () => {
      const { containers } = await send<{ containers: Record<string, unknown>[] }>("ann", "GET", "/containers")
      last = containers.find((one) => one.id === id) ?? {}
      return isSo(last)
    }
    await waitUntil(look, { what, limitMs }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(last)}\n${logged.join("")}`)
    })
    return last
  }
  const runs = (id: string) => becomes(id, ({ status }) => status === "running", `${id} to run`)
  const inside = (id: string, ...command: string[]) => lab.run("exec", `freehold-${id}`, "/bin/busybox", ...command)

  test("environment, command and limits are those that were asked for", async () => {
    await send("root", "PUT", "/instance-types/quarter", { cpus: 0.25, pids: 77 })
    const id = await create({
      env: { GREETING: "hello = world" },
      command: script(serve),
      instance_type: "quarter",
      mount_paths: [],
      enable_ssh: true,
      ingress_rules: [{ port: 443, target_port: 8080 }],
    })
    const container = await runs(id)
    expect(container).toMatchObject({
      env: { GREETING: "hello = world" },
      instance_type: "quarter",
      restart_policy: "no",
      mount_paths: [],
      ssh_enabled: true,
      https_enabled: true,
    })
    expect(await inside(id, "cat", "/proc/1/environ")).toContain("GREETING=hello = world\0")
    const { HostConfig } = JSON.parse(await lab.run("inspect", `freehold-${id}`))[0]
    expect(HostConfig).toMatchObject({ Memory: 67_108_864, NanoCpus: 250_000_000, PidsLimit: 77 })
    const other = await create({ pids_limit: 33, mount_paths: [] })
    await runs(other)
    expect(JSON.parse(await lab.run("inspect", `freehold-${other}`))[0].HostConfig.PidsLimit).toBe(33)
  }, 30_000)

  test("an application that wants more memory or processes than it may have does not get them", async () => {
    const hungry = await create({ command: script("exec /bin/busybox dd if=/dev/zero of=/dev/null bs=200M count=1"), mount_paths: [] })
    const ended = await becomes(hungry, ({ status }) => status === "failed", "the end")
    expect(ended.status_detail).toMatch(/more than 64 MB of memory|exit code (1|137)$/)
    const many = "i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done; echo all; wait"
    const forking = await create({ command: script(many), pids_limit: 16, mount_paths: [] })
    const text = async () => (await ask("ann", "GET", `/containers/${forking}/logs`)).text()
    await waitUntil(async () => /can't fork|resource/i.test(await text()), { what: "the refusal" })
    expect(await text()).not.toContain(" all")
  }, 30_000)

  test("an engine that is killed in the midst of everything: what is said afterwards is what is true", async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => create({ command: script(serve), mount_paths: ["/data"] })))
    const [rebuilt = "", stopped = "", removed = "", restarted = "", ended = ""] = ids
    await Promise.all(ids.map(runs))
    const underWay = [
      ask("ann", "POST", `/containers/${rebuilt}/rebuild`),
      ask("ann", "POST", `/containers/${stopped}/stop`),
      ask("ann", "POST", `/containers/${restarted}/stop`).then(() => ask("ann", "POST", `/containers/${restarted}/start`)),
      ...Array.from({ length: 10 }, () => ask("ann", "GET", `/containers/${rebuilt}/logs?follow=1`).then((res) => res.body?.cancel())),
      ...Array.from({ length: 10 }, () => ask("ann", "GET", `/containers/${ended}`)),
      create(),
    ]
    await Bun.sleep(150)
    await lab.kill()
    await lab.run("rm", "--force", "--time", "0", `freehold-${removed}`)
    await lab.run("kill", "--signal", "KILL", `freehold-${ended}`)
    await Promise.allSettled(underWay)
    logged = []
    await lab.restart()
    await waitUntil(() => logged.some((line) => line.includes("is followed")), { what: "the engine to be followed" })
    const isSettled = async () => (await store.all()).every(({ status }) => status !== "pending" && status !== "initializing")
    await waitUntil(isSettled, { what: "everything to be settled", limitMs: 20_000 })
    const names = (await lab.run("ps", "--format", "{{.Names}}")).trim().split("\n").sort()
    const running = (await store.all()).filter(({ status }) => status === "running")
    expect(running.map(({ id }) => `freehold-${id}`).sort()).toEqual(names)
    for (const { id, address } of running) {
      const { NetworkSettings } = JSON.parse(await lab.run("inspect", `freehold-${id}`))[0]
      expect(NetworkSettings.IPAddress).toBe(address)
    }
    expect(await store.find(removed)).toMatchObject({ status: "failed", statusDetail: expect.stringContaining("removed outside Freehold") })
    // It ran when it was last looked at, so it is started again.
    expect((await store.find(ended))?.status).toBe("running")
  }, 60_000)

  test("a failing application is started again after growing pauses, says so, and a stop ends that", async () => {
    const id = await create({ command: script("exit 3"), restart_policy: "on-failure", mount_paths: [] })
    const waits = await becomes(id, ({ restarts }) => restarts === 2, "the second restart")
    expect(waits).toMatchObject({
      status: "pending",
      status_detail: expect.stringContaining("ended with exit code 3; it is started again in"),
    })
    expect(await send("ann", "POST", `/containers/${id}/stop`)).toMatchObject({ status: "stopped", restarts: 0 } as never)
    await Bun.sleep(2500)
    expect(await send("ann", "GET", `/containers/${id}`)).toMatchObject({ status: "stopped" } as never)
    const well = await create({ command: script("exit 0"), restart_policy: "on-failure", mount_paths: [] })
    expect(await becomes(well, ({ status }) => status === "stopped", "the end")).toMatchObject({ restarts: 0 })
  }, 30_000)

  test("a restart that was due when Freehold ended is made up for at the next start", async () => {
    const id = await create({ command: script("exit 3"), restart_policy: "always", mount_paths: [] })
    await becomes(id, ({ restarts }) => restarts === 1, "the first end")
    await house.stop()
    await store.update(id, { restartAt: Date.now() - 1, restarts: 5 })
    house = startHouse()
    await becomes(id, ({ restarts }) => restarts === 6, "one more end")
  }, 30_000)

  test("logs are history with times, and with follow what comes, until the end", async () => {
    const id = await create({ command: script("echo one; echo two >&2; sleep 1; echo three; sleep 100 & wait"), mount_paths: [] })
    await runs(id)
    const line = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* (.*)$/
    const lines = (text: string) =>
      text
        .split("\n")
        .filter(Boolean)
        .map((one) => line.exec(one)?.[1])
    const follow = await ask("ann", "GET", `/containers/${id}/logs?follow=true&tail=10`)
    expect(follow.headers.get("content-type")).toBe("text/plain; charset=utf-8")
    const text = follow.text()
    await waitUntil(async () => lines(await (await ask("ann", "GET", `/containers/${id}/logs`)).text()).length === 3, {
      what: "three lines",
    })
    expect(lines(await (await ask("ann", "GET", `/containers/${id}/logs?tail=1`)).text())).toEqual(["three"])
    await lab.run("kill", "--signal", "KILL", `freehold-${id}`)
    expect(lines(await text)).toEqual(["one", "two", "three"])
    for (const query of ["tail=x", "tail=10001", "follow=maybe", "since=yesterday"])
      expect((await ask("ann", "GET", `/containers/${id}/logs?${query}`)).status).toBe(400)
    expect((await ask("bob", "GET", `/containers/${id}/logs`)).status).toBe(404)
  }, 30_000)

  test("what an application writes does not fill the disk", async () => {
    const id = await create({
      command: script("/bin/busybox yes 0123456789 | /bin/busybox head -c 30000000; sleep 100 & while :; do sleep 1; echo more; done"),
      mount_paths: [],
    })
    await runs(id)
    const file = JSON.parse(await lab.run("inspect", `freehold-${id}`))[0].HostConfig.LogConfig.Path as string
    let most = 0
    const watch = async () => {
      most = Math.max(most, Bun.file(file).size)
      return (await inside(id, "ps")).includes("sleep 100")
    }
    // The last command begins when everything is written.
    await waitUntil(watch, { what: "everything to be written", limitMs: 20_000 })
    await Bun.sleep(200)
    expect(Math.max(most, Bun.file(file).size)).toBeLessThan(11_000_000)
    // And it is no other file.
    await waitUntil(async () => (await watch()) && most > 0, { what: "something to be written" })
  }, 40_000)

  test("a reader who leaves ends the stream, and only so many may be open", async () => {
    const id = await create({ mount_paths: [] })
    await runs(id)
    const open = () => ask("ann", "GET", `/containers/${id}/logs?follow=1`)
    const streams = await Promise.all(Array.from({ length: 20 }, open))
    expect(streams.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect((await open()).status).toBe(429)
    for (const { body } of streams) await body?.cancel()
    const again = await open()
    expect(again.status).toBe(200)
    await again.body?.cancel()
  }, 30_000)

  test("usage is sampled: processor, memory, network and processes", async () => {
    const id = await create({ command: script("(while :; do :; done) & wait"), mount_paths: [] })
    await runs(id)
    const { usage } = house.parts
    await usage.look(new AbortController().signal)
    await Bun.sleep(1000)
    await usage.look(new AbortController().signal)
    const { samples, interval_seconds } = await send<{ samples: Record<string, number>[]; interval_seconds: number }>(
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
    expect(await send("ann", "GET", `/containers/${id}`)).toHaveProperty("memory_used_mb")
    expect((await ask("bob", "GET", `/containers/${id}/stats`)).status).toBe(404)
  }, 30_000)

  test("what stands at a mount path survives stop, start, rebuild and removal behind our back, and goes when asked", async () => {
    const id = await create({ mount_paths: ["/www", "/data"], command: script(serve) })
    await runs(id)
    // An empty volume is filled with what the image has.
    expect(await inside(id, "cat", "/www/index.html")).toBe("hello from busybox\n")
    await inside(id, "sh", "-c", "echo kept > /data/note; echo gone > /note")
    await send("ann", "POST", `/containers/${id}/stop`)
    await send("ann", "POST", `/containers/${id}/start`)
    await runs(id)
    expect(await inside(id, "cat", "/data/note", "/note")).toBe("kept\ngone\n")
    expect(await send("ann", "POST", `/containers/${id}/rebuild`, { env: { GREETING: "again" } })).toMatchObject({
      status: "running",
      env: { GREETING: "again" },
    } as never)
    expect(await inside(id, "sh", "-c", "cat /data/note; ls /note 2>/dev/null; cat /www/index.html")).toBe("kept\nhello from busybox\n")
    await lab.run("rm", "--force", "--time", "0", `freehold-${id}`)
    await becomes(id, ({ status }) => status === "failed", "the loss to be seen")
    await send("ann", "POST", `/containers/${id}/start`)
    await runs(id)
    expect(await inside(id, "cat", "/data/note")).toBe("kept\n")

    const volumes = async () =>
      (await send<{ volumes: { id: string; path: string; mounted: boolean }[] }>("ann", "GET", `/containers/${id}/volumes`)).volumes
    expect(await send("ann", "PUT", `/containers/${id}/mounts`, { mount_paths: ["/www"] })).toEqual({
      mount_paths: ["/www"],
      restarted: true,
    } as never)
    await runs(id)
    expect(await inside(id, "sh", "-c", "ls /data/note 2>&1 || true")).toContain("No such file")
    const data = (await volumes()).find(({ path }) => path === "/data")
    expect(data).toMatchObject({ mounted: false })
    const www = (await volumes()).find(({ mounted }) => mounted)
    expect((await ask("ann", "DELETE", `/containers/${id}/volumes/${www?.id}`)).status).toBe(409)
    expect((await ask("bob", "DELETE", `/containers/${id}/volumes/${data?.id}`)).status).toBe(404)
    await send("ann", "DELETE", `/containers/${id}/volumes/${data?.id}`)
    expect(await readdir(join(folder, id))).toEqual([www!.id])
    for (const [body, error] of [
      [{ mount_paths: [] }, "at least one mount path is required"],
      [{ mount_paths: ["x"] }, "mount paths must be absolute (start with /)"],
    ] as const) {
      const res = await ask("ann", "PUT", `/containers/${id}/mounts`, body)
      expect([res.status, await res.json()]).toEqual([400, { error }])
    }
    await send("ann", "DELETE", `/containers/${id}`)
    expect(existsSync(join(folder, id))).toBe(false)
    expect(await lab.run("volume", "ls", "--quiet")).toBe("")
  }, 60_000)

  test("a rebuild without mounts starts the new one before it ends the old one", async () => {
    const id = await create({ mount_paths: [], command: script(serve), ingress_rules: [{ port: 443, target_port: 8080 }] })
    await runs(id)
    const before = await lab.run("ps", "--no-trunc", "--quiet")
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
    await send("ann", "POST", `/containers/${id}/rebuild`, { env: { GREETING: "new" } })
    state.done = true
    await visits
    expect(asked).toBeGreaterThan(5)
    expect(failed).toBeLessThanOrEqual(1)
    const after = await lab.run("ps", "--all", "--no-trunc", "--quiet")
    expect(after.trim().split("\n")).toHaveLength(1)
    expect(after).not.toBe(before)
    expect(await lab.run("ps", "--format", "{{.Names}}")).toBe(`freehold-${id}\n`)
  }, 30_000)

  test("a rebuild that cannot be leaves the old one running and says why", async () => {
    const id = await create({ mount_paths: [] })
    await runs(id)
    const res = await ask("ann", "POST", `/containers/${id}/rebuild`, { image: "127.0.0.1:9/absent" })
    expect(res.status).toBe(502)
    expect(((await res.json()) as { error: string }).error).toStartWith("failed to rebuild container: pull image 127.0.0.1:9/absent: ")
    const crash = await ask("ann", "POST", `/containers/${id}/rebuild`, { image: lab.image, command: script("exit 4") })
    expect(await crash.json()).toEqual({ error: "failed to rebuild container: the application ended with exit code 4" })
    const still = await send("ann", "GET", `/containers/${id}`)
    expect(still).toMatchObject({ status: "running", image: lab.image } as never)
    expect(still).not.toHaveProperty("command")
    expect(await lab.run("ps", "--all", "--format", "{{.Names}}")).toBe(`freehold-${id}\n`)
  }, 30_000)

  test("ingress rules are added, changed and removed, by their owner alone", async () => {
    const id = await create({ mount_paths: [] })
    const path = `/containers/${id}/ingress`
    const first = await send<{ id: number }>("ann", "POST", path, { port: 8080 })
    expect(first).toEqual({ id: expect.any(Number), port: 8080, target_port: 8080, created_at: expect.any(Number) } as never)
    expect(await send("ann", "POST", path, { port: 8080, target_port: 3000 })).toMatchObject({ id: first.id, target_port: 3000 } as never)
    await send("ann", "POST", path, { port: 443, target_port: 0 })
    expect(await send("ann", "POST", path, { port: 8999 })).toMatchObject({ problem: "taken" } as never)
    const { rules } = await send<{ rules: { port: number; target_port: number }[] }>("ann", "GET", path)
    expect(rules.map((one) => `${one.port}>${one.target_port}`)).toEqual(["443>443", "8080>3000", "8999>8999"])
    expect(house.certified).toContain(`${id}.compute.cloud.test`)
    expect((await house.parts.ingress.routes())[0]).toEqual({
      host: `${id}.compute.cloud.test`,
      containerId: id,
      port: 443,
      targetPort: 443,
    })
    expect(await send("ann", "GET", `/containers/${id}`)).toMatchObject({ https_enabled: true } as never)
    expect(await send("ann", "DELETE", `${path}/443`)).toEqual({ status: "ok" } as never)
    expect(await send("ann", "DELETE", `${path}/443`)).toEqual({ status: "ok" } as never)
    expect((await ask("ann", "DELETE", `${path}/22`)).status).toBe(400)
    expect(await send("ann", "GET", `/containers/${id}`)).toMatchObject({ https_enabled: false } as never)
    for (const [method, at] of [
      ["GET", path],
      ["POST", path],
      ["DELETE", `${path}/8080`],
    ] as const)
      expect((await ask("bob", method, at, method === "POST" ? { port: 80 } : undefined)).status).toBe(404)
  }, 30_000)

  test("a container that Freehold did not make is adopted by an administrator without being restarted", async () => {
    const found = (await lab.run("run", "--detach", "--name", "legacy", lab.image)).trim()
    const pid = await lab.run("inspect", "--format", "{{.State.Pid}}", "legacy")
    expect((await ask("ann", "GET", "/admin/foreign-containers")).status).toBe(403)
    expect((await ask("ann", "POST", "/admin/adopt", { engine_id: "legacy" })).status).toBe(403)
    const { containers } = await send<{ containers: object[] }>("root", "GET", "/admin/foreign-containers")
    expect(containers).toMatchObject([{ engine_id: found, name: "legacy", image: lab.image }])
    const adopted = await send<{ id: string; address: string }>("root", "POST", "/admin/adopt", { engine_id: "legacy", name: "old app" })
    expect(adopted).toMatchObject({ name: "old app", kind: "engine", status: "running", image: lab.image } as never)
    expect(await (await fetch(`http://${adopted.address}:8080/`)).text()).toBe("hello from busybox\n")
    expect(await lab.run("inspect", "--format", "{{.State.Pid}}", "legacy")).toBe(pid)
    expect((await send<{ containers: object[] }>("root", "GET", "/admin/foreign-containers")).containers).toEqual([])
    expect((await ask("root", "POST", "/admin/adopt", { engine_id: "legacy" })).status).toBe(409)
    expect((await ask("root", "POST", `/containers/${adopted.id}/rebuild`)).status).toBe(409)
    expect(await send("root", "POST", `/containers/${adopted.id}/stop`)).toMatchObject({ status: "stopped" } as never)
    await send("root", "POST", `/containers/${adopted.id}/start`)
    const status = async () => (await store.find(adopted.id))?.status
    await waitUntil(async () => (await status()) === "running", { what: "the adopted container to run" })
    // Events of it have no label of ours.
    await lab.run("kill", "--signal", "KILL", "legacy")
    await waitUntil(async () => (await status()) === "failed", { what: "the end to be seen" })
    expect(await send("root", "GET", "/admin/containers")).toMatchObject([{ id: adopted.id, owner: "root", adopted: true }] as never)
  }, 30_000)

  test("images are listed, and credentials of registries are kept without being shown", async () => {
    expect(await send("ann", "GET", "/images")).toMatchObject([{ image: lab.image, source: "local" }] as never)
    const body = { registry: "Registry.lan:5000", username: "ann", password: "s3cret" }
    const added = await send<{ id: string }>("ann", "POST", "/registries", body)
    expect(added).toMatchObject({ registry: "registry.lan:5000", username: "ann" } as never)
    expect(JSON.stringify(added) + JSON.stringify(await send("ann", "GET", "/registries"))).not.toContain("s3cret")
    expect(JSON.stringify(await db.selectFrom("registryCredentials").selectAll().execute())).not.toContain("s3cret")
    expect((await ask("ann", "POST", "/registries", body)).status).toBe(409)
    expect(await send("bob", "GET", "/registries")).toEqual({ registries: [] } as never)
    expect((await ask("bob", "DELETE", `/registries/${added.id}`)).status).toBe(404)
    expect(await house.parts.registries.login("ann", "registry.lan:5000/app")).toEqual({
      registry: "registry.lan:5000",
      username: "ann",
      password: "s3cret",
    })
    expect(await house.parts.registries.login("bob", "registry.lan:5000/app")).toBeUndefined()
    await send("ann", "DELETE", `/registries/${added.id}`)
  })

  test("an image of a private registry is fetched with its owner's credentials, by the pull policy", async () => {
    const { image, location, username, password } = registry
    const refused = await create({ image, mount_paths: [] })
    const failed = await becomes(refused, ({ status }) => status === "failed", "the refusal")
    expect(failed.status_detail).toMatch(/^pull image .*(unauthorized|authentication required)/i)
    await send("bob", "POST", "/registries", { registry: location, username, password })
    await send("ann", "POST", `/containers/${refused}/start`)
    // Whoever else may fetch it: this one's owner may not.
    await becomes(refused, ({ status }) => status === "pending" || status === "failed", "the answer")
    await becomes(refused, ({ status }) => status === "failed", "the refusal")
    await send("ann", "POST", "/registries", { registry: location, username, password })
    await send("ann", "POST", `/containers/${refused}/start`)
    expect((await runs(refused)).status_detail).toBeUndefined()
    const served = registry.blobsServed
    expect(served).toBeGreaterThan(0)
    await runs(await create({ image, mount_paths: [] }))
    expect(registry.blobsServed).toBe(served)
    await lab.run("rm", "--force", "--all", "--time", "0")
    await lab.run("rmi", "--force", image)
    const always = await create({ image, mount_paths: [], pull_policy: "Always" })
    await runs(always)
    expect(registry.blobsServed).toBeGreaterThan(served)
    expect(await send("ann", "PUT", `/containers/${always}/pull-policy`, { pull_policy: "IfNotPresent" })).toEqual({
      pull_policy: "IfNotPresent",
    } as never)
    expect((await ask("ann", "PUT", `/containers/${always}/pull-policy`, { pull_policy: "always" })).status).toBe(400)
    expect(logged.join("")).not.toContain(password)
    await lab.run("rm", "--force", "--all", "--time", "0")
    await lab.run("rmi", "--force", image)
  }, 60_000)

  test("instance types are an administrator's to change, and one in use stays", async () => {
    expect((await ask("ann", "PUT", "/instance-types/huge", { cpus: 8 })).status).toBe(403)
    await send("root", "PUT", "/instance-types/huge", { cpus: 8, pids: 99 })
    await send("root", "PUT", "/instance-types/huge", { cpus: 0.1 })
    const { instance_types } = await send<{ instance_types: object[] }>("ann", "GET", "/instance-types")
    expect(instance_types.at(-1)).toEqual({ name: "huge", cpus: 0.1, pids: 1024 })
    expect(instance_types[0]).toEqual({ name: "nano", cpus: 0.5, pids: 1024 })
    const id = await create({ instance_type: "huge", mount_paths: [] })
    expect((await ask("root", "DELETE", "/instance-types/huge")).status).toBe(409)
    await send("ann", "DELETE", `/containers/${id}`)
    await send("root", "DELETE", "/instance-types/huge")
    expect((await ask("root", "DELETE", "/instance-types/huge")).status).toBe(404)
    for (const body of [{}, { cpus: 0 }, { cpus: "1" }, { cpus: 1, pids: 1 }])
      expect((await ask("root", "PUT", "/instance-types/x", body)).status).toBe(400)
  }, 30_000)
})
