import { afterEach, expect, test } from "bun:test"
import { Elysia } from "elysia"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openDatabase } from "../db/open"
import { Engine } from "../engine/engine"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { silentLog } from "../log"
import type { ContainerReply } from "./model"
import { computeRoutes } from "./routes"
import { type ComputeNeeds, ComputeService } from "./service"
import { ContainerStore } from "./store"

const at = Date.UTC(2026, 10, 21, 5, 10, 11, 234)
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** The compute API on a store in memory. The bearer token is the person's id; `root` is an administrator. */
async function setup(change: Partial<ComputeNeeds> = {}) {
  const db = await openDatabase(":memory:")
  const people = ["ann", "bob", "root"].map((id) => ({ id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 0 }))
  await db.insertInto("people").values(people).execute()
  const store = new ContainerStore(db)
  const seen = { changes: 0, guarded: [] as string[] }
  const needs = {
    allowUpstreams: [],
    ownListeners: () => [],
    log: silentLog,
    now: () => at,
    baseDomain: "cloud.test",
    store,
    engine: undefined,
    volumesFolder: "/nonexistent/volumes",
  }
  const compute = new ComputeService({ ...needs, onChange: () => seen.changes++, ...change })
  const app = new Elysia()
    .onError({ as: "global" }, ({ error, request }) => renderError(error, request, silentLog))
    .use(
      computeRoutes(compute, async (request, resource, id, action) => {
        const personId = request.headers.get("authorization")?.replace("Bearer ", "")
        seen.guarded.push([resource, id ?? "", action].join(" "))
        if (personId === undefined) throw new AppError("unauthorized", "unauthorized")
        return { personId, isAdmin: personId === "root" }
      }),
    )
  const send = async (personId: string, method: string, path: string, body?: unknown) => {
    const headers: HeadersInit = personId === "" ? {} : { authorization: `Bearer ${personId}` }
    const text = typeof body === "string" ? body : JSON.stringify(body)
    const res = await app.handle(new Request(`http://localhost/compute/containers${path}`, { method, headers, body: text }))
    return { status: res.status, body: (await res.json()) as ContainerReply & { error: string; containers: ContainerReply[] } }
  }
  cleanups.push(
    () => db.destroy(),
    () => compute.stopAll(),
  )
  return { store, compute, seen, send }
}

/** An engine that is there, has no image and no registry, and says so slowly enough to see what is pending. */
function bareEngine(): Engine {
  const socket = join(tmpdir(), `freehold-bare-${process.pid}-${Math.random()}.sock`)
  const server = Bun.serve({
    unix: socket,
    fetch: (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === "/_ping") return new Response("OK")
      if (pathname === "/containers/json") return Response.json([])
      if (pathname === "/images/create") return new Response(`${JSON.stringify({ error: "no such registry" })}\n`)
      return Response.json({ message: "no such thing" }, { status: 404 })
    },
  })
  cleanups.push(() => server.stop(true))
  return new Engine(socket)
}

const plex = { name: " plex ", address: "192.168.1.20", ports: { "80": 32_400 }, unknown: true }

test("an external container is registered by an administrator and runs at once", async () => {
  const { send, compute, seen } = await setup()
  const { status, body } = await send("root", "POST", "", plex)
  expect(status).toBe(200)
  expect(body).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}$/),
    name: "plex",
    kind: "external",
    status: "running",
    hostname: `${body.id}.compute.cloud.test`,
    address: "192.168.1.20",
    ports: { "80": 32_400 },
    memory_mb: 0,
    storage_gb: 0,
    instance_type: "external",
    pull_policy: "IfNotPresent",
    created_at: "2026-11-21T05:10:11Z",
    ssh_enabled: false,
    https_enabled: false,
  } as never)
  expect(await send("root", "GET", `/${body.id}`)).toEqual({ status: 200, body })
  const target = (await compute.targets()).get(body.id)
  expect(target).toMatchObject({ running: true, address: "192.168.1.20" })
  expect([80, 443, 8080].map((port) => target?.port(port))).toEqual([32_400, 443, 8080])
  expect(await compute.forMapping(body.id)).toEqual({ id: body.id, personId: "root" })
  expect(await compute.forMapping("00000000")).toBeUndefined()
  expect(seen.changes).toBe(1)
})

test("where no engine is configured, that is said with what to do", async () => {
  const { compute } = await setup()
  expect(await compute.engineState()).toEqual({ state: "none", detail: expect.stringContaining("FREEHOLD_CONTAINER_ENGINE") })
})

test("stop and start of an external container switch its routing, and doing it twice does nothing", async () => {
  const { send, compute, seen } = await setup()
  const { id } = (await send("root", "POST", "", plex)).body
  expect((await send("root", "POST", `/${id}/stop`)).body.status).toBe("stopped")
  expect((await compute.targets()).get(id)).toMatchObject({ running: false, reason: "the container is stopped" })
  await send("root", "POST", `/${id}/stop`)
  expect((await send("root", "POST", `/${id}/start`, "not JSON")).body.status).toBe("running")
  await send("root", "POST", `/${id}/start`)
  expect((await compute.targets()).get(id)?.running).toBe(true)
  expect(seen.changes).toBe(3)
  expect(await send("root", "DELETE", `/${id}`)).toEqual({ status: 200, body: { status: "ok" } as never })
  expect((await send("root", "GET", `/${id}`)).status).toBe(404)
  expect((await compute.targets()).size).toBe(0)
  expect(seen.changes).toBe(4)
})

test("people list their own containers, the newest first", async () => {
  let now = at
  const { send } = await setup({ now: () => now++ * 1000 })
  const ids = [await send("root", "POST", "", plex), await send("root", "POST", "", plex)].map(({ body }) => body.id)
  expect((await send("root", "GET", "")).body.containers.map(({ id }) => id)).toEqual(ids.reverse())
  expect(await send("ann", "GET", "")).toEqual({ status: 200, body: { containers: [] } as never })
})

test("every route asks the guard first, with the scope's id and action, and foreign containers are not found", async () => {
  const { send, seen } = await setup()
  const { id } = (await send("root", "POST", "", plex)).body
  const routes = [
    ["GET", `/${id}`, "read"],
    ["DELETE", `/${id}`, "delete"],
    ["POST", `/${id}/start`, "start"],
    ["POST", `/${id}/stop`, "stop"],
  ] as const
  for (const [method, path, action] of routes) {
    seen.guarded.length = 0
    expect((await send("", method, path)).status).toBe(401)
    expect(seen.guarded).toEqual([`containers ${id} ${action}`])
    for (const personId of ["ann", "bob"])
      expect(await send(personId, method, path)).toEqual({ status: 404, body: { error: "container not found" } as never })
    expect((await send("root", method, path.replace(id, "ffffffff"))).status).toBe(404)
  }
  seen.guarded.length = 0
  expect([(await send("", "GET", "")).status, (await send("", "POST", "", "not JSON")).status]).toEqual([401, 401])
  expect(seen.guarded).toEqual(["containers  read", "containers  create"])
  expect((await send("root", "GET", `/${id}`)).body.status).toBe("running")
})

const app = { name: "web", image: "registry.test/app" }

test.each([
  ["not JSON", "invalid request body"],
  ["[]", "invalid request body"],
  [{}, "name is required"],
  [{ ...app, name: "  " }, "name is required"],
  [{ ...app, name: "x".repeat(65) }, "name is longer than 64 characters"],
  [{ ...app, name: "a\u0007" }, "name contains control characters"],
  [{ name: "web" }, "image is required"],
  [{ ...app, image: "a b" }, 'image "a b" is not an image reference'],
  [{ ...app, image: "a/../../containers/x" }, 'image "a/../../containers/x" is not an image reference'],
  [{ ...app, image: "app?all=1" }, 'image "app?all=1" is not an image reference'],
  [{ ...app, instance_type: "huge" }, "instance_type must be one of: nano, micro, mini, tiny, small, medium"],
  [{ ...app, instance_type: "constructor" }, "instance_type must be one of: nano, micro, mini, tiny, small, medium"],
  [{ ...app, memory_mb: 15 }, "memory_mb must be a whole number from 16 to 1048576"],
  [{ ...app, memory_mb: 1e9 }, "memory_mb must be a whole number from 16 to 1048576"],
  [{ ...app, memory_mb: "512" }, "memory_mb must be a whole number from 16 to 1048576"],
  [{ ...app, storage_gb: 1.5 }, "storage_gb must be a whole number from 1 to 65536"],
  [{ ...app, pull_policy: "always" }, "invalid pull_policy: must be 'Always' or 'IfNotPresent'"],
])("a create body of %p is refused: %s", async (body, error) => {
  const { send } = await setup({ engine: bareEngine() })
  expect(await send("ann", "POST", "", body)).toEqual({ status: 400, body: { error } as never })
})

const elsewhere = "which is refused unless FREEHOLD_ALLOW_UPSTREAMS covers it"

test.each([
  [{ kind: "external" }, "address is required"],
  [{ address: "nas.lan" }, "address must be an IPv4 or IPv6 address"],
  [{ address: 7 }, "address must be an IPv4 or IPv6 address"],
  [{ address: "192.168.1.20:80" }, "address must be an IPv4 or IPv6 address"],
  [{ address: "127.1" }, "address must be an IPv4 or IPv6 address"],
  [{ address: "fe80::1%eth0" }, "address must be an IPv4 or IPv6 address"],
  [{ address: "127.9.9.9" }, `address 127.9.9.9 is a loopback address, ${elsewhere}`],
  [{ address: "::1" }, `address ::1 is a loopback address, ${elsewhere}`],
  [{ address: "::ffff:127.0.0.1" }, `address 127.0.0.1 is a loopback address, ${elsewhere}`],
  [{ address: "0:0:0:0:0:FFFF:7f00:1" }, `address 127.0.0.1 is a loopback address, ${elsewhere}`],
  [{ address: "::127.0.0.1" }, `address ::7f00:1 is an unspecified address, ${elsewhere}`],
  [{ address: "0.0.0.0" }, `address 0.0.0.0 is an unspecified address, ${elsewhere}`],
  [{ address: "::" }, `address :: is an unspecified address, ${elsewhere}`],
  [{ address: "169.254.169.254" }, `address 169.254.169.254 is a link-local address, ${elsewhere}`],
  [{ address: "fe80::1" }, `address fe80::1 is a link-local address, ${elsewhere}`],
  [{ address: "febf::1" }, `address febf::1 is a link-local address, ${elsewhere}`],
  [{ address: "239.1.1.1" }, `address 239.1.1.1 is a multicast address, ${elsewhere}`],
  [{ address: "ff02::1" }, `address ff02::1 is a multicast address, ${elsewhere}`],
  [{ address: "255.255.255.255" }, `address 255.255.255.255 is the broadcast address, ${elsewhere}`],
  [{ address: "192.168.1.20", ports: [80] }, 'ports must be an object such as {"80": 32400}'],
  [{ address: "192.168.1.20", ports: { "22": 22 } }, 'ports: "22" must be 80, 443, or 8000-8999'],
  [{ address: "192.168.1.20", ports: { "080": 80 } }, 'ports: "080" must be 80, 443, or 8000-8999'],
  [{ address: "192.168.1.20", ports: { "80": 0 } }, 'ports: the real port of "80" must be a whole number from 1 to 65535'],
  [{ address: "192.168.1.20", ports: { "80": "81" } }, 'ports: the real port of "80" must be a whole number from 1 to 65535'],
  [
    { address: "192.168.1.2" },
    `address 192.168.1.2 with container port 443 is Freehold's own listener at port 443: lead "443" to another port in ports, ${elsewhere}`,
  ],
  [
    { address: "::ffff:192.168.1.2", ports: { "443": 3000, "80": 9443 } },
    `address 192.168.1.2 with container port 80 is Freehold's own listener at port 9443: lead "80" to another port in ports, ${elsewhere}`,
  ],
])("an external container of %p is refused: %s", async (body, error) => {
  const ownListeners = () => [443, 9443].map((port) => ({ address: "192.168.1.2", port }))
  const { send } = await setup({ ownListeners })
  expect(await send("root", "POST", "", { name: "nas", ...body })).toEqual({ status: 400, body: { error } as never })
})

test("external containers are an administrator's, whatever the address", async () => {
  const { send } = await setup()
  expect(await send("ann", "POST", "", plex)).toEqual({
    status: 403,
    body: { error: "forbidden: only an administrator registers external containers" } as never,
  })
})

test("ranges that the administrator allows may hold any address, also our own", async () => {
  const ownListeners = () => [{ address: "127.0.0.1", port: 8080 }]
  const { send, compute } = await setup({ allowUpstreams: ["127.0.0.0/8", "fe80::/10"], ownListeners })
  for (const address of ["127.0.0.1", "::ffff:127.0.0.2", "FE80::0001"])
    expect((await send("root", "POST", "", { name: "x", address })).status).toBe(200)
  expect((await send("root", "GET", "")).body.containers.map(({ address }) => address).sort()).toEqual([
    "127.0.0.1",
    "127.0.0.2",
    "fe80::1",
  ])
  expect([...(await compute.targets()).values()].every(({ running }) => running)).toBe(true)
  expect((await send("root", "POST", "", { name: "x", address: "169.254.1.1" })).status).toBe(400)
})

test("an address that has become our own since is not routed to", async () => {
  const listeners = [{ address: "192.168.1.20", port: 9443 }]
  const { send, compute } = await setup({ ownListeners: () => listeners })
  const { id } = (await send("root", "POST", "", plex)).body
  listeners.push({ address: "192.168.1.20", port: 443 })
  expect((await compute.targets()).get(id)).toMatchObject({ running: false, reason: "the container's address has become Freehold's own" })
})

test("without an engine, creation says so, and after the body has been checked", async () => {
  const { send } = await setup()
  const error = "no container engine is configured: start Podman or Docker, or set FREEHOLD_CONTAINER_ENGINE"
  expect(await send("ann", "POST", "", app)).toEqual({ status: 503, body: { error } as never })
  expect((await send("ann", "POST", "", { name: "web" })).status).toBe(400)
  expect((await send("ann", "GET", "")).body.containers).toEqual([])
})

test("an engine that is down refuses creation and deletion, and loses nothing", async () => {
  const { send, store } = await setup({ engine: new Engine("/nonexistent/engine.sock") })
  expect(await send("ann", "POST", "", app)).toMatchObject({ status: 503, body: { error: expect.stringContaining("does not answer") } })
  await store.insert(rowOf({ id: "0badcafe", status: "stopped", desired: "stopped" }), 3)
  for (const [method, path] of [["DELETE", ""] as const, ["POST", "/start"] as const])
    expect((await send("ann", method, `/0badcafe${path}`)).status).toBe(503)
  expect((await send("ann", "GET", "/0badcafe")).body).toMatchObject({
    status: "stopped",
    status_detail: expect.stringMatching(/^the container engine does not answer .*; the status is the last one known$/),
  })
})

test("a container whose image nobody has fails with the registry's words, and may be deleted", async () => {
  const { send, compute } = await setup({ engine: bareEngine() })
  const created = await send("ann", "POST", "", { ...app, memory_mb: 0, storage_gb: -1, ssh_key_ids: [] })
  expect(created).toMatchObject({
    status: 200,
    body: {
      status: "pending",
      kind: "engine",
      image: app.image,
      memory_mb: 512,
      storage_gb: 5,
      instance_type: "nano",
      pull_policy: "IfNotPresent",
    },
  })
  const { id } = created.body
  await compute.settle(id)
  const failed = { status: "failed", status_detail: "pull image registry.test/app: no such registry" }
  expect((await send("ann", "GET", `/${id}`)).body).toMatchObject(failed)
  expect((await compute.targets()).get(id)).toMatchObject({ running: false, reason: "the container is failed" })
  expect((await send("ann", "POST", `/${id}/start`)).body.status).toBe("pending")
  await compute.settle(id)
  expect((await send("ann", "GET", `/${id}`)).body).toMatchObject(failed)
  expect((await send("ann", "DELETE", `/${id}`)).status).toBe(200)
  expect((await send("ann", "GET", "")).body.containers).toEqual([])
})

test("the cap holds for each person, also for requests at the same time, and external containers do not count", async () => {
  const { send } = await setup({ engine: bareEngine() })
  for (let i = 0; i < 4; i++) await send("root", "POST", "", plex)
  const answers = await Promise.all(Array.from({ length: 6 }, () => send("root", "POST", "", app)))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 400, 400, 400])
  expect(answers.find(({ status }) => status === 400)?.body).toEqual({ error: "container limit reached (3)" } as never)
  expect((await send("root", "POST", "", { ...app, image: "" })).body.error).toBe("container limit reached (3)")
  expect((await send("ann", "POST", "", app)).status).toBe(200)
})

test("a stop during provisioning wins over it", async () => {
  const { send, compute, store } = await setup({ engine: bareEngine() })
  const { id } = (await send("ann", "POST", "", app)).body
  expect((await send("ann", "POST", `/${id}/stop`)).body.status).toBe("stopped")
  await compute.settle(id)
  expect(await store.find(id)).toMatchObject({ desired: "stopped", status: "stopped", statusDetail: null })
})

function rowOf(change: object) {
  const amounts = { memoryMb: 64, storageGb: 5, instanceType: "nano", pullPolicy: "IfNotPresent", ports: "{}", createdAt: at }
  const unset = { statusDetail: null, engineId: null, address: null, command: null, pidsLimit: null, restartAt: null }
  const definition = { env: "{}", restartPolicy: "no" as const, mountPaths: "[]", sshEnabled: 0, restarts: 0, adopted: 0 }
  return {
    ...amounts,
    ...unset,
    ...definition,
    id: "00000000",
    personId: "ann",
    name: "x",
    kind: "engine" as const,
    image: "app",
    desired: "running" as const,
    status: "pending" as const,
    ...change,
  }
}
