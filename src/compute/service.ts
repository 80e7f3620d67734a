import type { ContainerRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import { AppError } from "../errors"
import type { Log } from "../log"
import type { RegistryLogin } from "../engine/model"
import type { OwnListener } from "../own-listener"
import { parseDefinition, parseRules } from "./definition"
import { Expectations } from "./expectations"
import { explain } from "./explain"
import {
  type Caller,
  type ContainerReply,
  type ContainerTarget,
  type ContainerUse,
  type EngineState,
  containerHost,
  containerReply,
  parseName,
  parsePorts,
} from "./model"
import { newContainerId, newExternalRow, newRow } from "./new-row"
import { Provisioner } from "./provisioner"
import type { ContainerStore } from "./store"
import { UpstreamRule } from "./upstream-rule"
import { Rebuilds } from "./rebuilds"
import { noEngine, Settling } from "./settling"
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
  storageUsedBytes?: (containerId: string) => number | undefined
  /** Why a container may not be started now. */
  storageRefusal?: (row: ContainerRow) => Promise<string | undefined>
  /** A name may have a certificate from now on. */
  certify?: (hostname: string) => void
  /** Status or address of some container changed: ask `targets` again. May resolve when what they say is live; never rejects. */
  onChange: () => unknown
}

const liveStatusLimitMs = 2_000
const httpsPort = 443

/** Containers: the store holds what is wished, the engine what is true; each is brought to the other one at a time. */
export class ComputeService {
  readonly rebuilds: Rebuilds
  private settling: Settling
  private rule: UpstreamRule
  private expectations: Expectations

  constructor(private needs: ComputeNeeds) {
    const { engine, store, log, now } = needs
    const provisioner = (settling: Settling, at: Engine) => this.makeProvisioner(settling, at)
    this.expectations = new Expectations(now)
    this.settling = new Settling({ engine, provisioner, log, now, onTrouble: () => this.changed() })
    this.rule = new UpstreamRule(needs)
    this.rebuilds = new Rebuilds({
      store,
      lanes: this.settling.lanes,
      own: (caller, id) => this.own(caller, id),
      reply: (row) => this.reply(row),
      provisioner: () => this.settling.require(),
      log,
    })
  }

  private makeProvisioner(settling: Settling, engine: Engine): Provisioner {
    const { store, log, now, volumesFolder, login, mappedPorts } = this.needs
    return new Provisioner({
      store,
      engine,
      volumes: new Volumes(store, engine, volumesFolder, now),
      log,
      now,
      login: async (row) => login?.(row.personId, row.image ?? ""),
      portsOf: async (id) => (await mappedPorts?.(id)) ?? [],
      refusal: async (row) => this.needs.storageRefusal?.(row),
      onChange: () => this.changed(),
      onDue: (id, at) => settling.settleAt(id, at),
    })
  }

  /** The caller's own, the newest first, as the store has them. */
  async list(caller: Caller): Promise<ContainerReply[]> {
    const { store } = this.needs
    const [rows, rules] = await Promise.all([store.list(caller.personId), store.rules.ofPerson(caller.personId)])
    const withHttps = new Set(rules.filter(({ port }) => port === httpsPort).map(({ containerId }) => containerId))
    return rows.map((row) => this.replyWith(row, withHttps.has(row.id)))
  }

  /** As `Settling.state`. */
  engineState(): Promise<EngineState> {
    return this.settling.state()
  }

  /** With live status, unless the engine takes longer than two seconds to say. Throws `not_found`. */
  async get(caller: Caller, id: string): Promise<ContainerReply> {
    const row = await this.own(caller, id)
    if (row.kind === "external" || this.provisioner === undefined || this.settling.lanes.isBusy(id)) return this.reply(row, this.usedBy(id))
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, liveStatusLimitMs)
    await Promise.race([this.settle(id).catch(() => undefined), limit.promise])
    clearTimeout(timer)
    return this.reply(await this.own(caller, id), this.usedBy(id))
  }

  /** Throws `invalid`, `forbidden` (external ones are an administrator's) and `unavailable` (no engine). Starting goes on after the answer. */
  async create(caller: Caller, body: Record<string, unknown>): Promise<ContainerReply> {
    const name = parseName(body.name)
    const isExternal = body.kind === "external" || (body.address !== undefined && body.address !== null)
    const row = isExternal ? this.externalRow(caller, name, body) : await this.engineRow(caller, name, body)
    const rules = parseRules(body.ingress_rules)
    if (row.kind === "engine") await this.settling.require()
    const { store, now } = this.needs
    for (let attempt = 0; !(await store.insert(row, this.cap)); attempt++) {
      if (row.kind === "engine" && (await store.count(caller.personId)) >= this.cap) throw this.capReached()
      // The id was taken; with 32 random bits twice in a row is beyond belief, so the loop is for form.
      if (attempt === 3) throw new Error("no free container id")
      row.id = newContainerId()
    }
    for (const rule of rules) await store.rules.put({ ...rule, containerId: row.id, createdAt: now() })
    this.changed()
    if (rules.length > 0) this.needs.certify?.(containerHost(row.id, this.needs.baseDomain))
    if (row.kind === "engine") this.settling.kick(row.id)
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
    return newExternalRow(caller, name, this.rule.parse(body), this.needs.now())
  }

  /** Does nothing to one that runs or is being started. Throws `not_found` and `unavailable`. */
  async start(caller: Caller, id: string): Promise<ContainerReply> {
    const row = await this.own(caller, id)
    const isUp = row.status === "running" || row.status === "pending" || row.status === "initializing"
    if (isUp && row.desired === "running") return this.reply(row)
    if (row.kind === "external") return this.toggle(row, "running")
    await this.settling.require()
    await this.settling.lanes.run(id, async () => {
      const begin = { status: "pending" as const, statusDetail: null, address: null, restarts: 0, restartAt: null }
      await this.needs.store.update(id, { desired: "running", ...begin })
    })
    const started = await this.own(caller, id)
    this.changed()
    this.settling.kick(id)
    return this.reply(started)
  }

  /** Resolves when the application has ended; does nothing to one that has. Throws `not_found`, `unavailable` and `bad_gateway`. */
  async stop(caller: Caller, id: string): Promise<ContainerReply> {
    const row = await this.own(caller, id)
    if (row.status === "stopped" && row.desired === "stopped") return this.reply(row)
    if (row.kind === "external") return this.toggle(row, "stopped")
    const provisioner = await this.settling.require()
    this.settling.lanes.interrupt(id)
    await this.settling.lanes.run(id, async () => {
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
      const provisioner = await this.settling.require()
      this.settling.lanes.interrupt(id)
      await this.settling.lanes.run(id, async () => {
        await explain("delete", async () => provisioner.remove(await this.own(caller, id)))
        await this.needs.store.delete(id)
      })
    } else await this.needs.store.delete(id)
    this.settling.settleNever(id)
    this.changed()
  }

  /** Takes it out of the store by `remove` and leaves the engine alone; false where `remove` says that it did not. */
  async forget(id: string, remove: () => Promise<boolean>): Promise<boolean> {
    if (!(await this.settling.lanes.run(id, remove))) return false
    this.settling.settleNever(id)
    this.changed()
    return true
  }

  /** Whose container it is, for those who map hostnames to it. */
  async forMapping(id: string): Promise<{ id: string; personId: string } | undefined> {
    const row = await this.needs.store.find(id)
    return row && { id: row.id, personId: row.personId }
  }

  /** Why traffic may not be led to an origin at this address, or undefined where it may. */
  originProblem = (address: string, port: number, isAdmin: boolean): string | undefined => this.rule.problem(address, port, isAdmin)

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

  /** As `Settling.settle`. */
  settle(id: string, recover = false): Promise<void> {
    return this.settling.settle(id, recover)
  }

  /** As `Settling.endBecause`. */
  endBecause(id: string, why: string): Promise<void> {
    return this.settling.endBecause(id, why)
  }

  /** As `Settling.noteTrouble`. */
  noteTrouble(error: unknown): void {
    this.settling.noteTrouble(error)
  }

  /** Ends all work under way; the reconciler is stopped before. */
  stopAll(): Promise<void> {
    return this.settling.stop()
  }

  /** Some container, or the way to it, is not what it was; may resolve when that is live. */
  changed(): unknown {
    return this.needs.onChange()
  }

  private async toggle(row: ContainerRow, status: "running" | "stopped"): Promise<ContainerReply> {
    await this.needs.store.update(row.id, { desired: status, status })
    const next = { ...row, desired: status, status }
    this.changed()
    return this.reply(next)
  }

  private get provisioner(): Provisioner | undefined {
    return this.settling.provisioner
  }

  /** The row of the caller's own container; throws `not_found`. */
  async own(caller: Caller, id: string): Promise<ContainerRow> {
    const row = await this.needs.store.find(id)
    if (row?.personId !== caller.personId) throw new AppError("not_found", "container not found")
    return row
  }

  private usedBy(id: string): ContainerUse {
    const { memoryUsedMb, storageUsedBytes } = this.needs
    return { memoryUsedMb: memoryUsedMb?.(id), storageUsedBytes: storageUsedBytes?.(id) }
  }

  private get cap(): number {
    return this.needs.containerCap ?? 3
  }

  private capReached(): AppError {
    return new AppError("invalid", `container limit reached (${this.cap})`)
  }

  /** A container as its owner sees it. */
  async reply(row: ContainerRow, used: ContainerUse = {}): Promise<ContainerReply> {
    const rules = await this.needs.store.rules.list(row.id)
    const hasHttps = rules.some(({ port }) => port === httpsPort)
    return this.replyWith(row, hasHttps, used)
  }

  private replyWith(row: ContainerRow, hasHttps: boolean, used: ContainerUse = {}): ContainerReply {
    return containerReply(row, { baseDomain: this.needs.baseDomain, trouble: this.settling.trouble, hasHttps, ...used })
  }
}
