import type { ContainerRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import { EngineFault } from "../engine/faults"
import type { ContainerSpec, EngineContainer } from "../engine/model"
import type { Log } from "../log"
import { instanceCpus } from "./model"
import type { ContainerStore } from "./store"

/** Carries the container's id at the engine, so that it is found again even when we died between its making and our noting it. */
export const idLabel = "freehold.id"

const startAttempts = 3
const startPauseMs = 300
const addressWaitMs = 10_000
const addressPauseMs = 100
const processLimit = 1024
const noLimits = "this host cannot limit memory, CPU and processes: the container runs without limits"

type Change = Partial<Pick<ContainerRow, "status" | "statusDetail" | "engineId" | "address">>

/**
 * Brings one container of the engine from where it is to where the store wants it, and the store's status to the engine's truth:
 * find (by id, else by label) → pull where missing → create → start → wait for an address. Every step can be taken again after a crash.
 * All methods run in the container's lane, and throw AppError("unavailable") when the engine does not answer, with nothing decided.
 */
export class Provisioner {
  constructor(
    private store: ContainerStore,
    private engine: Engine,
    private log: Log,
    /** Status or address changed. */
    private onChange: () => void,
  ) {}

  /** `recover`: what ran when we last looked and does not now, ended with the host or the engine, so it is started again. */
  async settle(id: string, recover: boolean, signal: AbortSignal): Promise<void> {
    const row = await this.store.find(id)
    if (row === undefined || row.kind !== "engine") return
    const found = await this.locate(row)
    if (row.desired === "stopped") return this.bringDown(row, found)
    const isAsked = row.status === "pending" || row.status === "initializing"
    const isLost = recover && row.status === "running" && found !== undefined && !lives(found)
    return isAsked || isLost ? this.bringUp(row, found, signal) : this.observe(row, found)
  }

  /** Ends it at the engine, where it runs. Throws EngineFault when the engine cannot. */
  async bringDown(row: ContainerRow, found?: EngineContainer): Promise<void> {
    const container = found ?? (await this.locate(row))
    if (container !== undefined && lives(container)) await this.engine.stop(container.id)
    await this.save(row, { status: "stopped", statusDetail: null, engineId: container?.id ?? null, address: null })
  }

  /** Removes everything that the engine has of it. Throws EngineFault when the engine cannot. */
  async remove(row: ContainerRow): Promise<void> {
    const ids = new Set(await this.engine.withLabel(idLabel, row.id))
    if (row.engineId !== null) ids.add(row.engineId)
    for (const id of ids) await this.engine.remove(id)
  }

  private async locate(row: ContainerRow): Promise<EngineContainer | undefined> {
    const known = row.engineId === null ? undefined : await this.engine.inspect(row.engineId)
    if (known !== undefined) return known
    const [labelled] = await this.engine.withLabel(idLabel, row.id)
    return labelled === undefined ? undefined : this.engine.inspect(labelled)
  }

  private async bringUp(row: ContainerRow, found: EngineContainer | undefined, signal: AbortSignal): Promise<void> {
    try {
      if (found === undefined) await this.bringImage(row, signal)
      if (signal.aborted) return
      let id = found?.id ?? (await this.engine.create(specOf(row))).id
      await this.save(row, { status: "initializing", statusDetail: null, engineId: id, address: null })
      if (found === undefined || !lives(found)) id = await this.start(row, id)
      await this.waitForAddress({ ...row, engineId: id }, id, signal)
    } catch (error) {
      if (!(error instanceof EngineFault) || signal.aborted) throw error
      this.log.warn("container could not be started", { container: row.id, error })
      await this.save(row, { status: "failed", statusDetail: error.message, address: null })
    }
  }

  private async bringImage(row: ContainerRow, signal: AbortSignal): Promise<void> {
    const image = row.image ?? ""
    // Podman names what was built or imported here `localhost/…`; no registry has it.
    const isFetched = row.pullPolicy === "Always" && !image.startsWith("localhost/")
    if (!isFetched && (await this.engine.hasImage(image))) return
    await this.save(row, { status: "pending", statusDetail: `fetching image ${image}` })
    await this.engine.pull(image, signal)
  }

  /** The id of what was started: another one where the host takes limits at creation and refuses them at the start. */
  private async start(row: ContainerRow, id: string): Promise<string> {
    try {
      await this.startPatiently(id)
      return id
    } catch (error) {
      if (!(error instanceof EngineFault && error.concernsLimits)) throw error
      this.log.warn("container is started without limits", { container: row.id, error })
      await this.engine.remove(id)
      const again = await this.engine.create(specOf(row), false)
      await this.save(row, { engineId: again.id })
      await this.engine.start(again.id)
      return again.id
    }
  }

  /** Podman 4.3 sometimes fails to set up a network while it takes another one down, and a moment later it works. */
  private async startPatiently(id: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.engine.start(id)
      } catch (error) {
        if (!(error instanceof EngineFault) || error.concernsLimits || attempt === startAttempts) throw error
        await Bun.sleep(startPauseMs)
      }
    }
  }

  private async waitForAddress(row: ContainerRow, id: string, signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += addressPauseMs) {
      const found = await this.engine.inspect(id)
      const hasCome = found === undefined || !lives(found) || found.address !== undefined
      if (hasCome || waitedMs >= addressWaitMs) return this.observe({ ...row, status: "initializing" }, found)
      if (signal.aborted) return
      await Bun.sleep(addressPauseMs)
    }
  }

  /** Writes down what the engine says, and changes nothing at the engine. */
  private async observe(row: ContainerRow, found: EngineContainer | undefined): Promise<void> {
    if (found === undefined) {
      // One that never came to be keeps the reason why.
      if (row.engineId === null) return
      const statusDetail = "the container is gone from the engine: it was removed outside Freehold"
      return this.save(row, { status: "failed", statusDetail, engineId: null, address: null })
    }
    const engineId = found.id
    if (found.state === "running") {
      const statusDetail =
        found.address === undefined ? "the container has no address on its network" : found.limits === "unavailable" ? noLimits : null
      return this.save(row, { status: "running", statusDetail, engineId, address: found.address ?? null })
    }
    if (row.status === "failed") return this.save(row, { engineId, address: null })
    return this.save(row, { ...endOf(row, found), engineId, address: null })
  }

  private async save(row: ContainerRow, change: Change): Promise<void> {
    const now = await this.store.find(row.id)
    if (now === undefined) return
    const keys = Object.keys(change) as (keyof Change)[]
    if (keys.every((key) => now[key] === change[key])) return
    await this.store.update(row.id, change)
    const next = { ...now, ...change }
    if (next.status !== now.status || next.address !== now.address) {
      this.log.info("container changed", { container: row.id, status: next.status, address: next.address, detail: next.statusDetail })
      this.onChange()
    }
  }
}

function specOf(row: ContainerRow): ContainerSpec {
  return {
    name: `freehold-${row.id}`,
    image: row.image ?? "",
    memoryMb: row.memoryMb,
    cpus: instanceCpus[row.instanceType] ?? 1,
    pids: processLimit,
    labels: { [idLabel]: row.id },
  }
}

/** It holds processes that a stop has to end. */
function lives(container: EngineContainer): boolean {
  return container.state === "running" || container.state === "paused" || container.state === "restarting"
}

/** An application that ended well has stopped; every other end is a failure. */
function endOf(
  row: ContainerRow,
  { state, exitCode, outOfMemory }: EngineContainer,
): { status: ContainerRow["status"]; statusDetail: string } {
  if (state !== "exited" && state !== "dead") return { status: "stopped", statusDetail: `the engine says the container is ${state}` }
  if (outOfMemory) return { status: "failed", statusDetail: `the application was ended for using more than ${row.memoryMb} MB of memory` }
  return { status: exitCode === 0 ? "stopped" : "failed", statusDetail: `the application ended with exit code ${exitCode}` }
}
