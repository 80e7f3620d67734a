// Each turn: certificates that are due; attempts that failed or were cut short and may be made again; then a walk over all certificates, for
// those of an issuer that is no longer theirs, and for the windows that issuers suggest (RFC 9773): a random moment within it becomes the time
// of renewal, and the issuer is asked again when it says so.

import type { Issuer } from "../acme/issuer"
import type { Log } from "../log"
import { Worker } from "../worker"
import type { CertificateStore } from "./certificate-store"

export type RenewalOptions = {
  store: CertificateStore
  certificates: { renew(hostname: string): Promise<void>; obtain(hostname: string): Promise<void>; sweep?(): Promise<void> }
  gate: (hostname: string) => boolean
  issuerFor: (hostname: string) => Issuer
  log: Log
  now?: () => number
  random?: () => number
  intervalMs?: number
  parallelism?: number
  /** How many windows are asked for in one turn. */
  questionsPerTurn?: number
}

const HOUR_MS = 3_600_000

/** Renews certificates on a timer, for names that the gate still allows; others are left to expire. */
export class RenewalWorker {
  private askAt = new Map<string, number>()
  private worker: Worker
  private stopped = false
  private now: () => number
  private random: () => number

  constructor(private options: RenewalOptions) {
    this.now = options.now ?? Date.now
    this.random = options.random ?? Math.random
    const pauseMs = () => (options.intervalMs ?? 60_000) * (1 + this.random() / 10)
    this.worker = new Worker(() => this.turn(), pauseMs, options.log, "renewal turn failed")
  }

  /** The first turn is at once, which takes up what the last process left undone. */
  start(): void {
    this.worker.start(0)
  }

  /** No further turns; the one under way ends with the names it is at. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.worker.stop()
  }

  /** One turn; rejects only when the store does. */
  async turn(): Promise<void> {
    const { store, certificates, gate } = this.options
    const now = this.now()
    await this.forEach(store.dueRenewals(now), async ({ hostname }) => {
      if (gate(hostname)) await certificates.renew(hostname)
    })
    await this.forEach(store.dueAttempts(now), async ({ hostname }) => {
      if (gate(hostname)) await certificates.obtain(hostname)
    })
    await this.walk()
    await certificates.sweep?.()
  }

  private async walk(): Promise<void> {
    const { store, certificates, gate, issuerFor } = this.options
    let questions = this.options.questionsPerTurn ?? 50
    const seen = new Map<string, number>()
    await this.forEach(store.issued(), async ({ hostname, issuer: name }) => {
      if (!gate(hostname)) return
      const issuer = issuerFor(hostname)
      if (issuer.name !== name) return certificates.obtain(hostname)
      if (issuer.renewalWindow === undefined) return
      let askAt = this.askAt.get(hostname) ?? 0
      if (askAt <= this.now() && questions-- > 0) askAt = await this.ask(hostname, issuer)
      seen.set(hostname, askAt)
    })
    // Replaced whole, so that names that went are forgotten.
    if (!this.stopped) this.askAt = seen
  }

  /** Asks the issuer about one certificate and answers when to ask again. */
  private async ask(hostname: string, issuer: Issuer): Promise<number> {
    const { store, log } = this.options
    try {
      const stored = await store.find(hostname)
      if (!stored || stored.issuer !== issuer.name) return this.now() + HOUR_MS
      const window = await issuer.renewalWindow?.(stored.chainPem)
      if (!window) return this.now() + 6 * HOUR_MS
      // A time chosen before stays while the window still holds it: choosing anew each time would crowd the early hours.
      if (stored.renewAt < window.startMs || stored.renewAt > window.endMs) {
        await store.setRenewAt(hostname, Math.floor(window.startMs + this.random() * (window.endMs - window.startMs)))
      }
      return this.now() + window.retryAfterMs
    } catch (error) {
      log.warn("renewal window not learned", { hostname, error })
      return this.now() + HOUR_MS
    }
  }

  private async forEach<Row>(rows: AsyncGenerator<Row>, work: (row: Row) => Promise<void>): Promise<void> {
    const run = async () => {
      for (;;) {
        const next = await rows.next()
        if (next.done || this.stopped) return
        await work(next.value)
      }
    }
    await Promise.all(Array.from({ length: this.options.parallelism ?? 4 }, run))
  }
}
