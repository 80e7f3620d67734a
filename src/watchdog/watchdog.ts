// A look at each name with a certificate, daily and after each renewal: what a visitor is served, compared with what the store has.
//   follow   hourly: certificates that came get a moment of their own within a day, those that went are dropped
//   turn     four times a minute: the names whose moment has come, at most so many, a few at a time
//   look     store → handshake with our own edge → the same certificate? If not, once more: a renewal may have come between
// Not done here: whether the world finds the edge (checks/), and renewing (edge/).

import { X509Certificate } from "node:crypto"
import type { ServedNameRow } from "../db/watch-schema"
import type { Log } from "../log"
import { Worker } from "../worker"
import type { ServedNameStore } from "./store"

/** What came of a TLS handshake with the edge. */
type Served = { certificate: string; subject: string } | { failure: "refused" | "timeout" | "other"; reason: string }

export type Seen = { state: "ok" | "differs" | "refused" | "unreachable"; detail: string | null }

export type WatchdogNeeds = {
  store: ServedNameStore
  /** The certificate chain that the store has for a name, PEM; undefined where it has none. */
  stored: (hostname: string) => Promise<string | undefined>
  /** Whether the edge serves the name now: of a name that is no longer mapped the certificate stays. */
  isServed: (hostname: string) => boolean
  /** A handshake with our own edge; never rejects, and takes a few seconds at most. */
  shake: (serverName: string) => Promise<Served>
  log: Log
  now: () => number
  random?: () => number
}

const dayMs = 86_400_000
const turnMs = 15_000
const followMs = 3_600_000
/** A name in trouble is looked at again soon, so that its end is told soon. */
const troubleMs = 10 * 60_000
/** Other threads of the edge hear of a new certificate a moment later. */
const settleMs = 5000
const againMs = 1000
/** Of one turn: 50 of them four times a minute are 288,000 a day. */
const most = 50
const atOnce = 4
/** One turn takes 50 pairs of handshakes at most, each of which may last three seconds, four at a time. */
const stalledMs = 15 * 60_000

/** Whether each name is served what the store has, and since when it is not. */
export class Watchdog {
  private worker: Worker
  private followAt = 0
  private lastTurnAt: number
  private random: () => number
  private stopping = false

  constructor(private needs: WatchdogNeeds) {
    this.random = needs.random ?? Math.random
    this.lastTurnAt = needs.now()
    this.worker = new Worker(
      () => this.turn(),
      () => turnMs,
      needs.log,
      "the watchdog's turn failed",
    )
  }

  start(): void {
    this.lastTurnAt = this.needs.now()
    this.worker.start(settleMs)
  }

  async stop(): Promise<void> {
    this.stopping = true
    await this.worker.stop()
  }

  /** Since when no turn came to its end, where that is too long ago. */
  get stalledSince(): number | undefined {
    return this.needs.now() - this.lastTurnAt > stalledMs ? this.lastTurnAt : undefined
  }

  /** The certificate of a name was replaced, or taken away. Never rejects. */
  async replaced(hostname: string): Promise<void> {
    const { store, log, now } = this.needs
    try {
      await store.expect(hostname, now() + settleMs, now())
    } catch (error) {
      log.error("a renewed name could not be put on the watchdog's list", { hostname, error })
    }
  }

  /** One turn over the names whose moment has come; rejects only when the store does. */
  async turn(): Promise<void> {
    const { store, now } = this.needs
    // Further ahead than a pause is long it was set by a clock that has been set back.
    if (now() >= this.followAt || this.followAt - now() > followMs) {
      await store.follow(now(), dayMs)
      this.followAt = now() + followMs
    }
    const due = await store.due(now(), most)
    const run = async () => {
      for (let next = due.pop(); next !== undefined && !this.stopping; next = due.pop()) await this.visit(next)
    }
    await Promise.all(Array.from({ length: atOnce }, run))
    this.lastTurnAt = now()
  }

  /** What a visitor of a certificate's name is served now, who asks for `serverName`; undefined where there is nothing to compare. */
  async look(hostname: string, serverName = exampleOf(hostname)): Promise<Seen | undefined> {
    const { shake, isServed } = this.needs
    if (!isServed(hostname)) return undefined
    const first = await this.compare(hostname, await shake(serverName))
    if (first === undefined || first.state === "ok") return first
    await Bun.sleep(againMs)
    return this.compare(hostname, await shake(serverName))
  }

  private async compare(hostname: string, met: Served): Promise<Seen | undefined> {
    const chain = await this.needs.stored(hostname)
    if (chain === undefined) return undefined
    if ("failure" in met)
      return met.failure === "other"
        ? { state: "refused", detail: `the edge gave it no certificate (${met.reason})` }
        : { state: "unreachable", detail: `the edge did not answer (${met.reason})` }
    const kept = new X509Certificate(chain)
    if (kept.fingerprint256 === met.certificate) return { state: "ok", detail: null }
    return {
      state: "differs",
      detail: `visitors are served another certificate, of ${met.subject}, than the one that the store has until ${kept.validToDate.toISOString().slice(0, 10)}`,
    }
  }

  private async visit({ hostname, state, since }: Pick<ServedNameRow, "hostname" | "state" | "since">): Promise<void> {
    const { store, log, now } = this.needs
    let seen: Seen | undefined
    try {
      seen = await this.look(hostname)
    } catch (error) {
      // One that cannot be looked at keeps no other from its turn, and comes back as one in trouble does; a store that is away fails here again.
      log.error("a name could not be looked at", { hostname, error })
      return store.note(hostname, { state, detail: null, since, checkedAt: now(), nextCheckAt: now() + troubleMs })
    }
    const at = now()
    if (seen === undefined) {
      // Not served now: nothing to say of it, and its next moment is a day off.
      const nextCheckAt = at + this.day()
      return store.note(hostname, { state: "unseen", detail: null, since: at, checkedAt: at, nextCheckAt })
    }
    if (seen.state !== "ok" && seen.state !== state) log.warn("a name is not served as it should be", { hostname, ...seen })
    const isOk = seen.state === "ok"
    await store.note(hostname, {
      ...seen,
      since: seen.state === state ? since : at,
      checkedAt: at,
      nextCheckAt: at + (isOk ? this.day() : troubleMs),
    })
  }

  /** So that names which came together drift apart. */
  private day(): number {
    return Math.floor(dayMs * (0.9 + this.random() / 10))
  }
}

/** A server name that the certificate of a name is for. */
export const exampleOf = (hostname: string): string => hostname.replace(/^\*\./, "freehold-watchdog.")
