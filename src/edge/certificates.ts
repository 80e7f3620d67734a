// How a handshake comes to its certificate, in this order:
//   1. memory   the context made last time, and the gate beside it: may this name have a certificate *now*? If not, nothing else is looked at
//   2. gate     a name it refuses costs one look in a table: no disk, no network, no entry anywhere
//   3. store    a certificate that is valid, of the one who holds the name now, and whose key opens; a name that is backing off is remembered as such and refused without disk
//   4. budget   what handshakes may order at a CA is bounded, and they take three of four places, so that renewals and new names always find one
//   5. issuer   the safety net, for names are certified as soon as they are verified (`obtain`); the handshake waits so long, the order goes on
// One look-up and one order a hostname at a time; everybody who asks meanwhile shares them. A valid certificate is never taken away by a
// renewal that fails. A name that goes keeps its certificate in the store until that ends, served to nobody: when its holder brings it back, it costs the CA
// nothing. Whoever else proves the name gets a new key, and the old one is deleted. Not done here: OCSP stapling (the public CA ended it), session ticket keys shared between processes.

import { createSecureContext, type SecureContext } from "node:tls"
import { IssuanceError, type Issued, type Issuer } from "../acme/issuer"
import { failuresPerHour } from "../acme/order-ledger"
import type { CertificateStanding } from "../certificate-standing"
import type { CertificateAttemptRow } from "../db/schema"
import { describeError } from "../errors"
import type { Log } from "../log"
import { RecentMap } from "./certificate-cache"
import { CertificateRefused } from "./certificate-refused"
import type { CertificateStore, StoredCertificate } from "./certificate-store"
import { OrderCounts } from "./order-counts"
import { HandshakeBudget } from "./handshake-budget"
import { HeldCertificates } from "./held-certificates"
import { OrderRecord } from "./order-record"

export { CertificateRefused } from "./certificate-refused"

/** What a secure context is made of, in PEM; `notAfter` is Unix milliseconds. */
export type CertificatePair = { chainPem: string; keyPem: string; notAfter: number }

export type CertificatesOptions = {
  /** May this name have a certificate? Asked at every handshake, so it answers from memory. */
  gate: (hostname: string) => boolean
  /** May this name have a new one? A name whose DNS leads elsewhere keeps what it has, and nothing is ordered. */
  mayOrder?: (hostname: string) => boolean
  /** Takes an order that a handshake asks for from its budgets. Throws IssuanceError with `putOffUntil` where they are used up. */
  bookHandshake?: (hostname: string) => Promise<void>
  /** Why an order would fail for certain; such a one is not made, and costs the CA nothing. */
  obstacle?: (hostname: string) => Promise<string | undefined>
  store: CertificateStore
  issuerFor: (hostname: string) => Issuer
  /** Whose the name is now: a person, or empty where it is the house's own. A certificate is for one holder only. */
  holderOf?: (hostname: string) => Promise<string>
  log: Log
  /** A name came back to its holder, whose certificate serves it again. */
  onReused?: (hostname: string, notAfter: number) => void
  /** The certificate of a name was replaced, or the name was removed: whoever keeps a copy of it asks again. */
  onReplaced?: (hostname: string) => void
  now?: () => number
  random?: () => number
  handshakeWaitMs?: number
  /** A context takes about 5 KiB. */
  contextCacheSize?: number
  maxOrders?: number
}

/** `notBefore` is that of certificates made by our own clock, and 0 for those of others, whose clock is right where ours is behind. */
type Live = { context: SecureContext; notBefore: number; notAfter: number }
type BackingOff = { until: number; problem: string }

/** The certificates of the edge. Hostnames are canonical. */
export class Certificates {
  /** How orders ended since the start. */
  readonly counts = new OrderCounts()
  private contexts: RecentMap<Live>
  private backingOff: RecentMap<BackingOff>
  private lookups = new Map<string, Promise<Live | undefined>>()
  private orders = new Map<string, Promise<Live>>()
  private admissions = new Map<string, Promise<void>>()
  private budget: HandshakeBudget
  private record: OrderRecord
  private now: () => number
  private random: () => number
  /** Names that were taken away and may come back, those of this process. */
  private gone: RecentMap<true>
  private held: HeldCertificates
  private stopping = false
  private maxOrders: number

  constructor(private options: CertificatesOptions) {
    this.now = options.now ?? Date.now
    this.random = options.random ?? Math.random
    this.maxOrders = options.maxOrders ?? 256
    this.contexts = new RecentMap(options.contextCacheSize ?? 10_000)
    this.backingOff = new RecentMap(options.contextCacheSize ?? 10_000)
    this.gone = new RecentMap(1000)
    const { store, gate, log, holderOf = async () => "" } = options
    const onDeleted = (hostname: string) => {
      this.contexts.delete(hostname)
      options.onReplaced?.(hostname)
    }
    this.held = new HeldCertificates({ store, gate, holderOf, onDeleted, log })
    const { counts, now, random } = this
    this.record = new OrderRecord({ store, gate, log, counts, now, random, isStopping: () => this.stopping })
    const { bookHandshake: book = async () => {} } = options
    this.budget = new HandshakeBudget({ book, counts, log, now })
  }

  /** Names whose certificate is being made or waited for. */
  get ordersUnderWay(): number {
    return this.orders.size
  }

  /** The context for a handshake where it is in memory, so that most handshakes need not wait. Throws CertificateRefused. */
  contextNow(hostname: string): SecureContext | undefined {
    this.mustBeAllowed(hostname)
    return this.fromMemory(hostname)?.context
  }

  /** The context for a handshake, at once from memory or within `handshakeWaitMs`. Throws CertificateRefused. */
  async secureContext(hostname: string): Promise<SecureContext> {
    this.mustBeAllowed(hostname)
    const known = this.fromMemory(hostname)
    if (known) return known.context
    const stored = await this.lookup(hostname)
    const live = stored ?? (await this.orderAtHandshake(hostname))
    // The mapping may have gone while we waited.
    this.mustBeAllowed(hostname)
    return live.context
  }

  /** What another thread makes the context for a handshake of, found as `secureContext` finds it. Throws CertificateRefused. */
  async pair(hostname: string): Promise<CertificatePair> {
    await this.secureContext(hostname)
    const stored = await this.options.store.find(hostname)
    if (stored?.keyPem === undefined) throw new CertificateRefused("failed", `the certificate of ${hostname} is not in the store`)
    const { chainPem, keyPem, notAfter } = stored
    return { chainPem, keyPem, notAfter }
  }

  /** Sees to it that a name has a certificate of its present issuer. Ends when it has, or when the failure is on record (`status`); never rejects. */
  async obtain(hostname: string): Promise<void> {
    await this.inBackground(hostname, async () => {
      const stored = await this.held.find(hostname)
      if (stored && this.isUsable(stored) && stored.issuer === this.options.issuerFor(hostname).name) {
        if (this.gone.get(hostname) === true) this.options.onReused?.(hostname, stored.notAfter)
        this.gone.delete(hostname)
        const attempt = await this.options.store.attempt(hostname)
        // One still in the future is the back-off of a renewal, and stands.
        if (attempt && attempt.nextAttemptAt <= this.now()) await this.options.store.forgetAttempt(hostname)
        return
      }
      await this.order(hostname, stored)
    })
  }

  /** Replaces the certificate of a name; until it succeeds the old one is served. Ends like `obtain`. */
  async renew(hostname: string): Promise<void> {
    await this.inBackground(hostname, async () => {
      await this.order(hostname, await this.held.find(hostname))
    })
  }

  /** Forgets a name that is no longer mapped, and its attempts. Its certificate stays in the store: mapped again, it costs the CA nothing. */
  async remove(hostname: string): Promise<void> {
    this.contexts.delete(hostname)
    this.backingOff.delete(hostname)
    this.gone.set(hostname, true)
    this.options.onReplaced?.(hostname)
    await this.options.store.forgetAttempt(hostname)
    await this.options.store.forgetOrders(hostname)
  }

  /** Deletes the certificates, with their keys, that have ended and whose names are not here any more. */
  sweep = (): Promise<void> => this.held.sweep(this.now())

  /** After the clock was set back: what memory holds of times to wait for may lie far ahead. */
  forgetBackOff(): void {
    this.backingOff.clear()
    this.record.forgetBackOff()
  }

  /** How things stand with a name's certificate, from the store. */
  async status(hostname: string): Promise<CertificateStanding> {
    const stored = await this.options.store.find(hostname)
    const attempt = await this.options.store.attempt(hostname)
    const putOff = attempt?.putOff === 1 ? { isPutOff: true as const } : {}
    const trouble = attempt?.problem ? { problem: attempt.problem, nextAttemptAt: attempt.nextAttemptAt, ...putOff } : {}
    if (stored && this.isUsable(stored)) return { state: "issued", issuer: stored.issuer, notAfter: stored.notAfter, ...trouble }
    return { state: attempt?.problem ? "backing_off" : "none", ...trouble }
  }

  /** Begins no new order, and waits for those under way; stop the issuers meanwhile to cut them short. What is cut short is taken up at the next start. */
  async stop(): Promise<void> {
    this.stopping = true
    await Promise.allSettled([...this.lookups.values(), ...this.orders.values()])
  }

  private mustBeAllowed(hostname: string): void {
    if (this.options.gate(hostname)) return
    this.contexts.delete(hostname)
    throw new CertificateRefused("not_allowed", `${hostname} may not have a certificate here`)
  }

  private fromMemory(hostname: string): Live | undefined {
    const live = this.contexts.get(hostname)
    if (live && live.notBefore <= this.now() && live.notAfter > this.now()) return live
    const refused = this.backingOff.get(hostname)
    if (refused && refused.until > this.now()) throw new CertificateRefused("backing_off", `${hostname} is backing off: ${refused.problem}`)
    return undefined
  }

  private isUsable = (stored: StoredCertificate) =>
    stored.keyPem !== undefined && ownStart(stored.issuer, stored.notBefore) <= this.now() && stored.notAfter > this.now()

  private lookup(hostname: string): Promise<Live | undefined> {
    return this.share(this.lookups, hostname, async () => {
      const stored = await this.held.find(hostname)
      if (stored?.keyPem === undefined || !this.isUsable(stored)) {
        if (stored && stored.keyPem === undefined) this.options.log.warn("certificate key does not open", { hostname })
        return undefined
      }
      return this.putLive(hostname, stored.issuer, { ...stored, keyPem: stored.keyPem })
    })
  }

  private async orderAtHandshake(hostname: string): Promise<Live> {
    const mustHavePlace = () => {
      if (!this.orders.has(hostname) && this.orders.size >= Math.ceil((this.maxOrders * 3) / 4))
        throw new CertificateRefused("busy", "too many certificates are being made for handshakes")
    }
    mustHavePlace()
    // Apart from the order, which whoever asks in the background shares: that one needs no budget.
    if (!this.orders.has(hostname)) await this.share(this.admissions, hostname, () => this.admit(hostname))
    mustHavePlace()
    return this.waitFor(hostname, this.order(hostname))
  }

  /** Takes the order from the budgets of handshakes, where it would be sent to a CA now. Throws CertificateRefused. */
  private async admit(hostname: string): Promise<void> {
    const { mayOrder, issuerFor, store } = this.options
    const issuer = issuerFor(hostname).name
    if (issuer === "internal" || mayOrder?.(hostname) === false) return
    const attempt = await store.attempt(hostname)
    if (attempt && attempt.nextAttemptAt > this.now()) return
    const refused = await this.budget.admit(hostname, issuer)
    if (refused === undefined) return
    this.backingOff.set(hostname, refused)
    throw new CertificateRefused("backing_off", `${hostname} is not ordered at a handshake: ${refused.problem}`)
  }

  /** One order a hostname: kept when it succeeds, put on record when it fails. Throws CertificateRefused where it was not or should not be tried. */
  private order(hostname: string, replaced?: StoredCertificate): Promise<Live> {
    return this.share(this.orders, hostname, async () => {
      const { store, log } = this.options
      if (this.options.mayOrder?.(hostname) === false)
        throw new CertificateRefused("not_allowed", `orders for ${hostname} are held: its DNS leads elsewhere`)
      const issuer = this.options.issuerFor(hostname)
      const attempt = await store.attempt(hostname)
      // Handshakes of a name that has a valid certificate go on to the store, whatever becomes of its renewal.
      const refuseFromMemory = !replaced || !this.isUsable(replaced)
      if (attempt && attempt.nextAttemptAt > this.now()) throw this.refuse(attempt, refuseFromMemory)
      const obstacle = await this.options.obstacle?.(hostname)
      if (obstacle !== undefined) throw await this.hold(hostname, issuer, attempt, obstacle, refuseFromMemory)
      const notBefore = this.record.openAt(hostname)
      if (notBefore > this.now()) {
        const problem = `${failuresPerHour} validations failed within an hour`
        throw this.refuse(await this.record.putOff(hostname, issuer, attempt, { until: notBefore, problem }), refuseFromMemory)
      }
      await store.begin(hostname, this.now())
      const holder = await this.held.holderOf(hostname)
      try {
        const sameIssuer = replaced?.issuer === issuer.name
        const issued = await issuer.issue(hostname, sameIssuer ? replaced?.chainPem : undefined)
        // What was ordered for one holder is not another's.
        if (holder !== (await this.held.holderOf(hostname))) {
          await store.forgetOrders(hostname)
          throw new IssuanceError("the name changed hands while its certificate was ordered")
        }
        const lifetime = issued.notAfter - issued.notBefore
        // A third of the lifetime left, and up to a thirtieth earlier, so that names certified together are not renewed together.
        const renewAt = issued.notAfter - Math.floor(lifetime / 3 + (this.random() * lifetime) / 30)
        // Before it is kept: a chain and key that do not fit each other throw here.
        const live = this.putLive(hostname, issuer.name, issued)
        await store.save(hostname, { issuer: issuer.name, holder }, issued, renewAt, this.now())
        this.options.onReplaced?.(hostname)
        this.backingOff.delete(hostname)
        this.counts.issued(issuer.name)
        log.info("certificate issued", { hostname, issuer: issuer.name, notAfter: new Date(issued.notAfter).toISOString() })
        return live
      } catch (error) {
        if (error instanceof IssuanceError && error.putOffUntil !== undefined)
          throw this.refuse(
            await this.record.putOff(hostname, issuer, attempt, { until: error.putOffUntil, problem: error.problem }),
            refuseFromMemory,
          )
        const failed = await this.record.failed(hostname, issuer, attempt?.failures ?? 0, error)
        if (failed && refuseFromMemory) this.backingOff.set(hostname, { until: failed.nextAttemptAt, problem: failed.problem })
        throw new CertificateRefused("failed", `${hostname}: ${describeError(error)}`)
      }
    })
  }

  private putLive(hostname: string, issuer: string, issued: Issued): Live {
    const { chainPem: cert, keyPem: key, notBefore, notAfter } = issued
    const live = { context: createSecureContext({ cert, key, minVersion: "TLSv1.2" }), notBefore: ownStart(issuer, notBefore), notAfter }
    if (this.options.gate(hostname)) this.contexts.set(hostname, live)
    return live
  }

  /** What was not ordered because it could not go well; looked at again like any failure. */
  private async hold(
    hostname: string,
    issuer: Issuer,
    attempt: CertificateAttemptRow | undefined,
    obstacle: string,
    refuseFromMemory: boolean,
  ): Promise<CertificateRefused> {
    const failed = await this.record.failed(hostname, issuer, attempt?.failures ?? 0, new IssuanceError(obstacle), true)
    if (failed && refuseFromMemory) this.backingOff.set(hostname, { until: failed.nextAttemptAt, problem: failed.problem })
    return new CertificateRefused("failed", `${hostname}: ${obstacle}`)
  }

  private refuse(attempt: CertificateAttemptRow, fromMemory: boolean): CertificateRefused {
    const { hostname, nextAttemptAt: until, problem } = attempt
    if (fromMemory) this.backingOff.set(hostname, { until, problem })
    return new CertificateRefused("backing_off", `${hostname} is backing off: ${problem}`)
  }

  /** Single flight, and a bound on flights. */
  private share<T>(flights: Map<string, Promise<T>>, hostname: string, run: () => Promise<T>): Promise<T> {
    const flying = flights.get(hostname)
    if (flying) return flying
    if (this.stopping) return Promise.reject(new CertificateRefused("busy", "the edge is stopping"))
    if (flights.size >= this.maxOrders) return Promise.reject(new CertificateRefused("busy", "too many certificates are being made"))
    const flight = run().finally(() => flights.delete(hostname))
    flights.set(hostname, flight)
    return flight
  }

  private async waitFor(hostname: string, order: Promise<Live>): Promise<Live> {
    const limit = Promise.withResolvers<never>()
    const refusal = new CertificateRefused("waiting", `the order for ${hostname} is still under way`)
    const timer = setTimeout(() => limit.reject(refusal), this.options.handshakeWaitMs ?? 20_000)
    try {
      return await Promise.race([order, limit.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  private async inBackground(hostname: string, work: () => Promise<void>): Promise<void> {
    if (this.stopping || !this.options.gate(hostname)) return
    try {
      await work()
    } catch (error) {
      if (!(error instanceof CertificateRefused)) this.options.log.error("certificate not issued", { hostname, error })
      // Put on record as due, so that the worker takes it up when there is room.
      else if (error.reason === "busy" && !this.stopping) await this.options.store.begin(hostname, this.now())
    }
  }
}

/** From when on a certificate holds, as far as our clock may say so. */
const ownStart = (issuer: string, notBefore: number) => (issuer === "internal" ? notBefore : 0)
