import { join } from "node:path"
import type { ContainerRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import type { Log } from "../log"
import { Worker } from "../worker"
import { gigabytes } from "./model"
import type { ContainerStore } from "./store"

export type StorageNeeds = {
  store: ContainerStore
  engine: Engine | undefined
  /** As `Volumes` has it. */
  volumesFolder: string
  /** Ends a container that runs, and says why. */
  end: (id: string, why: string) => Promise<void>
  log: Log
  intervalMs?: number
}

const gib = 1024 ** 3
const folderLimitMs = 60_000
/** Looking takes at most this part of the time. */
const restFactor = 9
/** Below it a container is let in by the last look. */
const nearlyFull = 0.9

/**
 * How much the containers of the engine keep on disk: what they have written beside their image, and their volumes. No engine bounds both on every file system,
 * so it is measured at an interval, and one that keeps more than its `storage_gb` is ended, and not started again while that is so. Between two looks
 * it may write more.
 */
export class StorageLimit {
  private used = new Map<string, number>()
  private worker: Worker
  private tookMs = 0

  constructor(private needs: StorageNeeds) {
    this.worker = new Worker(
      (signal) => this.look(signal),
      () => Math.max(needs.intervalMs ?? 60_000, this.tookMs * restFactor),
      needs.log,
      "the storage of containers could not be measured",
    )
  }

  start(): void {
    if (this.needs.engine !== undefined) this.worker.start()
  }

  stop = (): Promise<void> => this.worker.stop()

  /** At the last look; undefined before the first. */
  usedBytes(id: string): number | undefined {
    return this.used.get(id)
  }

  /** Why the container may not be started now; undefined where it may, and where it cannot be measured. */
  async refusal(row: ContainerRow): Promise<string | undefined> {
    const known = this.used.get(row.id)
    if (row.storageGb === 0 || (known !== undefined && known < row.storageGb * gib * nearlyFull)) return undefined
    return this.excess(row, await this.measure(row))
  }

  /** One look at those that run, one after the other. */
  async look(signal: AbortSignal): Promise<void> {
    const began = performance.now()
    const rows = (await this.needs.store.all()).filter(({ kind }) => kind === "engine")
    const ids = new Set(rows.map(({ id }) => id))
    for (const id of this.used.keys()) if (!ids.has(id)) this.used.delete(id)
    for (const row of rows.filter(({ status }) => status === "running")) {
      if (signal.aborted) return
      const why = this.excess(row, await this.measure(row, signal))
      if (why === undefined || signal.aborted) continue
      await this.needs
        .end(row.id, why)
        .catch((error) => this.needs.log.warn("a container could not be ended", { container: row.id, error }))
    }
    this.tookMs = performance.now() - began
  }

  private excess({ storageGb }: ContainerRow, bytes: number | undefined): string | undefined {
    if (storageGb === 0 || bytes === undefined || bytes <= storageGb * gib) return undefined
    return `it keeps ${gigabytes(bytes).toFixed(1)} GB on disk and may keep ${storageGb} GB: rebuild it with a larger storage_gb, or remove what it kept`
  }

  private async measure(row: ContainerRow, signal?: AbortSignal): Promise<number | undefined> {
    const { engine, volumesFolder, log } = this.needs
    try {
      const written = row.engineId === null ? 0 : await unlessAborted(engine?.writtenBytes(row.engineId), signal)
      const kept = await folderBytes(join(volumesFolder, row.id), signal)
      this.used.set(row.id, (written ?? 0) + kept)
    } catch (error) {
      if (signal?.aborted !== true) log.warn("the storage of a container could not be measured", { container: row.id, error })
      return undefined
    }
    return this.used.get(row.id)
  }
}

/**
 * What a folder takes on its disk, with all below, and 0 where there is none. By POSIX `du`, which neither follows links nor fails at names and depths that an
 * application may make to hide what it keeps. What we may not read is not counted. Throws where there is no `du`, and after a minute.
 */
export async function folderBytes(folder: string, signal?: AbortSignal): Promise<number> {
  const limit = AbortSignal.timeout(folderLimitMs)
  const either = signal === undefined ? limit : AbortSignal.any([limit, signal])
  const child = Bun.spawn(["du", "-skx", folder], { stdin: "ignore", stdout: "pipe", stderr: "ignore", signal: either })
  // A disk that does not answer keeps its process from ending too.
  const [said] = (await unlessAborted(Promise.all([new Response(child.stdout).text(), child.exited]), either)) ?? []
  return Number(/^\d+/.exec(said ?? "")?.[0] ?? 0) * 1024
}

/** Waits no longer than until `signal` says so; throws its reason then. */
async function unlessAborted<T>(work: Promise<T> | undefined, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return work
  const { promise, reject } = Promise.withResolvers<never>()
  const give = () => reject(signal.reason)
  signal.addEventListener("abort", give)
  try {
    signal.throwIfAborted()
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener("abort", give)
    work?.catch(() => undefined)
  }
}
