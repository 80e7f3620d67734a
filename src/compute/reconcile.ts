import type { Engine } from "../engine/engine"
import { isEngineGone } from "../engine/faults"
import type { EngineEvent } from "../engine/model"
import { describeError } from "../errors"
import type { Log } from "../log"
import { idLabel } from "./container-spec"
import type { ComputeService } from "./service"
import type { ContainerStore } from "./store"

export type ReconcilerNeeds = {
  service: ComputeService
  store: ContainerStore
  engine: Engine | undefined
  log: Log
  /** How often everything is compared although no event came. */
  pollMs?: number
  /** First pause after the engine was lost; doubles up to `maxBackoffMs`. */
  backoffMs?: number
  maxBackoffMs?: number
}

const parallelism = 4

/**
 * Keeps statuses and addresses true: connect → follow the engine's events → compare everything once → then each container that an event names, and
 * everything again at a slow pace, until the engine is lost → back off → again. It never removes a container that it does not know.
 */
export class Reconciler {
  private abort = new AbortController()
  private running: Promise<void> | undefined
  private settling = new Map<string, { again: boolean }>()
  private work = new Set<Promise<void>>()

  constructor(private needs: ReconcilerNeeds) {}

  /** Returns at once; without an engine there is nothing to do. */
  start(): void {
    const { engine } = this.needs
    if (engine !== undefined && this.running === undefined) this.running = this.follow(engine)
  }

  /** Ends also the provisioning under way; what is half done goes on at the next start. */
  async stop(): Promise<void> {
    this.abort.abort()
    await this.needs.service.stopAll()
    await this.running
    await Promise.allSettled(this.work)
  }

  private async follow(engine: Engine): Promise<void> {
    const { log, service, backoffMs = 500, maxBackoffMs = 10_000 } = this.needs
    let pauseMs = backoffMs
    while (!this.abort.signal.aborted) {
      try {
        // An engine that was followed at all is well again, however short that was: it may have been restarted.
        await this.session(engine, () => {
          pauseMs = backoffMs
        })
        log.warn("the container engine ended its stream of events")
      } catch (error) {
        service.noteTrouble(error)
        if (!this.abort.signal.aborted) log.warn("the container engine is not there", { error: describeError(error), retryMs: pauseMs })
      }
      await this.pause(pauseMs, undefined)
      pauseMs = Math.min(pauseMs * 2, maxBackoffMs)
    }
  }

  /** One connection to the engine; resolves when the stream of events ends, throws when the engine does not answer. */
  private async session(engine: Engine, onFollowed: () => void): Promise<void> {
    await engine.ping()
    const ended = new AbortController()
    const stopEvents = await engine.events(
      (event) => this.note(event),
      () => ended.abort(),
    )
    try {
      await this.compareAll(true)
      onFollowed()
      this.needs.log.info("the container engine is followed", { socket: engine.socketPath })
      for (;;) {
        await this.pause(this.needs.pollMs ?? 30_000, ended.signal)
        if (ended.signal.aborted || this.abort.signal.aborted) return
        await engine.ping()
        await this.compareAll(false)
      }
    } finally {
      stopEvents()
    }
  }

  /** Throws when the engine does not answer; one bad container does not keep the others from being looked at. */
  private async compareAll(recover: boolean): Promise<void> {
    const ids = (await this.needs.store.all()).filter((row) => row.kind === "engine").map((row) => row.id)
    const take = async () => {
      for (let id = ids.pop(); id !== undefined && !this.abort.signal.aborted; id = ids.pop()) await this.settle(id, recover)
    }
    await Promise.all(Array.from({ length: parallelism }, take))
  }

  private note(event: EngineEvent): void {
    const id = event.labels[idLabel]
    if (id !== undefined) return this.look(id)
    const work = this.needs.store
      .adoptedAs(event.id)
      .then((row) => row && this.look(row.id))
      .catch(() => undefined)
      .finally(() => this.work.delete(work))
    this.work.add(work)
  }

  private look(id: string): void {
    if (this.abort.signal.aborted) return
    const underWay = this.settling.get(id)
    // Events come in bursts: one look after the last of them is enough.
    if (underWay !== undefined) {
      underWay.again = true
      return
    }
    const work = this.settleUntilQuiet(id)
      .catch(() => undefined)
      .finally(() => this.work.delete(work))
    this.work.add(work)
  }

  private async settleUntilQuiet(id: string): Promise<void> {
    const state = { again: true }
    this.settling.set(id, state)
    try {
      while (state.again && !this.abort.signal.aborted) {
        state.again = false
        await this.settle(id, false)
      }
    } finally {
      this.settling.delete(id)
    }
  }

  private async settle(id: string, recover: boolean): Promise<void> {
    try {
      await this.needs.service.settle(id, recover)
    } catch (error) {
      if (this.abort.signal.aborted) return
      this.needs.log.warn("container could not be settled", { container: id, error: describeError(error) })
      if (isEngineGone(error)) throw error
    }
  }

  private async pause(ms: number, other: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const signals = [this.abort.signal, ...(other === undefined ? [] : [other])]
    const timer = setTimeout(resolve, ms)
    const wake = () => resolve()
    for (const signal of signals) signal.addEventListener("abort", wake)
    if (!signals.some((signal) => signal.aborted)) await promise
    for (const signal of signals) signal.removeEventListener("abort", wake)
    clearTimeout(timer)
  }
}
