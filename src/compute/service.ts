import type { ContainerRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import { isEngineGone } from "../engine/faults"
import { AppError, describeError } from "../errors"
import type { Log } from "../log"
import type { RegistryLogin } from "../engine/model"
import { parseDefinition, parseRules } from "./definition"
import { Expectations } from "./expectations"
import { explain } from "./explain"
import { Lanes } from "./lanes"
import { type Caller, type ContainerReply, type ContainerTarget, containerReply, parseName, parsePorts } from "./model"
import { newContainerId, newRow } from "./new-row"
import { Provisioner } from "./provisioner"
import type { ContainerStore } from "./store"
import { type OwnListener, UpstreamRule } from "./upstream-rule"
import { Rebuilds } from "./rebuilds"
import { Volumes } from "./volumes"

/** What containers need of the rest of the house, wired in `app.ts`. */
export type ComputeNeeds = {
  store: ContainerStore
  /** Undefined where there is no container engine: only `external` containers can be made then. */
  engine: Engine | undefined
  now: () => number
  log: Log
  baseDomain: string
  /** How many containers of the engine one person may have. */
  containerCap?: number
  /** Address ranges in which `external` containers may have any address. */
  allowUpstreams: string[]
  ownListeners: () => OwnListener[]
  /** Where the contents of mounted paths stand. */
  volumesFolder: string
  /** Who asks the registry of the image, for this person. */
  login?: (personId: string, image: string) => Promise<RegistryLogin | undefined>
  /** The ports at which mappings reach a container. */
  mappedPorts?: (containerId: string) => Promise<number[]>
  /** What it used when it was last looked at. */
  memoryUsedMb?: (containerId: string) => number | undefined
  /** Status or address of some container changed: ask `targets` again. May resolve when what they say is live; never rejects. */
  onChange: () => unknown
}

const liveStatusLimitMs = 2_000
const httpsPort = 443
const noEngine = "no container engine is configured: start Podman or Docker, or set FREEHOLD_CONTAINER_ENGINE"

/** Containers: the store holds what is wished, the engine what is true; each is brought to the other one at a time. */
export class ComputeService {
  private lanes = new Lanes()
  private queued = new Set<string>()
  readonly rebuilds: Rebuilds
  private provisioner: Provisioner | undefined
  private rule: UpstreamRule
  private trouble: string | undefined
  private expectations: Expectations

  private due = new Map<string, Timer>()

  constructor(private needs: ComputeNeeds) {
    const { engine, store, log, now, volumesFolder } = needs
    this.provisioner =
      engine &&
      new Provisioner({
        store,
        engine,
        volumes: new Volumes(store, engine, volumesFolder, now),
        log,
        now,
        login: async (row) => needs.login?.(row.personId, row.image ?? ""),
        portsOf: async (id) => (await needs.mappedPorts?.(id)) ?? [],
        onChange: () => this.changed(),
        onDue: (id, at) => this.settleAt(id, at),
      })
    this.trouble = engine === undefined ? noEngine : undefined
    this.expectations = new Expectations(now)
    this.rule = new UpstreamRule(needs)
    this.rebuilds = new Rebuilds({
      store,
      lanes: this.lanes,
      own: (caller, id) => this.own(caller, id),
      reply: (row) => this.reply(row),
      provisioner: () => this.requireEngine(),
      log,
    })
  }

  /** The caller's own, the newest first, as the store has them. */
  async list(caller: Caller): Promise<ContainerReply[]> {
    const { store } = this.needs
    const [rows, rules] = await Promise.all([store.list(caller.personId), store.rules.ofPerson(caller.personId)])
    const withHttps = new Set(rules.filter(({ port }) => port === httpsPort).map(({ containerId }) => containerId))
    return rows.map((row) => this.replyWith(row, withHttps.has(row.id)))
  }

  /** With live status, unless the engine takes longer than two seconds to say. Throws `not_found`. */
  async get(caller: Caller, id: string): Promise<ContainerReply> {
    const row = await this.own(caller, id)
    if (row.kind === "external" || this.provisioner === undefined || this.lanes.isBusy(id)) return this.reply(row)
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, liveStatusLimitMs)
    await Promise.race([this.settle(id).catch(() => undefined), limit.promise])
    clearTimeout(timer)
    return this.reply(await this.own(caller, id), this.needs.memoryUsedMb?.(id))
  }

  /** Throws `invalid`, `forbidden` (external ones are an administrator's) and `unavailable` (no engine). Starting goes on after the answer. */
  async create(caller: Caller, body: Record<string, unknown>): Promise<ContainerReply> {
    const name = parseName(body.name)
    const isExternal = body.kind === "external" || (body.address !== undefined && body.address !== null)
    const row = isExternal ? this.externalRow(caller, name, body) : await this.engineRow(caller, name, body)
    const rules = parseRules(body.ingress_rules)
    if (row.kind === "engine") await this.requireEngine()
    const { store, now } = this.needs
    for (let attempt = 0; !(await store.insert(row, this.cap)); attempt++) {
      if (row.kind === "engine" && (await store.count(caller.personId)) >= this.cap) throw this.capReached()
      // The id was taken; with 32 random bits twice in a row is beyond belief, so the loop is for form.
      if (attempt === 3) throw new Error("no free container id")
      row.id = newContainerId()
    }
    for (const rule of rules) await store.rules.put({ ...rule, containerId: row.id, createdAt: now() })
    this.changed()
    if (row.kind === "engine") this.kick(row.id)
    return this.reply(row)
  }

  private async engineRow(caller: Caller, name: string, body: Record<string, unknown>): Promise<ContainerRow> {
    const { store, now } = this.needs
    if ((await store.count(caller.personId)) >= this.cap) throw this.capReached()
    const types = await store.instanceTypes.list()
    const definition = parseDefinition(
      body,
      types.map((type) => type.name),
    )
    return { ...newRow(caller, name, now()), ...definition }
  }

  private externalRow(caller: Caller, name: string, body: Record<string, unknown>): ContainerRow {
    if (!caller.isAdmin) throw new AppError("forbidden", "forbidden: only an administrator registers external containers")
    const { address, ports } = this.rule.parse(body)
    const kind = { kind: "external" as const, instanceType: "external", status: "running" as const }
    return { ...newRow(caller, name, this.needs.now()), ...kind, address, ports: JSON.stringify(ports) }
  }

  /** Does nothing to one that runs or is being started. Throws `not_found` and `unavailable`. */
  async start(caller: Caller, id: string): Promise<ContainerReply> {
    const row = await this.own(caller, id)
    const isUp = row.status === "running" || row.status === "pending" || row.status === "initializing"
    if (isUp && row.desired === "running") return this.reply(row)
    if (row.kind === "external") return this.toggle(row, "running")
    await this.requireEngine()
    await this.lanes.run(id, async () => {
      const begin = { status: "pending" as const, statusDetail: null, address: null, restarts: 0, restartAt: null }
      await this.needs.store.update(id, { desired: "running", ...begin })
    })
    const started = await this.own(caller, id)
    this.changed()
    this.kick(id)
    return this.reply(started)
  }

  /** Resolves when the application has ended; does nothing to one that has. Throws `not_found`, `unavailable` and `bad_gateway`. */
  async stop(caller: Caller, id: string): Promise<ContainerReply> {
    const row = await this.own(caller, id)
    if (row.status === "stopped" && row.desired === "stopped") return this.reply(row)
    if (row.kind === "external") return this.toggle(row, "stopped")
    const provisioner = await this.requireEngine()
    this.lanes.interrupt(id)
    await this.lanes.run(id, async () => {
      // The wish first: should the engine fail now, the reconciler carries it out.
      await this.needs.store.update(id, { desired: "stopped" })
      await explain("stop", async () => provisioner.bringDown(await this.own(caller, id)))
    })
    return this.reply(await this.own(caller, id))
  }

  /** Removes it, in any status, from the engine too. Throws `not_found`, and keeps everything when the engine does not answer or refuses. */
  async delete(caller: Caller, id: string): Promise<void> {
    const row = await this.own(caller, id)
    if (row.kind === "engine" && (this.provisioner !== undefined || row.engineId !== null)) {
      const provisioner = await this.requireEngine()
      this.lanes.interrupt(id)
      await this.lanes.run(id, async () => {
        await explain("delete", async () => provisioner.remove(await this.own(caller, id)))
        await this.needs.store.delete(id)
      })
    } else await this.needs.store.delete(id)
    this.settleNever(id)
    this.changed()
  }

  /** Whose container it is, for those who map hostnames to it. */
  async forMapping(id: string): Promise<{ id: string; personId: string } | undefined> {
    const row = await this.needs.store.find(id)
    return row && { id: row.id, personId: row.personId }
  }

  /** Everybody's containers as the edge may reach them, read from the store at each call. */
  async targets(): Promise<Map<string, ContainerTarget>> {
    const rows = await this.needs.store.all()
    this.expectations.keep(new Set(rows.map((row) => row.id)))
    return new Map(rows.map((row) => [row.id, this.target(row)]))
  }

  private target(row: ContainerRow): ContainerTarget {
    const ports = parsePorts(row)
    const port = (targetPort: number) => ports[targetPort] ?? targetPort
    if (row.kind === "engine" && this.provisioner === undefined) return { running: false, reason: noEngine, port }
    const awaited = row.kind === "engine" ? { awaitedUntil: this.expectations.awaitedUntil(row) } : {}
    if (row.status !== "running") return { running: false, reason: `the container is ${row.status}`, ...awaited, port }
    if (row.desired === "stopped") return { running: false, reason: "the container is being stopped", ...awaited, port }
    if (row.address === null) return { running: false, reason: "the container has no address", ...awaited, port }
    if (row.kind === "external" && this.rule.leadsToUs(row.address, ports))
      return { running: false, reason: "the container's address has become Freehold's own", port }
    return { running: true, address: row.address, ...awaited, port }
  }

  /** Compares wish and truth of one container and removes the difference; `recover` starts again what ended with the host or the engine. */
  async settle(id: string, recover = false): Promise<void> {
    const { provisioner } = this
    if (provisioner === undefined) return
    try {
      await this.lanes.run(id, async (signal) => {
        try {
          await provisioner.settle(id, recover, signal)
          this.trouble = undefined
        } catch (error) {
          // Whoever interrupted it decides what becomes of the container.
          if (!signal.aborted) throw error
        }
      })
    } catch (error) {
      this.noteTrouble(error)
      throw error
    }
  }

  /** Keeps in mind why statuses may be out of date, and shows it with them until the engine answers again. */
  noteTrouble(error: unknown): void {
    if (isEngineGone(error)) this.trouble = `${describeError(error)}; the status is the last one known`
  }

  /** Ends all work under way; the reconciler is stopped before. */
  stopAll(): Promise<void> {
    for (const id of this.due.keys()) this.settleNever(id)
    return this.lanes.stop()
  }

  private settleAt(id: string, at: number): void {
    this.settleNever(id)
    const timer = setTimeout(
      () => {
        this.due.delete(id)
        this.kick(id)
      },
      Math.max(0, at - this.needs.now()),
    )
    this.due.set(id, timer)
  }

  private settleNever(id: string): void {
    clearTimeout(this.due.get(id))
    this.due.delete(id)
  }

  /** Some container, or the way to it, is not what it was; may resolve when that is live. */
  changed(): unknown {
    return this.needs.onChange()
  }

  private kick(id: string): void {
    if (this.queued.has(id)) return
    this.queued.add(id)
    const work = this.settle(id).catch((error) => this.needs.log.warn("container could not be settled", { container: id, error }))
    void work.finally(() => this.queued.delete(id))
  }

  private async toggle(row: ContainerRow, status: "running" | "stopped"): Promise<ContainerReply> {
    await this.needs.store.update(row.id, { desired: status, status })
    const next = { ...row, desired: status, status }
    this.changed()
    return this.reply(next)
  }

  private async requireEngine(): Promise<Provisioner> {
    const { provisioner, needs } = this
    if (provisioner === undefined || needs.engine === undefined) throw new AppError("unavailable", noEngine)
    await needs.engine.ping()
    this.trouble = undefined
    return provisioner
  }

  /** The row of the caller's own container; throws `not_found`. */
  async own(caller: Caller, id: string): Promise<ContainerRow> {
    const row = await this.needs.store.find(id)
    if (row?.personId !== caller.personId) throw new AppError("not_found", "container not found")
    return row
  }

  private get cap(): number {
    return this.needs.containerCap ?? 3
  }

  private capReached(): AppError {
    return new AppError("invalid", `container limit reached (${this.cap})`)
  }

  /** A container as its owner sees it. */
  async reply(row: ContainerRow, memoryUsedMb?: number): Promise<ContainerReply> {
    const rules = await this.needs.store.rules.list(row.id)
    const hasHttps = rules.some(({ port }) => port === httpsPort)
    return this.replyWith(row, hasHttps, memoryUsedMb)
  }

  private replyWith(row: ContainerRow, hasHttps: boolean, memoryUsedMb?: number): ContainerReply {
    return containerReply(row, { baseDomain: this.needs.baseDomain, trouble: this.trouble, hasHttps, memoryUsedMb })
  }
}
