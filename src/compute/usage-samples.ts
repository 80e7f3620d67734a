import type { ContainerRow } from "../db/schema"
import type { Engine } from "../engine/engine"
import type { Usage } from "../engine/model"
import type { Log } from "../log"
import { Worker } from "../worker"
import type { Caller } from "./model"
import type { ContainerStore } from "./store"

/** What a container used between two looks; null where the host does not count it. */
export type UsageSample = {
  time: string
  /** 100 is one processor. */
  cpu_percent: number | null
  memory_bytes: number | null
  received_bytes_per_second: number | null
  sent_bytes_per_second: number | null
  processes: number | null
}

export type UsageNeeds = {
  store: ContainerStore
  engine: Engine | undefined
  own: (caller: Caller, id: string) => Promise<ContainerRow>
  log: Log
  now: () => number
  intervalMs?: number
}

type Series = { engineId: string; last: { at: number; usage: Usage }; samples: UsageSample[] }

/** An hour, at the usual interval. */
const maxSamples = 360
const parallelism = 4

/** Looks at every running container at an interval, and keeps the last hour in memory for graphs. */
export class UsageSamples {
  private series = new Map<string, Series>()
  private worker: Worker

  constructor(private needs: UsageNeeds) {
    this.worker = new Worker(
      (signal) => this.look(signal),
      () => this.intervalMs,
      needs.log,
      "containers could not be measured",
    )
  }

  private get intervalMs(): number {
    return this.needs.intervalMs ?? 10_000
  }

  start(): void {
    if (this.needs.engine !== undefined) this.worker.start()
  }

  stop = (): Promise<void> => this.worker.stop()

  /** The oldest first; empty for what never ran since we did. Throws `not_found`. */
  async of(caller: Caller, id: string): Promise<{ interval_seconds: number; samples: UsageSample[] }> {
    const row = await this.needs.own(caller, id)
    return { interval_seconds: this.intervalMs / 1000, samples: this.series.get(row.id)?.samples ?? [] }
  }

  /** Whole megabytes at the last look. */
  memoryMb(id: string): number | undefined {
    const bytes = this.series.get(id)?.samples.at(-1)?.memory_bytes
    return typeof bytes === "number" ? Math.round(bytes / 1024 / 1024) : undefined
  }

  /** One look at all of them. */
  async look(signal: AbortSignal): Promise<void> {
    const rows = await this.needs.store.all()
    const known = new Set(rows.map(({ id }) => id))
    for (const id of this.series.keys()) if (!known.has(id)) this.series.delete(id)
    const running = rows.filter((row) => row.kind === "engine" && row.status === "running" && row.engineId !== null)
    const take = async () => {
      for (let row = running.pop(); row !== undefined && !signal.aborted; row = running.pop()) await this.sample(row)
    }
    await Promise.all(Array.from({ length: parallelism }, take))
  }

  private async sample({ id, engineId }: ContainerRow): Promise<void> {
    if (engineId === null) return
    let usage: Usage | undefined
    try {
      usage = await this.needs.engine?.usage(engineId)
    } catch (error) {
      this.needs.log.debug("container could not be measured", { container: id, error })
    }
    if (usage === undefined) return
    const at = this.needs.now()
    const before = this.series.get(id)
    const samples = before?.samples ?? []
    // A new container counts from zero, and so does one that was started again.
    if (before !== undefined && before.engineId === engineId) {
      const sample = between(before.last, { at, usage })
      if (sample !== undefined) samples.push(sample)
      if (samples.length > maxSamples) samples.shift()
    }
    this.series.set(id, { engineId, last: { at, usage }, samples })
  }
}

/** Undefined where the counts went backwards, or no time has passed. */
export function between(before: { at: number; usage: Usage }, after: { at: number; usage: Usage }): UsageSample | undefined {
  const ms = after.at - before.at
  const grown = (pick: (usage: Usage) => number | undefined) => {
    const [from, to] = [pick(before.usage), pick(after.usage)]
    return from === undefined || to === undefined ? null : to - from
  }
  const cpuMs = grown((usage) => usage.cpuMs)
  const received = grown((usage) => usage.receivedBytes)
  const sent = grown((usage) => usage.sentBytes)
  if (ms <= 0 || [cpuMs, received, sent].some((growth) => growth !== null && growth < 0)) return undefined
  const perSecond = (bytes: number | null) => (bytes === null ? null : Math.round((bytes * 1000) / ms))
  return {
    time: new Date(after.at).toISOString(),
    cpu_percent: cpuMs === null ? null : Math.round((cpuMs * 10_000) / ms) / 100,
    memory_bytes: after.usage.memoryBytes ?? null,
    received_bytes_per_second: perSecond(received),
    sent_bytes_per_second: perSecond(sent),
    processes: after.usage.processes ?? null,
  }
}
