import type { ContainerRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import { EngineFault } from "../engine/faults"
import type { ContainerSpec, EngineContainer, RegistryLogin } from "../engine/model"
import type { Log } from "../log"
import { containerSpec, idLabel, nameOf } from "./container-spec"
import { endOf, restartAfter } from "./ending"
import { awaitReach, isReached } from "./reach"
import type { ContainerStore } from "./store"
import type { Volumes } from "./volumes"

const startAttempts = 3
const startPauseMs = 300
const addressWaitMs = 10_000
const addressPauseMs = 100
const settleMs = 1000
const leaveMs = 500
const noLimits = "this host cannot limit memory, CPU and processes: the container runs without limits"
const gone = "the container is gone from the engine: it was removed outside Freehold"

type Change = Partial<Pick<ContainerRow, "status" | "statusDetail" | "engineId" | "address" | "restarts" | "restartAt">>

export type ProvisionerNeeds = {
  store: ContainerStore
  engine: Engine
  volumes: Volumes
  log: Log
  now: () => number
  /** Who asks the registry of this container's image. */
  login: (row: ContainerRow) => Promise<RegistryLogin | undefined>
  /** Where somebody may want to reach the container, besides its ingress rules. */
  portsOf: (containerId: string) => Promise<number[]>
  /** Why it may not be started now. */
  refusal: (row: ContainerRow) => Promise<string | undefined>
  /** Status or address changed; may resolve when the edge has it. */
  onChange: () => unknown
  /** Settle it again at this time. */
  onDue: (id: string, at: number) => void
}

/**
 * Brings one container of the engine from where it is to where the store wants it, and the store's status to the engine's truth:
 * find (by id, else by label) → pull where missing → create → start → wait for an address. Every step can be taken again after a crash.
 * All methods run in the container's lane, and throw AppError("unavailable") when the engine does not answer, with nothing decided.
 */
export class Provisioner {
  constructor(private needs: ProvisionerNeeds) {}

  /** `recover`: what ran when we last looked and does not now, ended with the host or the engine, so it is started again. */
  async settle(id: string, recover: boolean, signal: AbortSignal): Promise<void> {
    const row = await this.needs.store.find(id)
    if (row === undefined || row.kind !== "engine") return
    const found = await this.locate(row)
    if (row.desired === "stopped") return this.bringDown(row, found)
    const isDead = found === undefined || !lives(found)
    if (isDead && row.status === "pending" && row.restartAt !== null && row.restartAt > this.needs.now())
      return this.needs.onDue(id, row.restartAt)
    const isAsked = row.status === "pending" || row.status === "initializing"
    const isLost = recover && row.status === "running" && found !== undefined && isDead
    return isAsked || isLost ? this.bringUp(row, found, signal) : this.observe(row, found)
  }

  /** Ends it at the engine, where it runs. Throws EngineFault when the engine cannot. */
  async bringDown(row: ContainerRow, found?: EngineContainer): Promise<void> {
    const container = found ?? (await this.locate(row))
    if (container !== undefined && lives(container)) {
      await this.leave(row)
      await this.needs.engine.stop(container.id)
    }
    const engineId = container?.id ?? null
    await this.save(row, { status: "stopped", statusDetail: null, engineId, address: null, restarts: 0, restartAt: null })
  }

  /** Ends one that runs against the wish, which stays; it is started again only when somebody asks. Throws EngineFault when the engine cannot. */
  async endBecause(id: string, why: string): Promise<void> {
    const row = await this.needs.store.find(id)
    if (row?.status !== "running" || row.engineId === null) return
    await this.needs.engine.stop(row.engineId)
    await this.save(row, { status: "failed", statusDetail: why, address: null, restartAt: null })
  }

  /** Removes everything that the engine has of it, and what it kept. Throws EngineFault when the engine cannot. */
  async remove(row: ContainerRow): Promise<void> {
    for (const id of await this.idsOf(row)) await this.needs.engine.remove(id)
    await this.needs.volumes.deleteAll(row.id)
  }

  /**
   * Makes it anew from what the row says now. Where it keeps nothing, the new one runs before the old one ends; else the old one ends first, so that
   * no two write to one folder. Throws EngineFault where the new one cannot be made, and then the old one is as it was if it still can be.
   */
  async rebuild(row: ContainerRow, signal: AbortSignal): Promise<void> {
    const { engine } = this.needs
    const old = await this.locate(row)
    if (row.desired === "running") await this.bringImage(row, signal, row.status)
    signal.throwIfAborted()
    for (const id of await this.idsOf(row)) if (id !== old?.id) await engine.remove(id)
    const isSwap = old !== undefined && lives(old) && row.desired === "running" && row.mountPaths === "[]"
    if (isSwap) return this.swap(row, old, signal)
    if (old !== undefined) {
      // The wish stays, and with it what becomes of it should we end here.
      const status = row.desired === "running" ? ("pending" as const) : ("stopped" as const)
      await this.save(row, { status, statusDetail: null, address: null, restarts: 0, restartAt: null })
      if (lives(old)) await this.leave(row)
      try {
        if (lives(old)) await engine.stop(old.id)
        await engine.remove(old.id)
      } catch (error) {
        await this.observe({ ...row, status: "running" }, await engine.inspect(old.id))
        throw error
      }
      await this.save(row, { engineId: null })
    }
    if (row.desired === "running") await this.bringUp({ ...row, engineId: null, pullPolicy: "IfNotPresent" }, undefined, signal)
  }

  private async swap(row: ContainerRow, old: EngineContainer, signal: AbortSignal): Promise<void> {
    const { engine } = this.needs
    let address = ""
    if (old.name === nameOf(row)) await engine.rename(old.id, `${nameOf(row)}-old`)
    let made: string | undefined
    try {
      made = (await engine.create(await this.specOf(row))).id
      made = await this.start(row, made)
      const found = await this.addressed(made, signal)
      if (found?.state !== "running" || found.address === undefined)
        throw new EngineFault(found === undefined ? gone : endOf(row, found).statusDetail, undefined)
      address = found.address
      await this.waitUntilReached(row, old.address, address, signal)
      const now = await engine.inspect(made)
      if (now?.state !== "running") throw new EngineFault(now === undefined ? gone : endOf(row, now).statusDetail, undefined)
      await this.observe({ ...row, status: "running" }, now)
    } catch (error) {
      if (made !== undefined) await engine.remove(made).catch(() => undefined)
      await engine.rename(old.id, nameOf(row)).catch(() => undefined)
      await this.save(row, { engineId: old.id })
      throw error
    }
    await this.leave(row)
    try {
      await engine.stop(old.id)
      // A bridge that loses a port may change its own address, of which the new one hears from our next packet; until then its answers are lost.
      await Promise.all([...(await this.portsOf(row))].map((port) => isReached(address, port)))
      await engine.remove(old.id)
    } catch (error) {
      // The new one serves, and is what the row says: the old one goes with the next rebuild, or with the container.
      this.needs.log.warn("the container that was replaced is still there", { container: row.id, error })
    }
  }

  /** Before an application is ended: no new request meets it any more, and of those under way the usual ones come to their end. */
  private async leave(row: ContainerRow): Promise<void> {
    await this.needs.onChange()
    if ((await this.portsOf(row)).size > 0) await Bun.sleep(leaveMs)
  }

  /** Where it may be reached. */
  private async portsOf(row: ContainerRow): Promise<Set<number>> {
    const rules = await this.needs.store.rules.list(row.id)
    return new Set([...rules.map(({ targetPort }) => targetPort), ...(await this.needs.portsOf(row.id))])
  }

  /** The new application may listen later than it runs; what the old one does not answer at is not waited for. */
  private async waitUntilReached(row: ContainerRow, before: string | undefined, after: string, signal: AbortSignal): Promise<void> {
    const isAwaited = before !== undefined && (await awaitReach([...(await this.portsOf(row))], before, after, signal))
    // Without a port to ask, one that lives for a moment is taken for well.
    if (!isAwaited) await Bun.sleep(settleMs)
  }

  private async idsOf(row: ContainerRow): Promise<Set<string>> {
    const ids = new Set(await this.needs.engine.withLabel(idLabel, row.id))
    if (row.engineId !== null) ids.add(row.engineId)
    return ids
  }

  private async locate(row: ContainerRow): Promise<EngineContainer | undefined> {
    const { engine } = this.needs
    const known = row.engineId === null ? undefined : await engine.inspect(row.engineId)
    if (known !== undefined) return known
    const [labelled] = await engine.withLabel(idLabel, row.id)
    return labelled === undefined ? undefined : engine.inspect(labelled)
  }

  private async bringUp(row: ContainerRow, found: EngineContainer | undefined, signal: AbortSignal): Promise<void> {
    try {
      // How an adopted one was made, nobody told us.
      if (found === undefined && row.adopted === 1) throw new EngineFault(gone, 404)
      if (found === undefined || !lives(found)) await this.requireRoom(row)
      if (found === undefined) await this.bringImage(row, signal, "pending")
      if (signal.aborted) return
      let id = found?.id ?? (await this.needs.engine.create(await this.specOf(row))).id
      await this.save(row, { status: "initializing", statusDetail: null, engineId: id, address: null, restartAt: null })
      if (found?.state === "paused") await this.needs.engine.unpause(id)
      if (found === undefined || !lives(found)) id = await this.start(row, id)
      const now = await this.addressed(id, signal)
      if (!signal.aborted) await this.observe({ ...row, engineId: id, status: "initializing" }, now)
    } catch (error) {
      if (!(error instanceof EngineFault) || signal.aborted) throw error
      this.needs.log.warn("container could not be started", { container: row.id, error })
      await this.save(row, { status: "failed", statusDetail: error.message, address: null, restartAt: null })
    }
  }

  private async requireRoom(row: ContainerRow): Promise<void> {
    const refusal = await this.needs.refusal(row)
    if (refusal !== undefined) throw new EngineFault(refusal, undefined)
  }

  private async bringImage(row: ContainerRow, signal: AbortSignal, status: ContainerRow["status"]): Promise<void> {
    const image = row.image ?? ""
    // Podman names what was built or imported here `localhost/…`; no registry has it.
    const isFetched = row.pullPolicy === "Always" && !image.startsWith("localhost/")
    if (!isFetched && (await this.needs.engine.hasImage(image))) return
    const say = (progress: string) => this.save(row, { status, statusDetail: `fetching image ${image}${progress}` })
    await say("")
    let saidPercent = 0
    let saying: Promise<void> = Promise.resolve()
    const onProgress = (part: number) => {
      const percent = Math.floor(part * 100)
      // Each step is a write to the store, and only the store is read by those who watch.
      if (percent < saidPercent + 5) return
      saidPercent = percent
      saying = saying.then(() => say(` (${percent} %)`))
    }
    try {
      await this.needs.engine.pull(image, signal, { login: await this.needs.login(row), onProgress })
    } finally {
      await saying
    }
    await this.save(row, { statusDetail: null })
  }

  /** The id of what was started: another one where the host takes limits at creation and refuses them at the start. */
  private async start(row: ContainerRow, id: string): Promise<string> {
    const { engine, log } = this.needs
    try {
      await this.startPatiently(id)
      return id
    } catch (error) {
      if (!(error instanceof EngineFault && error.concernsLimits) || row.adopted === 1) throw error
      log.warn("container is started without limits", { container: row.id, error })
      await engine.remove(id)
      const again = await engine.create(await this.specOf(row), false)
      await this.save(row, { engineId: again.id })
      try {
        await engine.start(again.id)
      } catch (fault) {
        // Nobody else knows of it yet.
        await engine.remove(again.id).catch(() => undefined)
        throw fault
      }
      return again.id
    }
  }

  /** Podman 4.3 sometimes fails to set up a network while it takes another one down, and a moment later it works. */
  private async startPatiently(id: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.needs.engine.start(id)
      } catch (error) {
        if (!(error instanceof EngineFault) || error.concernsLimits || attempt === startAttempts) throw error
        await Bun.sleep(startPauseMs)
      }
    }
  }

  /** What the engine says when the address has come, the container has ended, or the time is over. */
  private async addressed(id: string, signal: AbortSignal): Promise<EngineContainer | undefined> {
    for (let waitedMs = 0; ; waitedMs += addressPauseMs) {
      const found = await this.needs.engine.inspect(id)
      const hasCome = found === undefined || !lives(found) || found.address !== undefined
      if (hasCome || waitedMs >= addressWaitMs || signal.aborted) return found
      await Bun.sleep(addressPauseMs)
    }
  }

  /** Writes down what the engine says, and changes nothing at the engine. */
  private async observe(row: ContainerRow, found: EngineContainer | undefined): Promise<void> {
    if (found === undefined) {
      // One that never came to be keeps the reason why.
      if (row.engineId === null) return
      return this.save(row, { status: "failed", statusDetail: gone, engineId: null, address: null, restartAt: null })
    }
    const engineId = found.id
    if (found.state === "running") {
      const statusDetail =
        found.address === undefined
          ? "the container has no address on its network"
          : found.limits === "unavailable" && row.adopted === 0
            ? noLimits
            : null
      return this.save(row, { status: "running", statusDetail, engineId, address: found.address ?? null, restartAt: null })
    }
    // It is on its way to another state, of which an event tells.
    if (found.state === "unknown") return this.save(row, { engineId })
    if (row.status === "failed") return this.save(row, { engineId, address: null })
    const again = row.status === "stopped" ? undefined : restartAfter(row, found)
    if (again === undefined) return this.save(row, { ...endOf(row, found), engineId, address: null, restartAt: null })
    const restartAt = this.needs.now() + again.pauseMs
    const statusDetail = `${endOf(row, found).statusDetail}; it is started again in ${again.pauseMs / 1000} seconds`
    await this.save(row, { status: "pending", statusDetail, engineId, address: null, restarts: again.restarts, restartAt })
    this.needs.onDue(row.id, restartAt)
  }

  private async save(row: ContainerRow, change: Change): Promise<void> {
    const { store, log } = this.needs
    const now = await store.find(row.id)
    if (now === undefined) return
    const keys = Object.keys(change) as (keyof Change)[]
    if (keys.every((key) => now[key] === change[key])) return
    await store.update(row.id, change)
    const next = { ...now, ...change }
    if (next.status !== now.status || next.address !== now.address) {
      log.info("container changed", { container: row.id, status: next.status, address: next.address, detail: next.statusDetail })
      this.needs.onChange()
    }
  }

  private async specOf(row: ContainerRow): Promise<ContainerSpec> {
    const type = await this.needs.store.instanceTypes.find(row.instanceType)
    return containerSpec(row, type, await this.needs.volumes.prepare(row))
  }
}

/** It holds processes that a stop has to end. */
function lives(container: EngineContainer): boolean {
  return container.state === "running" || container.state === "paused" || container.state === "restarting"
}
