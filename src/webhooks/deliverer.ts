import { describeError } from "../errors"
import type { Log } from "../log"
import type { DeliveryStore, DueDelivery, Parcel, Progress } from "./delivery-store"
import { envelope, pauseAfter } from "./model"
import type { Outcome } from "./sender"
import { signatureHeaders } from "./signature"

export type DelivererNeeds = {
  store: DeliveryStore
  /** Sends once; rejects only when the signal says so. */
  post: (url: string, headers: Record<string, string>, body: string, signal: AbortSignal) => Promise<Outcome>
  /** The signing secret of an endpoint; throws when it does not open. */
  secret: (endpoint: Parcel["endpoint"]) => string
  /** Tries under way at once: in all, and to one endpoint. */
  atOnce: { all: number; perEndpoint: number }
  log: Log
  now: () => number
}

/** How long nothing is looked for without being told: what another process or a clock that was set made due is found by then. */
const longestSleepMs = 60_000

/** A try whose result could not be written down is not sent again at once, or a full disk would become a flood. */
const unrecordedPauseMs = 60_000

/** How long one that is gone keeps its place. */
const goneHoldMs = 1000

/**
 * Sends what is due, at least once: what was under way when the process ended is still due at the next start. A receiver that hangs holds
 * only its own few places, and a person whose receivers all hang is served after everybody else.
 */
export class Deliverer {
  private underWay = new Map<string, DueDelivery & { done: Promise<void> }>()
  private abort = new AbortController()
  private timer: Timer | undefined
  private filling: Promise<void> | undefined
  private isAskedAgain = false
  private isRunning = false

  constructor(private needs: DelivererNeeds) {}

  start(): void {
    this.abort = new AbortController()
    this.isRunning = true
    this.kick()
  }

  /** Ends what is under way; it is due again at the next start. */
  async stop(): Promise<void> {
    this.isRunning = false
    this.abort.abort(new Error("Freehold is stopping"))
    clearTimeout(this.timer)
    await this.filling
    await Promise.all([...this.underWay.values()].map(({ done }) => done))
  }

  /** Looks for what is due now; returns at once. */
  kick(): void {
    if (!this.isRunning) return
    if (this.filling !== undefined) {
      this.isAskedAgain = true
      return
    }
    this.filling = this.fill().finally(() => {
      this.filling = undefined
      if (!this.isAskedAgain) return
      this.isAskedAgain = false
      this.kick()
    })
  }

  private async fill(): Promise<void> {
    const { store, now, log } = this.needs
    clearTimeout(this.timer)
    let sleepMs = longestSleepMs
    try {
      // Each turn takes what the bounds leave; where it took something, more may be to be had for others.
      while (this.isRunning && (await this.take())) continue
      const next = await store.nextDue(now())
      if (next !== undefined) sleepMs = Math.min(sleepMs, Math.max(0, next - now()))
    } catch (error) {
      log.error("webhooks could not be looked for", { error })
    }
    if (this.isRunning) this.timer = setTimeout(() => this.kick(), sleepMs)
  }

  /** Whether something was begun. */
  private async take(): Promise<boolean> {
    const { store, atOnce, now } = this.needs
    const free = atOnce.all - this.underWay.size
    if (free <= 0) return false
    const inHand = [...this.underWay.values()]
    const perEndpoint = counts(inHand.map(({ endpointId }) => endpointId))
    const perPerson = counts(inHand.map(({ personId }) => personId))
    const full = [...perEndpoint].filter(([, count]) => count >= atOnce.perEndpoint).map(([id]) => id)
    const found = await store.due(now(), atOnce.all, full, [...this.underWay.keys()])
    const waiting = [...found]
    let begun = 0
    while (begun < free && waiting.length > 0 && this.isRunning) {
      // Whose fewest are under way; among equals the order of the store.
      const next = waiting.reduce((a, b) => ((perPerson.get(b.personId) ?? 0) < (perPerson.get(a.personId) ?? 0) ? b : a))
      waiting.splice(waiting.indexOf(next), 1)
      if ((perEndpoint.get(next.endpointId) ?? 0) >= atOnce.perEndpoint) continue
      for (const [map, key] of [[perEndpoint, next.endpointId] as const, [perPerson, next.personId] as const])
        map.set(key, (map.get(key) ?? 0) + 1)
      this.begin(next)
      begun++
    }
    return begun > 0
  }

  private begin(due: DueDelivery): void {
    const done = this.deliver(due.id).finally(() => {
      this.underWay.delete(due.id)
      this.kick()
    })
    this.underWay.set(due.id, { ...due, done })
  }

  private async deliver(id: string): Promise<void> {
    const { store, log, now } = this.needs
    const { signal } = this.abort
    try {
      const parcel = await store.parcel(id)
      // It went between the look and now; the pause keeps two queries that disagree from becoming a loop.
      if (parcel === undefined) return await pause(goneHoldMs, signal)
      const at = now()
      const outcome = await this.send(parcel, at)
      const progress = progressOf(parcel, outcome, now())
      if (progress.status === "failed") {
        const { endpoint, event } = parcel
        log.warn("a webhook was given up", { delivery: id, endpoint: endpoint.id, type: event.type, reason: outcome.error })
      }
      await store.finish(parcel.delivery, { at, ...outcome }, progress)
    } catch (error) {
      if (signal.aborted) return
      log.error("a webhook could not be sent or its result kept", { delivery: id, error })
      await pause(unrecordedPauseMs, signal)
    }
  }

  /** Signed anew each time, with the time of this try. */
  private async send({ endpoint, event }: Parcel, at: number): Promise<Outcome> {
    let secret: string
    try {
      secret = this.needs.secret(endpoint)
    } catch (error) {
      const said = `the signing secret cannot be read (${describeError(error)}): rotate it`
      return { status: null, error: said, durationMs: 0, reply: "" }
    }
    const body = envelope(event, at)
    const headers = { "Content-Type": "application/json", "User-Agent": "Freehold-Webhooks", ...signatureHeaders(secret, body, at) }
    return this.needs.post(endpoint.url, headers, body, this.abort.signal)
  }
}

function progressOf({ delivery }: Parcel, outcome: Outcome, now: number): Progress {
  if (outcome.error === null) return { status: "delivered", nextAttemptAt: null, deliveredAt: now }
  const pauseMs = pauseAfter(delivery.attempts + 1)
  if (pauseMs === undefined) return { status: "failed", nextAttemptAt: null, deliveredAt: null }
  return { status: "retrying", nextAttemptAt: now + pauseMs, deliveredAt: null }
}

function counts(keys: string[]): Map<string, number> {
  const map = new Map<string, number>()
  for (const key of keys) map.set(key, (map.get(key) ?? 0) + 1)
  return map
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  const stop = () => {
    clearTimeout(timer)
    resolve()
  }
  if (signal.aborted) stop()
  else signal.addEventListener("abort", stop, { once: true })
  return promise
}
