import type { ChallengeCertificate } from "../acme/challenges"
import { describeError } from "../errors"
import type { Log } from "../log"
import type { ListenAt } from "./acceptor"
import type { CertificatePair } from "./certificates"
import type { RouteTable } from "./route-table"
import { ThreadLink } from "./thread-link"
import type { EdgeLoad, FromThread, ThreadRequest, ThreadSettings } from "./thread-messages"
import type { RequestBatch } from "../traffic/requests"
import type { TrafficCounters } from "./traffic-counters"

export type ThreadGroupOptions = {
  count: number
  /** Starts a thread that runs `edge-thread.ts`. */
  openThread: () => Worker
  routes: RouteTable
  /** What a handshake's context is made of; rejects to refuse the name. */
  certificate: (hostname: string) => Promise<CertificatePair>
  /** Takes lines of the access log; rejects when they are lost. */
  write: (lines: Uint8Array) => Promise<void>
  /** What the threads counted is brought in here when it is gathered. */
  traffic: TrafficCounters
  /** Takes requests of watched hosts. */
  onRequests: (batches: RequestBatch[]) => void
  /** The settings in force; `maxConnections` is that of the whole edge. */
  settings: () => ThreadSettings
  proxyProtocol: string[]
  handshakeMs: number
  /** What the connections of one thread may hold for peers who do not take it. */
  bufferBytes: number
  log: Log
  /** A thread that takes longer to answer is ended. */
  answerMs?: number
  /** The pause before a lost thread is started again, doubled at each loss up to the second figure. */
  pausesMs?: [first: number, last: number]
}

/** A thread that lived this long begins with the shortest pause again. */
const HEALTHY_MS = 60_000

/**
 * The HTTPS edge in several threads that share its port (SO_REUSEPORT): the kernel spreads connections over them by their addresses, and each
 * serves its own from a copy of the routes and the certificates that it asked for. One that ends takes its connections with it; the others go
 * on, and it is started again. The main thread keeps certificates, store and log.
 */
export class ThreadGroup {
  /** The threads there are, with their numbers; a link is up from its start's success to its end. */
  private links = new Map<ThreadLink, { index: number; isUp: boolean; load?: EdgeLoad }>()
  private challenges = new Map<string, ChallengeCertificate>()
  private watched: string[] = []
  private timers = new Set<Timer>()
  private pauses: number[]
  private at: ListenAt = { host: "", port: 0 }
  private isServing = false
  private unfollow = () => {}

  constructor(private options: ThreadGroupOptions) {
    this.pauses = Array.from({ length: options.count }, () => this.firstPause)
    options.traffic.include(() => this.gather())
  }

  /** Threads that run. */
  get size(): number {
    return this.links.size
  }

  /** Threads that serve, of how many there should be. */
  get serving(): { threads: number; wanted: number } {
    return { threads: [...this.links.values()].filter(({ isUp }) => isUp).length, wanted: this.options.count }
  }

  /** Of all threads, as of the last time that they were asked for what they counted. */
  get load(): EdgeLoad {
    let [connections, held] = [0, 0]
    for (const { load } of this.links.values()) {
      connections += load?.connections ?? 0
      held += load?.held ?? 0
    }
    return { connections, held }
  }

  /** Listens in all threads; throws when the address is taken, also where it is by another group of the same user. Port 0 takes a free one. */
  async start(at: ListenAt): Promise<{ port: number }> {
    if ("fd" in at) throw new Error("a socket that was handed over is for one thread")
    const port = freeAt(at)
    this.at = { ...at, port }
    this.isServing = true
    this.unfollow = this.options.routes.follow(async (change) => void (await this.askAll({ kind: "routes", change })))
    const started = await Promise.allSettled(this.pauses.map((_, index) => this.open(index)))
    const failed = started.find((one) => one.status === "rejected")
    if (failed === undefined) return { port }
    await this.stop()
    throw failed.reason
  }

  /** Brings what the threads counted of all hostnames together to the counters here; never rejects. */
  async gatherTotals(): Promise<void> {
    await this.askAll({ kind: "totals" })
  }

  /** Brings the settings in force to every thread. */
  configure(): void {
    const settings = this.shares()
    for (const link of this.links.keys()) link.tell({ kind: "settings", settings })
  }

  /** The certificate of a name was replaced or taken away. */
  forgetCertificate(hostname: string): void {
    for (const link of this.links.keys()) link.tell({ kind: "forget", hostname })
  }

  /** Puts a TLS-ALPN-01 challenge up in every thread, or takes it down; resolves when it is so. */
  async challenge(hostname: string, certificate: ChallengeCertificate | undefined): Promise<void> {
    if (certificate === undefined) this.challenges.delete(hostname)
    else this.challenges.set(hostname, certificate)
    await this.askAll({ kind: "challenge", hostname, certificate })
  }

  /** Has every thread tell of the requests of these hosts and of no others; resolves when it is so. */
  async watch(hosts: string[]): Promise<void> {
    this.watched = hosts
    await this.askAll({ kind: "watch", hosts })
  }

  /** Takes no new connections, lets requests under way finish for at most `ms`, then cuts off the rest. */
  async drain(ms: number): Promise<void> {
    this.close()
    await this.askAll({ kind: "drain", limitMs: ms }, ms + this.answerMs)
  }

  /** Ends everything at once; lines and counts of the threads have arrived when this resolves. */
  async stop(): Promise<void> {
    this.close()
    await this.askAll({ kind: "stop" })
    await Promise.all([...this.links.keys()].map((link) => link.end()))
    this.unfollow()
  }

  private get answerMs(): number {
    return this.options.answerMs ?? 10_000
  }

  private get firstPause(): number {
    return this.options.pausesMs?.[0] ?? 100
  }

  /** No thread is started any more. */
  private close(): void {
    this.isServing = false
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
  }

  private async open(index: number): Promise<void> {
    const { openThread, routes, proxyProtocol, handshakeMs, bufferBytes } = this.options
    const link: ThreadLink = new ThreadLink(openThread(), {
      news: (message) => this.receive(link, index, message),
      gone: (reason) => this.lose(link, index, reason),
    })
    // From here on it gets every change, in order behind the state that it begins with.
    const place = { index, isUp: false }
    this.links.set(link, place)
    const start = {
      at: this.at,
      routes: routes.whole(),
      challenges: [...this.challenges],
      settings: this.shares(),
      watched: this.watched,
      proxyProtocol,
      handshakeMs,
      bufferBytes,
    }
    const answer = await link.ask({ kind: "start", start }, this.answerMs)
    place.isUp = answer?.port !== undefined
    if (place.isUp) return
    const { message = `a thread of the edge did not start: ${link.reason}`, code } = answer?.fault ?? {}
    this.links.delete(link)
    await link.end()
    throw Object.assign(new Error(message), { code })
  }

  private lose(link: ThreadLink, index: number, reason: string): void {
    const wasUp = this.links.get(link)?.isUp === true
    this.links.delete(link)
    // A start that fails is told by `open`.
    if (!wasUp || !this.isServing) return
    const [first, last] = this.options.pausesMs ?? [this.firstPause, 30_000]
    const pauseMs = performance.now() - link.startedAt > HEALTHY_MS ? first : this.pauses[index]!
    this.pauses[index] = Math.min(pauseMs * 2, last)
    this.options.log.error("a thread of the edge ended and is started again", { thread: index, error: reason, pauseMs })
    this.reopenAfter(index, pauseMs)
  }

  private reopenAfter(index: number, pauseMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      void this.reopen(index)
    }, pauseMs)
    this.timers.add(timer)
  }

  private async reopen(index: number): Promise<void> {
    const { log, pausesMs } = this.options
    try {
      await this.open(index)
      log.info("a thread of the edge serves again", { thread: index })
    } catch (error) {
      if (!this.isServing) return
      const pauseMs = this.pauses[index]!
      this.pauses[index] = Math.min(pauseMs * 2, pausesMs?.[1] ?? 30_000)
      log.error("a thread of the edge could not be started", { thread: index, error, pauseMs })
      this.reopenAfter(index, pauseMs)
    }
  }

  private receive(link: ThreadLink, index: number, message: Exclude<FromThread, { kind: "done" }>): void {
    if (message.kind === "log") this.options.log[message.level](message.message, { ...message.fields, thread: index })
    else if (message.kind === "requests") this.options.onRequests(message.batches)
    else if (message.kind === "access") void this.write(link, message.lines)
    else void this.answerFor(link, message.hostname)
  }

  private async write(link: ThreadLink, lines: Uint8Array): Promise<void> {
    const isLost = await this.options.write(lines).then(
      () => false,
      () => true,
    )
    link.tell({ kind: "written", isLost })
  }

  private async answerFor(link: ThreadLink, hostname: string): Promise<void> {
    try {
      link.tell({ kind: "certificate", hostname, answer: await this.options.certificate(hostname) })
    } catch (error) {
      link.tell({ kind: "certificate", hostname, answer: { refusal: describeError(error) } })
    }
  }

  private async gather(): Promise<void> {
    await this.askAll({ kind: "traffic", minuteStart: this.options.traffic.current.start })
  }

  private async askAll(request: ThreadRequest, limitMs = this.answerMs): Promise<void> {
    const ask = async (link: ThreadLink) => ({ link, answer: await link.ask(request, limitMs) })
    const { traffic } = this.options
    for (const { link, answer } of await Promise.all([...this.links.keys()].map(ask))) {
      if (answer?.minute !== undefined) traffic.merge(answer.minute)
      if (answer?.totals !== undefined) traffic.totals.absorb(answer.totals)
      const place = this.links.get(link)
      if (place !== undefined && answer?.load !== undefined) place.load = answer.load
    }
  }

  /** A share for each thread; the kernel does not spread evenly, so it is rounded up. */
  private shares(): ThreadSettings {
    const settings = this.options.settings()
    return { ...settings, maxConnections: Math.ceil(settings.maxConnections / this.options.count) }
  }
}

/** The port, or a free one for 0. Sockets that share a port do not notice that another program of this user shares it too; this one does. */
function freeAt({ host, port }: { host: string; port: number }): number {
  const probe = Bun.listen({ hostname: host, port, socket: { data() {} } })
  const found = probe.port
  probe.stop(true)
  return found
}
