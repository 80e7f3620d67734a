import { createSecureContext, type SecureContext } from "node:tls"
import type { ChallengeCertificate } from "../acme/challenges"
import { describeError } from "../errors"
import { type Log, type LogFields, type LogLevel, logLevels } from "../log"
import { AccessLog } from "./access-log"
import { BufferBudget } from "./buffer-budget"
import { EdgeListener } from "./listener"
import { RequestTap } from "./request-tap"
import { RouteTable } from "./route-table"
import { ThreadCertificates } from "./thread-certificates"
import type { FromThread, ThreadAnswer, ThreadRequest, ThreadSettings, ThreadStart, ToThread } from "./thread-messages"
import { TrafficCounters } from "./traffic-counters"
import { TrustedProxies } from "./trusted-proxies"

type Post = (message: FromThread, transfer?: ArrayBuffer[]) => void

/** The HTTPS edge in a thread of its own: a listener on the shared port, with a copy of the routes and the certificates it was asked for. */
export class ThreadEdge {
  private routes = new RouteTable()
  private challenges = new Map<string, SecureContext>()
  private traffic = new TrafficCounters()
  private accessLog = new AccessLog((lines) => this.send(lines))
  private tap = new RequestTap((batches) => this.post({ kind: "requests", batches }))
  private certificates: ThreadCertificates
  private settings: ThreadSettings = { maxConnections: 0, trustedProxies: [], isLogged: false, logLevel: "info", holdMs: 0 }
  private trusted: TrustedProxies | undefined
  private listener: EdgeListener | undefined
  /** The lines that the main thread has not written yet. */
  private sent: PromiseWithResolvers<void> | undefined

  constructor(private post: Post) {
    const gate = (hostname: string) => this.routes.has(hostname)
    this.certificates = new ThreadCertificates({ gate, ask: (hostname) => post({ kind: "certificate", hostname }) })
  }

  /** Does at once what can be done at once, so that what comes later finds it done. */
  receive(message: ToThread): void {
    if (message.kind === "ask") void this.answer(message.id, message.request)
    else if (message.kind === "settings") this.configure(message.settings)
    else if (message.kind === "certificate") this.certificates.settle(message.hostname, message.answer)
    else if (message.kind === "forget") this.certificates.forget(message.hostname)
    else if (message.isLost) this.sent?.reject(new Error("the main thread could not write the lines"))
    else this.sent?.resolve()
  }

  private async answer(id: number, request: ThreadRequest): Promise<void> {
    const answer = await this.fulfil(request)
    const { minute } = answer
    const transfer = minute === undefined ? [] : [minute.counts.buffer, minute.sums.buffer, minute.cells.buffer]
    this.post({ kind: "done", id, answer }, transfer)
  }

  private async fulfil(request: ThreadRequest): Promise<ThreadAnswer> {
    if (request.kind === "start") return this.start(request.start)
    if (request.kind === "traffic") return this.counted(request.minuteStart)
    if (request.kind === "totals") return this.totals()
    if (request.kind === "routes") this.routes.apply(request.change)
    if (request.kind === "watch") this.tap.watch(request.hosts)
    if (request.kind === "challenge") this.challenge(request.hostname, request.certificate)
    if (request.kind === "drain") await this.listener?.drain(request.limitMs)
    return request.kind === "stop" ? this.stop() : {}
  }

  private async start(start: ThreadStart): Promise<ThreadAnswer> {
    const { at, routes, challenges, settings, watched, proxyProtocol, handshakeMs, bufferBytes } = start
    this.configure(settings)
    this.tap.watch(watched)
    this.routes.apply(routes)
    for (const [hostname, certificate] of challenges) this.challenge(hostname, certificate)
    this.listener = new EdgeListener({
      routes: this.routes,
      log: this.log(),
      accessLog: this.accessLog,
      isLogged: () => this.settings.isLogged,
      maxConnections: () => this.settings.maxConnections,
      trusted: () => this.trusted,
      holdMs: () => this.settings.holdMs,
      proxies: proxyProtocol.length === 0 ? undefined : new TrustedProxies(proxyProtocol),
      traffic: this.traffic,
      tap: this.tap,
      limits: { handshakeMs },
      budget: new BufferBudget(bufferBytes, this.log()),
      secureContext: (name) => this.certificates.secureContext(this.routes.certifiedBy(name)),
      challengeContext: (name) => (this.routes.has(name) ? this.challenges.get(name) : undefined),
    })
    try {
      return await this.listener.start(at, true)
    } catch (error) {
      return { fault: { message: describeError(error), code: (error as NodeJS.ErrnoException).code } }
    }
  }

  private async stop(): Promise<ThreadAnswer> {
    await this.listener?.stop()
    this.certificates.stop()
    await this.accessLog.stop()
    return this.counted(0)
  }

  private counted(minuteStart: number): ThreadAnswer {
    return { minute: this.traffic.take(minuteStart).pack(), ...this.totals() }
  }

  private totals(): ThreadAnswer {
    return { totals: this.traffic.totals.take(), load: this.listener?.load ?? { connections: 0, held: 0 } }
  }

  private configure(settings: ThreadSettings): void {
    this.settings = settings
    this.trusted = settings.trustedProxies.length === 0 ? undefined : new TrustedProxies(settings.trustedProxies)
  }

  private challenge(hostname: string, certificate: ChallengeCertificate | undefined): void {
    if (certificate === undefined) this.challenges.delete(hostname)
    else this.challenges.set(hostname, createSecureContext({ cert: certificate.certificatePem, key: certificate.keyPem }))
  }

  /** Sends lines of the access log to the main thread; settles when they are written, so that one batch is on the way at most. */
  private send(lines: Uint8Array): Promise<void> {
    this.sent = Promise.withResolvers<void>()
    const copy = new Uint8Array(lines)
    this.post({ kind: "access", lines: copy }, [copy.buffer])
    return this.sent.promise
  }

  /** A log whose lines the main thread writes; what is below the level is not sent. */
  private log(): Log {
    const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (logLevels.indexOf(level) < logLevels.indexOf(this.settings.logLevel)) return
      this.post({ kind: "log", level, message, fields: fields && plain(fields) })
    }
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
  }
}

/** An error goes as its sentence and its stack: a copy of it would lose its kind. */
function plain({ error, ...rest }: LogFields): LogFields {
  if (error === undefined) return rest
  return { ...rest, error: describeError(error), ...(error instanceof Error ? { threadStack: error.stack } : {}) }
}
