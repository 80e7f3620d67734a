import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test"
import { Elysia } from "elysia"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type PodmanLab, podmanObstacle, startPodman } from "../../test/lab/podman"
import { waitUntil } from "../../test/lab/process"
import { type Db, openDatabase } from "../db/open"
import { Engine } from "../engine/engine"
import { AppError } from "../errors"
import { renderError } from "../http/errors"
import { createLog } from "../log"
import { MappingStore } from "../mappings/store"
import { Vault } from "../vault"
import { ContainerParts } from "./container-parts"
import { computeWideRoutes, containerPartRoutes } from "./part-routes"
import { Reconciler } from "./reconcile"
import { Registries } from "./registries"
import { computeRoutes } from "./routes"
import { ComputeService } from "./service"
import { ContainerStore } from "./store"

export const obstacle = podmanObstacle()

/** What a test file on Podman is called. */
export const titled = (what: string) => `${what} on Podman${obstacle === undefined ? "" : ` (skipped: ${obstacle})`}`

export const script = (text: string) => ["/bin/sh", "-c", text]
export const serve = "trap 'exit 0' TERM; echo up $GREETING; /bin/busybox httpd -f -p 8080 -h /www & wait"

/** The API of containers and their parts over a Podman of its own: one for a test file, and a new store for each test. `root` is an administrator. */
export class PartsHouse {
  lab!: PodmanLab
  db!: Db
  store!: ContainerStore
  compute!: ComputeService
  parts!: ContainerParts
  certified: string[] = []
  logged: string[] = []
  /** Whose token holds no longer. */
  revoked = new Set<string>()
  folder!: string
  private app!: { handle(request: Request): Response | Promise<Response> }
  private reconciler!: Reconciler

  /** Call it in a `describe`: it opens and closes itself around the tests. */
  static forTests(plainRegistries: () => Promise<string[]> = async () => []): PartsHouse {
    const house = new PartsHouse()
    beforeAll(async () => {
      house.lab = await startPodman({ plainRegistries: await plainRegistries() })
      house.folder = await mkdtemp(join(tmpdir(), "freehold-volumes-"))
    }, 60_000)
    afterAll(async () => {
      await house.lab?.stop()
      if (house.folder !== undefined) await rm(house.folder, { recursive: true })
    }, 30_000)
    beforeEach(() => house.open())
    afterEach(() => house.close(), 30_000)
    return house
  }

  private async open(): Promise<void> {
    this.db = await openDatabase(":memory:")
    const people = ["ann", "bob", "root"].map((id) => ({
      id,
      username: id,
      displayName: id,
      passwordHash: "",
      isAdmin: id === "root" ? 1 : 0,
      createdAt: 0,
    }))
    await this.db.insertInto("people").values(people).execute()
    this.store = new ContainerStore(this.db)
    this.revoked.clear()
    this.start()
    await this.isFollowed()
  }

  private async close(): Promise<void> {
    await this.stop()
    await this.db.destroy()
    await this.lab.run("rm", "--force", "--all", "--time", "0")
    await this.lab.run("volume", "rm", "--force", "--all")
  }

  /** As a new process on the same store. */
  start(): void {
    this.logged = []
    this.certified = []
    const { store, folder } = this
    const engine = new Engine(this.lab.socket)
    const log = createLog("debug", (line) => this.logged.push(line))
    const registries = new Registries(store, new Vault("ab".repeat(32)), Date.now)
    this.compute = new ComputeService({
      store,
      engine,
      log,
      now: Date.now,
      baseDomain: "cloud.test",
      allowUpstreams: [],
      ownListeners: () => [],
      volumesFolder: folder,
      login: registries.login,
      memoryUsedMb: (id) => this.parts.usage.memoryMb(id),
      storageUsedBytes: (id) => this.parts.storage.usedBytes(id),
      storageRefusal: (row) => this.parts.storage.refusal(row),
      certify: (hostname) => void this.certified.push(hostname),
      onChange: () => {},
      containerCap: 20,
    })
    this.parts = new ContainerParts({
      store,
      engine,
      compute: this.compute,
      registries,
      volumesFolder: folder,
      baseDomain: "cloud.test",
      log,
      now: Date.now,
      certify: (hostname) => this.certified.push(hostname),
      portProblem: (port) => (port === 8999 ? "taken" : undefined),
      mappingsTo: (id) => new MappingStore(this.db).leadingTo(id),
      recheckMs: 50,
      unmap: async (personId, id) => void (await new MappingStore(this.db).delete(id, personId)),
    })
    this.reconciler = new Reconciler({ service: this.compute, store, engine, log, pollMs: 600_000, backoffMs: 50, maxBackoffMs: 200 })
    this.reconciler.start()
    const guard = async (request: Request) => {
      const personId = request.headers.get("authorization")?.replace("Bearer ", "")
      if (personId === undefined || this.revoked.has(personId)) throw new AppError("unauthorized", "unauthorized")
      return { personId, isAdmin: personId === "root" }
    }
    const admin = async (request: Request) => {
      const caller = await guard(request)
      if (!caller.isAdmin) throw new AppError("forbidden", "forbidden")
      return caller
    }
    this.app = new Elysia()
      .onError({ as: "global" }, ({ error, request }) => renderError(error, request, log))
      .use(computeRoutes(this.compute, guard))
      .use(containerPartRoutes(this.parts, guard))
      .use(computeWideRoutes(this.parts, guard, admin))
  }

  async stop(): Promise<void> {
    await this.parts.stop()
    await this.reconciler.stop()
  }

  /** Waits until everything was compared with the engine since the start, or since `logged` was emptied. */
  isFollowed(): Promise<void> {
    return waitUntil(() => this.logged.some((line) => line.includes("is followed")), { what: "the engine to be followed" })
  }

  async ask(personId: string, method: string, path: string, body?: unknown): Promise<Response> {
    const request = {
      method,
      headers: { authorization: `Bearer ${personId}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    }
    return this.app.handle(new Request(`http://localhost/compute${path}`, request))
  }

  async send<T = Record<string, never>>(personId: string, method: string, path: string, body?: unknown): Promise<T> {
    const res = await this.ask(personId, method, path, body)
    const text = await res.text()
    if (res.status !== 200) throw new Error(`${method} ${path} answered ${res.status}: ${text}\n${this.logged.join("")}`)
    return JSON.parse(text) as T
  }

  /** One of ann's. */
  async create(body: object = {}): Promise<string> {
    const given = { name: "web", image: this.lab.image, memory_mb: 64, ...body }
    return (await this.send<{ id: string }>("ann", "POST", "/containers", given)).id
  }

  /** By the list, which asks nobody but the store. */
  async becomes(id: string, isSo: (container: Record<string, unknown>) => boolean, what: string, limitMs = 15_000) {
    let last: Record<string, unknown> = {}
    const look = async () => {
      const { containers } = await this.send<{ containers: Record<string, unknown>[] }>("ann", "GET", "/containers")
      last = containers.find((one) => one.id === id) ?? {}
      return isSo(last)
    }
    await waitUntil(look, { what, limitMs }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(last)}\n${this.logged.join("")}`)
    })
    return last
  }

  runs(id: string) {
    return this.becomes(id, ({ status }) => status === "running", `${id} to run`)
  }

  /** A command of busybox in the container. */
  inside(id: string, ...command: string[]): Promise<string> {
    return this.lab.run("exec", `freehold-${id}`, "/bin/busybox", ...command)
  }
}
