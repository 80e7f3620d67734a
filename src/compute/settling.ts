import type { Engine } from "../engine/engine"
import { isEngineGone } from "../engine/faults"
import { AppError, describeError } from "../errors"
import type { Log } from "../log"
import { Lanes } from "./lanes"
import type { EngineState } from "./model"
import type { Provisioner } from "./provisioner"

export const noEngine = "no container engine is configured: start Podman or Docker, or set FREEHOLD_CONTAINER_ENGINE"

export type SettlingNeeds = {
  /** Undefined where there is none. */
  engine: Engine | undefined
  /** Made when it is first needed, since it tells us when to settle again. */
  provisioner: (settling: Settling, engine: Engine) => Provisioner
  log: Log
  now: () => number
  /** Trouble with the engine has appeared, or is over. */
  onTrouble: () => void
}

/** Brings containers to where the store wants them, each in its own lane: now, soon, or when it is due; and knows whether the engine answers. */
export class Settling {
  readonly lanes = new Lanes()
  /** Undefined where there is no engine. */
  readonly provisioner: Provisioner | undefined
  private queued = new Set<string>()
  private due = new Map<string, Timer>()
  private known: string | undefined

  constructor(private needs: SettlingNeeds) {
    const { engine, provisioner } = needs
    this.provisioner = engine && provisioner(this, engine)
    this.known = engine === undefined ? noEngine : undefined
  }

  /** Why statuses may be out of date; undefined while the engine answers. */
  get trouble(): string | undefined {
    return this.known
  }

  /** Compares wish and truth of one container and removes the difference; `recover` starts again what ended with the host or the engine. */
  async settle(id: string, recover = false): Promise<void> {
    const { provisioner } = this
    if (provisioner === undefined) return
    try {
      await this.lanes.run(id, async (signal) => {
        try {
          await provisioner.settle(id, recover, signal)
          this.setTrouble(undefined)
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

  /** The same in the background, once however often it is asked for. */
  kick(id: string): void {
    if (this.queued.has(id)) return
    this.queued.add(id)
    const work = this.settle(id).catch((error) => this.needs.log.warn("container could not be settled", { container: id, error }))
    void work.finally(() => this.queued.delete(id))
  }

  /** Ends a container that runs, whatever its owner wishes, and says why. Throws as `settle` does. */
  async endBecause(id: string, why: string): Promise<void> {
    const { provisioner } = this
    if (provisioner !== undefined) await this.lanes.run(id, () => provisioner.endBecause(id, why))
  }

  /** Instead of what was due for it before. */
  settleAt(id: string, at: number): void {
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

  settleNever(id: string): void {
    clearTimeout(this.due.get(id))
    this.due.delete(id)
  }

  /** Whether there is an engine that answers now; `detail` says what is wrong. */
  async state(): Promise<EngineState> {
    if (this.provisioner === undefined) return { state: "none", detail: noEngine }
    try {
      await this.require()
      return { state: "ready" }
    } catch (error) {
      return { state: "away", detail: describeError(error) }
    }
  }

  /** Throws `unavailable` unless the engine answers now. */
  async require(): Promise<Provisioner> {
    const { provisioner } = this
    const { engine } = this.needs
    if (provisioner === undefined || engine === undefined) throw new AppError("unavailable", noEngine)
    await engine.ping().catch((error: unknown) => {
      this.noteTrouble(error)
      throw error
    })
    this.setTrouble(undefined)
    return provisioner
  }

  /** Keeps in mind that the engine does not answer, until it does again. The first reason stays, so that repeats are no news. */
  noteTrouble(error: unknown): void {
    if (isEngineGone(error)) this.setTrouble(this.known ?? `${describeError(error)}; the status is the last one known`)
  }

  /** Ends all work under way. */
  stop(): Promise<void> {
    for (const id of this.due.keys()) this.settleNever(id)
    return this.lanes.stop()
  }

  private setTrouble(trouble: string | undefined): void {
    if (trouble === this.known) return
    this.known = trouble
    this.needs.onTrouble()
  }
}
