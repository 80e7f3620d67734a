// Each turn: what is so now → compared with the episodes that are open → one notice of what began and what ended → to every receiver.
//   twice   a condition opens an episode when two looks in a row saw it, and its episode ends when two in a row did not: a restart of an engine is none
//   worse   a warning that becomes worse is told of as if it began, once: a certificate that failed to be renewed weeks ago is another matter in its last days
//   whole   episodes and the notice of them are one transaction: a crash loses none, and at worst repeats the notice that was being sent
//   retries six tries within about three hours, then the notice is given up, which the log says
// Not done here: telling again of what goes on, and telling who is to blame.

import { describeError } from "../errors"
import type { Log } from "../log"
import { Worker } from "../worker"
import { type Condition, entryOf, episodeOf, idOf, type Notice, noticeOf, type Receiver, type ReceiverName } from "./model"
import type { AlertStore, Delivery } from "./store"

export type AlertsNeeds = {
  store: AlertStore
  /** The house's name for people. */
  house: string
  /** Everything that is the matter now. Rejecting puts the turn off: what is not known has not ended. */
  conditions: () => Promise<Condition[]>
  /** As the settings are at this moment. */
  receivers: () => Receiver[]
  log: Log
  now: () => number
}

/** How one receiver took a test. */
export type TestResult = { receiver: ReceiverName; delivered: boolean; error: string | null }

const turnMs = 15_000
const sendLimitMs = 20_000
const pausesMs = [30_000, 120_000, 600_000, 3_600_000, 6_000_000]
const stalledMs = 10 * 60_000

/** Who is told when something begins to be wrong, and when that ends. */
export class Alerts {
  private worker: Worker
  /** In how many looks a condition that is no episode yet was seen, and an episode was not. */
  private seen = new Map<string, number>()
  private missed = new Map<string, number>()
  private failures = new Map<ReceiverName, { error: string; at: number }>()
  private lastTurnAt: number

  constructor(private needs: AlertsNeeds) {
    this.lastTurnAt = needs.now()
    this.worker = new Worker(
      (signal) => this.turn(signal),
      () => turnMs,
      needs.log,
      "alerts could not be looked after",
    )
  }

  start(): void {
    this.lastTurnAt = this.needs.now()
    this.worker.start()
  }

  stop(): Promise<void> {
    return this.worker.stop()
  }

  /** Since when no turn came to its end, where that is too long ago. */
  get stalledSince(): number | undefined {
    return this.needs.now() - this.lastTurnAt > stalledMs ? this.lastTurnAt : undefined
  }

  /** One look and what has to be sent; rejects when the store does, or when what is so could not be found out. */
  async turn(signal: AbortSignal): Promise<void> {
    try {
      await this.look()
    } finally {
      await this.send(signal)
    }
    this.lastTurnAt = this.needs.now()
  }

  /** Tells every receiver that this is a test, once and at once. */
  async test(): Promise<TestResult[]> {
    const { house, now, receivers } = this.needs
    const notice: Notice = { type: "test", house, at: new Date(now()).toISOString(), opened: [], ended: [], more: 0 }
    return Promise.all(
      receivers().map(async (receiver) => {
        const error = await this.try(receiver, notice, new AbortController().signal)
        return { receiver: receiver.name, delivered: error === null, error }
      }),
    )
  }

  /** Who is told, what goes on, and what did not arrive. */
  async describe() {
    const { store, receivers } = this.needs
    return {
      receivers: receivers().map(({ name }) => {
        const failure = this.failures.get(name)
        return {
          receiver: name,
          failing_since: failure === undefined ? null : new Date(failure.at).toISOString(),
          error: failure?.error ?? null,
        }
      }),
      episodes: (await store.episodes()).map((episode) =>
        Object.assign(entryOf(episode), { opened_at: new Date(episode.openedAt).toISOString() }),
      ),
      waiting: await store.waiting(),
    }
  }

  private async look(): Promise<void> {
    const { store, house, receivers, log, now } = this.needs
    const at = now()
    const conditions = new Map((await this.needs.conditions()).map((one) => [idOf(one), one]))
    const open = await store.episodes()
    const openById = new Map(open.map((episode) => [episode.id, episode]))
    const began = [...conditions].filter(([id, { severity }]) => {
      const known = openById.get(id)
      return known === undefined || (known.severity === "warn" && severity === "bad")
    })
    const gone = open.filter(({ id }) => !conditions.has(id))
    this.seen = new Map(began.map(([id]) => [id, (this.seen.get(id) ?? 0) + 1]))
    this.missed = new Map(gone.map(({ id }) => [id, (this.missed.get(id) ?? 0) + 1]))
    const opened = began
      .filter(([id]) => (this.seen.get(id) ?? 0) >= 2)
      .map(([id, condition]) => episodeOf(condition, openById.get(id)?.openedAt ?? at))
    const ended = gone.filter(({ id }) => (this.missed.get(id) ?? 0) >= 2)
    if (opened.length + ended.length === 0) return
    const notice = noticeOf(house, at, opened, ended)
    await store.change(
      opened,
      ended,
      receivers().map(({ name }) => name),
      notice,
      at,
    )
    for (const { kind, subject, reason } of notice.opened) log.warn("trouble began", { kind, subject, reason })
    for (const { kind, subject } of notice.ended) log.info("trouble ended", { kind, subject })
  }

  private async send(signal: AbortSignal): Promise<void> {
    const { store, receivers, now } = this.needs
    const all = receivers()
    await store.keepOnly(all.map(({ name }) => name))
    // A receiver that does not answer keeps no other from its notices.
    await Promise.all(
      all.map(async (receiver) => {
        for (const delivery of await store.due(receiver.name, now()))
          if (signal.aborted || !(await this.deliver(receiver, delivery, signal))) return
      }),
    )
  }

  /** Whether the receiver may be sent the next one. */
  private async deliver(receiver: Receiver, { id, notice, attempts }: Delivery, signal: AbortSignal): Promise<boolean> {
    const { store, log, now } = this.needs
    const error = await this.try(receiver, notice, signal)
    // The end of the process is nobody's refusal.
    if (signal.aborted) return false
    if (error === null) {
      await store.done(id)
      return true
    }
    const pauseMs = pausesMs[attempts]
    const fields = { receiver: receiver.name, error, attempts: attempts + 1 }
    if (pauseMs === undefined) {
      log.error("an alert was given up", fields)
      await store.done(id)
    } else {
      log.warn("an alert was not delivered, and is tried again", fields)
      await store.retry(id, attempts + 1, now() + pauseMs)
    }
    return false
  }

  private async try(receiver: Receiver, notice: Notice, stop: AbortSignal): Promise<string | null> {
    const late = AbortSignal.timeout(sendLimitMs)
    const signal = AbortSignal.any([stop, late])
    const ended = Promise.withResolvers<never>()
    const end = () => ended.reject(new Error(late.aborted ? `no end within ${sendLimitMs / 1000} s` : "Freehold was stopped"))
    signal.addEventListener("abort", end, { once: true })
    try {
      await Promise.race([receiver.send(notice, signal), ended.promise])
      this.failures.delete(receiver.name)
      return null
    } catch (error) {
      const said = describeError(error)
      this.failures.set(receiver.name, { error: said, at: this.failures.get(receiver.name)?.at ?? this.needs.now() })
      return said
    } finally {
      signal.removeEventListener("abort", end)
      ended.promise.catch(() => {})
    }
  }
}
