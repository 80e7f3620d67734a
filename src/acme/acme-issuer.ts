// One order (RFC 8555 section 7.1), in this order of steps:
//   1. account: key kept first, then registered, then its URL kept; registering a known key again gives the same account, so a crash between is harmless
//   2. newOrder for one hostname, with `replaces` at a renewal (RFC 9773 section 5); or the one that an earlier process left under way (open-orders.ts)
//   3. authorization: put the challenge of the wanted type up, tell the CA, poll until it is decided, take the challenge down
//   4. finalize with the P-256 key that was kept with the order, poll the order, download the chain
//   5. when a validation failed and another challenge type can be served: a new order with that one, since a failed authorization ends its order
// A wildcard is certified by DNS-01 alone (RFC 8555 section 7.1.3). A DNS record is looked for before the CA is told, at the servers that it asks too
// (dns-challenges.ts); answers over a port are not, since what we reach from inside the house says nothing about what it reaches from outside.
// Not done here: revocation; alternate chains.

import { Client, crypto as acmeCrypto, type Order } from "acme-client"
import { X509Certificate } from "@peculiar/x509"
import { AcmeAccount, type AccountKeeper } from "./acme-account"
import { misfit } from "./certificate-fit"
import { createChallengeCertificate } from "./challenge-certificate"
import type { ChallengeBoard } from "./challenges"
import { challengeName, ChallengeUnready, type DnsChallenge } from "./dns-challenges"
import { IssuanceError, type Issued, type Issuer, type RenewalWindow } from "./issuer"
import { noJournal, OpenOrders, type OrderJournal, type PlacedOrder } from "./open-orders"
import { pause } from "./pause"
import { askRenewalWindow, certificateId } from "./renewal-information"
import { failureStep, orderFault, refusalIn } from "./order-fault"
import { type OrderKind, type OrderLedger, unlimited } from "./order-ledger"
import { OrderPlaces } from "./order-places"
import { DirectoryError, DirectoryTransport } from "./transport"
import { ValidationFailed, validationFailed } from "./validation-failed"

export type ChallengeType = "tls-alpn-01" | "http-01" | "dns-01"

/** One step of an order; `problem` is what the CA said word for word, where it said something. */
export type AcmeStep = {
  name: "order" | "challenge" | "validation" | "finalized" | "certificate" | "failure"
  text: string
  problem?: string
}

export type AcmeIssuerOptions = {
  directoryUrl: string
  /** PEM of roots trusted for the directory, beside the usual ones. */
  caPem?: string
  email?: string
  /** External account binding (RFC 8555 section 7.3.4); `hmac` in base64url. */
  eab?: { kid: string; hmac: string }
  account: AccountKeeper
  /** Where orders under way are kept; none are where it is left out. */
  journal?: OrderJournal
  board: ChallengeBoard
  /** What this deployment can serve over its ports, best first; asked at each order. `renewal` tells that visitors are being served meanwhile. */
  challengeTypes: (order: { hostname: string; renewal: boolean }) => Exclude<ChallengeType, "dns-01">[]
  /** The DNS challenge of a hostname, which comes first where it is preferred and last otherwise. Throws ChallengeUnready for a wildcard without. */
  dnsChallenge?: (hostname: string) => Promise<DnsChallenge | undefined>
  /** Told of each step as it is made; must not throw, and what it takes long for holds the order up. */
  onStep?: (hostname: string, step: AcmeStep) => void
  now?: () => number
  orderTimeoutMs?: number
  requestTimeoutMs?: number
  pollMs?: number
  parallelOrders?: number
  /** What the directory's limits leave. */
  ledger?: OrderLedger
}

const ERROR = "urn:ietf:params:acme:error:"

/** One way to get one certificate. */
type Trial = { hostname: string; type: ChallengeType; dns: DnsChallenge | undefined }

/** Certificates from an ACME directory (RFC 8555) by TLS-ALPN-01 (RFC 8737), HTTP-01 or DNS-01. Every order ends within `orderTimeoutMs` of its start. */
export class AcmeIssuer implements Issuer {
  readonly name: string
  private readonly now: () => number
  private transport: DirectoryTransport
  private account: AcmeAccount
  private stopping = new AbortController()
  private places: OrderPlaces
  private ledger: OrderLedger
  private orders: OpenOrders

  constructor(private options: AcmeIssuerOptions) {
    this.name = options.directoryUrl
    this.places = new OrderPlaces(options.parallelOrders ?? 4)
    this.ledger = options.ledger ?? unlimited
    this.now = options.now ?? Date.now
    this.orders = new OpenOrders(options.journal ?? noJournal)
    const { directoryUrl, caPem, requestTimeoutMs = 30_000, email, eab } = options
    this.transport = new DirectoryTransport(directoryUrl, { caPem, requestTimeoutMs, now: this.now })
    this.account = new AcmeAccount(
      options.account,
      { email, eab },
      (account, signal) => this.connect(account, signal),
      () => this.ledger.account(),
    )
  }

  /** Obtains a certificate, over as many challenge types as it takes. Throws IssuanceError; the challenges are down again either way. */
  async issue(hostname: string, replaces?: string): Promise<Issued> {
    // Before the order takes its place among the parallel ones: it is the DNS of others that takes its time.
    const dns = await this.dnsChallenge(hostname)
    if (this.stopping.signal.aborted) throw new IssuanceError("stopped")
    await this.places.take(replaces !== undefined)
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(this.options.orderTimeoutMs ?? 120_000)])
    let failedValidations = 0
    try {
      let failure: unknown = new Error("no challenge type can be served here")
      for (const type of this.typesFor(hostname, dns, replaces !== undefined)) {
        try {
          return await this.orderOnAnyAccount({ hostname, type, dns }, replaces, signal)
        } catch (error) {
          // What a CA said tells more than what it was not asked.
          if (failedValidations === 0 || !(error instanceof ChallengeUnready || error instanceof IssuanceError)) failure = error
          if (error instanceof ChallengeUnready) continue
          // What is left of a limit may not do for another type; then it is the failure before that tells.
          if (failedValidations > 0 && error instanceof IssuanceError) break
          if (!(error instanceof ValidationFailed)) throw error
          failedValidations++
          if (error.type === `${ERROR}rateLimited`) break
        }
      }
      throw failure
    } catch (error) {
      const fault = this.explain(hostname, error, signal, failedValidations)
      await this.noteRefusal(hostname, error)
      this.options.onStep?.(hostname, failureStep(this.name, fault))
      throw fault
    } finally {
      this.places.free()
    }
  }

  /** The window the directory suggests (RFC 9773), or undefined where it has no such resource. Throws IssuanceError when it could not be asked. */
  async renewalWindow(chainPem: string): Promise<RenewalWindow | undefined> {
    try {
      return await askRenewalWindow(this.transport, chainPem, this.now(), this.stopping.signal)
    } catch (error) {
      throw this.explain("renewal information", error, this.stopping.signal, 0)
    }
  }

  /** Ends orders under way and refuses new ones. */
  stop(): void {
    this.stopping.abort()
  }

  private async dnsChallenge(hostname: string): Promise<DnsChallenge | undefined> {
    try {
      return await this.options.dnsChallenge?.(hostname)
    } catch (error) {
      throw this.explain(hostname, error, this.stopping.signal, 0)
    }
  }

  private typesFor(hostname: string, dns: DnsChallenge | undefined, renewal: boolean): ChallengeType[] {
    const overPorts = hostname.startsWith("*.") ? [] : this.options.challengeTypes({ hostname, renewal })
    if (dns === undefined) return overPorts
    return dns.isPreferred ? ["dns-01", ...overPorts] : [...overPorts, "dns-01"]
  }

  /** A directory that has lost our account (a restored or new CA behind the same URL) gets it again, once. */
  private async orderOnAnyAccount(trial: Trial, replaces: string | undefined, signal: AbortSignal) {
    try {
      return await this.orderReplacing(trial, replaces, signal)
    } catch (error) {
      if (!(error instanceof DirectoryError) || error.type !== `${ERROR}accountDoesNotExist`) throw error
      await this.account.forgetUrl()
      return this.orderReplacing(trial, replaces, signal)
    }
  }

  /** `replaces` is a courtesy that buys exemption from limits; a directory that refuses it still gets a plain order. */
  private async orderReplacing(trial: Trial, replaces: string | undefined, signal: AbortSignal) {
    const id = replaces && (await this.transport.resources(signal)).renewalInfo ? certificateId(replaces) : undefined
    const plainly = () => this.order(trial, { kind: replaces === undefined ? "new" : "renewal" }, signal)
    if (id === undefined) return plainly()
    try {
      return await this.order(trial, { kind: "announced", replaces: id }, signal)
    } catch (error) {
      const refused = error instanceof DirectoryError && [`${ERROR}alreadyReplaced`, `${ERROR}malformed`].includes(error.type ?? "")
      if (!refused) throw error
      return plainly()
    }
  }

  private async order(trial: Trial, as: { kind: OrderKind; replaces?: string }, signal: AbortSignal): Promise<Issued> {
    const { hostname } = trial
    const client = this.connect(await this.account.open(signal), signal)
    // What was under way already is on the books.
    const resumed = await this.orders.resume(client, hostname)
    if (resumed !== undefined) return this.carryOn(client, trial, { ...resumed, how: ", which knows the order from before" }, signal)
    const booked = await this.ledger.order(hostname, as.kind)
    const asked = { certificate: false }
    try {
      const placed = await this.orders.place(client, hostname, as.replaces)
      return await this.carryOn(client, trial, { ...placed, how: as.replaces ? " as a renewal" : "" }, signal, asked)
    } finally {
      if (!asked.certificate) await booked.endedWithoutCertificate()
    }
  }

  /** `asked.certificate` becomes true as soon as the directory may have made one. */
  private async carryOn(
    client: Client,
    trial: Trial,
    { order, keyPem, how }: PlacedOrder & { how: string },
    signal: AbortSignal,
    asked = { certificate: false },
  ): Promise<Issued> {
    const { hostname } = trial
    const step = (name: AcmeStep["name"], text: string) => this.options.onStep?.(hostname, { name, text })
    step("order", `Ordered at ${this.name}${how}`)
    if (order.status === "pending") await this.authorize(client, order, trial, signal)
    const [, csr] = await acmeCrypto.createCsr({ altNames: [hostname] }, keyPem)
    const ready = await this.poll(
      signal,
      () => client.getOrder(order),
      (current) => current.status !== "pending",
    )
    if (ready.status === "ready") {
      asked.certificate = true
      await client.finalizeOrder(order, csr)
      step("finalized", "Key and names sent to the CA")
    }
    const done = await this.poll(
      signal,
      () => client.getOrder(order),
      (current) => current.status === "valid" || current.status === "invalid",
    )
    if (done.status === "invalid") throw validationFailed(done.error, `the order for ${hostname} became ${done.status}`)
    const chainPem = done.certificate ? await client.getCertificate(done) : ""
    const wrong = done.certificate
      ? misfit(chainPem, hostname, keyPem, this.now())
      : "the CA calls the order valid and names no certificate"
    if (wrong !== undefined) {
      // What a CA got wrong once it may get wrong for good: the next attempt orders anew.
      await this.orders.giveUp(hostname)
      throw new Error(wrong)
    }
    const leaf = new X509Certificate(chainPem)
    step("certificate", `Certificate from ${this.name}, valid until ${leaf.notAfter.toISOString()}`)
    return { chainPem, keyPem, notBefore: leaf.notBefore.getTime(), notAfter: leaf.notAfter.getTime() }
  }

  private async authorize(client: Client, order: Order, trial: Trial, signal: AbortSignal): Promise<void> {
    const { hostname, type } = trial
    const [authorization] = await client.getAuthorizations(order)
    const step = (given: AcmeStep) => this.options.onStep?.(hostname, given)
    if (authorization?.status === "valid") return step({ name: "validation", text: "The CA still holds an earlier validation" })
    // acme-client's types know no TLS-ALPN-01, its code does.
    const challenge = authorization?.challenges.find((one) => (one.type as string) === type)
    if (!authorization || !challenge) throw new Error(`the CA offers no ${type} challenge for ${hostname}`)
    const keyAuthorization = await client.getChallengeKeyAuthorization(challenge)
    const wentWell = await this.ledger.validation(hostname)
    if (wentWell === undefined) throw new IssuanceError(`another validation of ${hostname} that fails would break a limit of ${this.name}`)
    const takeDown = await this.putUp(trial, challenge.token, keyAuthorization, signal)
    try {
      step({ name: "challenge", text: `${type} challenge is up, and the CA told to look` })
      // An order that was taken up again may have been told already; a second word would be refused (RFC 8555 section 7.5.1).
      if (challenge.status === "pending") await client.completeChallenge(challenge)
      const fetchIt = async () => (await client.getAuthorizations(order))[0] ?? authorization
      const decided = await this.poll(signal, fetchIt, (current) => current.status !== "pending")
      if (decided.status === "valid") {
        await wentWell()
        return step({ name: "validation", text: `Validated by ${type}` })
      }
      const fault = decided.challenges.find((one) => one.error !== undefined)?.error
      const failed = validationFailed(fault, `the authorization of ${hostname} by ${type} became ${decided.status}`)
      step({ name: "validation", text: failed.message, problem: failed.problem })
      throw failed
    } finally {
      await takeDown()
    }
  }

  /** For DNS-01 acme-client answers the digest that the record holds (RFC 8555 section 8.4) in place of the key authorization itself. */
  private async putUp(trial: Trial, token: string, keyAuthorization: string, signal: AbortSignal): Promise<() => void | Promise<void>> {
    const { board } = this.options
    const { hostname, type, dns } = trial
    if (type === "dns-01" && dns) return dns.put(challengeName(hostname), keyAuthorization, signal)
    if (type === "http-01") return board.putHttp(token, keyAuthorization)
    return board.putAlpn(hostname, await createChallengeCertificate(hostname, keyAuthorization, this.now()))
  }

  /** Asks again until decided, over passing faults of the network; the signal is the limit. */
  private async poll<T>(signal: AbortSignal, ask: () => Promise<T>, decided: (value: T) => boolean): Promise<T> {
    for (let waitMs = this.options.pollMs ?? 50; ; waitMs = Math.min(waitMs * 2, 5000)) {
      let pauseMs = waitMs
      try {
        const value = await ask()
        if (decided(value)) return value
      } catch (error) {
        if (error instanceof DirectoryError && error.status < 500 && error.status !== 429) throw error
        if (error instanceof DirectoryError) pauseMs = Math.max(error.retryAfterMs ?? 0, waitMs)
      }
      await pause(pauseMs, signal)
    }
  }

  /** A client for one order: the library, over our transport, ended by the order's signal. */
  private connect(account: { keyPem: string; accountUrl: string | null }, signal: AbortSignal): Client {
    const { directoryUrl, eab } = this.options
    const client = new Client({
      directoryUrl,
      accountKey: account.keyPem,
      ...(account.accountUrl ? { accountUrl: account.accountUrl } : {}),
      ...(eab ? { externalAccountBinding: { kid: eab.kid, hmacKey: eab.hmac } } : {}),
    })
    // The one seam of acme-client (pinned, 5.4.0) that is not shared by the whole process; its types do not show it.
    const { http } = client as unknown as { http: { request: unknown } }
    http.request = (url: string, method: string, options: { data?: unknown } = {}) => {
      const headers: Record<string, string> = options.data === undefined ? {} : { "Content-Type": "application/jose+json" }
      return this.transport.request(url, method, { headers, data: options.data, signal })
    }
    return client
  }

  private explain(subject: string, error: unknown, signal: AbortSignal, failedValidations: number): IssuanceError {
    const limitMs = this.options.orderTimeoutMs ?? 120_000
    const ended = this.stopping.signal.aborted ? "stopped" : signal.aborted ? `no end within ${limitMs / 1000} s` : undefined
    return orderFault(subject, error, ended, failedValidations)
  }

  /** A directory that asked to be left alone is: nothing that its answer holds for is sent until then. */
  private async noteRefusal(hostname: string, error: unknown): Promise<void> {
    const refusal = refusalIn(hostname, error)
    if (refusal !== undefined) await this.ledger.refused(refusal)
  }
}
