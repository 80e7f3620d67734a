import { describeError } from "../errors"
import type { Log } from "../log"
import { Worker } from "../worker"

/** What is asked of the container engine here. */
export type WatchedEngine = { socketPath: string; ping: () => Promise<void>; version: () => Promise<{ kind: string; version: string }> }

/** `none`: the settings want none. `not_found`: none was there at the start. Times are Unix milliseconds. */
export type EngineState = {
  state: "none" | "not_found" | "reachable" | "away"
  socket?: string
  kind?: string
  version?: string
  /** Since when it does not answer. */
  since?: number
  problem?: string
}

export type EngineWatchNeeds = {
  engine: WatchedEngine | undefined
  isWanted: boolean
  /** It went away, or came again. */
  onChange: () => void
  log: Log
  now: () => number
}

const everyMs = 15_000

/** Whether the container engine answers, and since when it does not. */
export class EngineWatch {
  private state: EngineState
  private worker: Worker

  constructor(private needs: EngineWatchNeeds) {
    const { engine, isWanted, log } = needs
    this.state = engine === undefined ? { state: isWanted ? "not_found" : "none" } : { state: "reachable", socket: engine.socketPath }
    this.worker = new Worker(
      async () => void (await this.look()),
      () => everyMs,
      log,
      "the container engine could not be looked at",
    )
  }

  /** As of the last look, a few seconds ago. */
  get current(): EngineState {
    return this.state
  }

  start(): void {
    if (this.needs.engine !== undefined) this.worker.start(0)
  }

  stop(): Promise<void> {
    return this.worker.stop()
  }

  /** Asks the engine now. */
  async look(): Promise<EngineState> {
    const { engine, onChange, now } = this.needs
    if (engine === undefined) return this.state
    const before = this.state
    const socket = engine.socketPath
    try {
      await engine.ping()
      const known = before.state === "reachable" && before.version !== undefined ? before : await engine.version()
      this.state = { state: "reachable", socket, kind: known.kind ?? "", version: known.version ?? "" }
    } catch (error) {
      this.state = { ...before, state: "away", socket, since: before.since ?? now(), problem: describeError(error) }
    }
    if (this.state.state !== before.state) onChange()
    return this.state
  }
}
