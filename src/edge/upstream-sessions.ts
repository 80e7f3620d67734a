import type { BufferBudget } from "./buffer-budget"
import { BufferPool } from "./http2/buffer-pool"
import { defaultHttp2Limits } from "./http2/limits"
import type { StreamUser } from "./http2/stream"
import type { EdgeLimits } from "./limits"
import type { Upstream } from "./route-table"
import type { UpstreamPool } from "./upstream-pool"
import { UpstreamSession } from "./upstream-session"

/** Who wants a stream. */
export interface StreamSeeker extends StreamUser {
  /** There is room: the stream is opened by `session.request` now. */
  onRoom(session: UpstreamSession): void
  /** There is none and will be none; `connected` when the upstream took the connection but did not speak HTTP/2 on it. */
  onNoRoom(connected: boolean): void
}

/** Requests of one upstream that wait for room; each also has its own deadline. */
const WAITING_PER_TARGET = 1024

type Target = { sessions: UpstreamSession[]; waiting: Set<StreamSeeker>; upstream: Upstream; scheduled: boolean }

/** HTTP/2 connections by upstream, a bounded number each, ended when nothing used them for a while. */
export class UpstreamSessions {
  private targets = new Map<string, Target>()
  private buffers = new BufferPool(defaultHttp2Limits.outputBytes)
  private timer: Timer | undefined
  private stopped = false

  constructor(
    private pool: UpstreamPool,
    private limits: EdgeLimits,
    private budget?: BufferBudget,
  ) {}

  /** Finds a connection with room or opens one, within the bound; else the seeker waits its turn. Answers by `onRoom` or `onNoRoom`, perhaps at once. */
  seek(upstream: Upstream, seeker: StreamSeeker): void {
    const name = this.pool.nameOf(upstream)
    let target = this.targets.get(name)
    if (!target) this.targets.set(name, (target = { sessions: [], waiting: new Set(), upstream, scheduled: false }))
    const session = target.waiting.size === 0 ? this.roomFor(name, target) : undefined
    if (session) seeker.onRoom(session)
    else if (this.stopped || target.waiting.size >= WAITING_PER_TARGET) seeker.onNoRoom(false)
    else target.waiting.add(seeker)
  }

  /** The seeker wants nothing any more. */
  forsake(upstream: Upstream, seeker: StreamSeeker): void {
    this.targets.get(this.pool.nameOf(upstream))?.waiting.delete(seeker)
  }

  /** Open connections, for tests and counters. */
  get size(): number {
    let sum = 0
    for (const { sessions } of this.targets.values()) sum += sessions.length
    return sum
  }

  /** Ends every connection; there are no further ones. */
  stop(): void {
    this.stopped = true
    for (const target of this.targets.values()) {
      const { waiting } = target
      target.waiting = new Set()
      for (const seeker of waiting) seeker.onNoRoom(false)
      for (const session of target.sessions) session.stop()
    }
    clearInterval(this.timer)
    this.timer = undefined
  }

  private roomFor(name: string, target: Target): UpstreamSession | undefined {
    let usable = 0
    for (const session of target.sessions) {
      if (session.hasRoom) return session
      // How much room a new one has is known when its first words are here.
      if (session.heardAt === 0 && !session.draining) return undefined
      if (!session.draining) usable++
    }
    if (this.stopped || usable >= this.limits.sessionsPerTarget) return undefined
    const session = new UpstreamSession(
      target.upstream,
      this.pool,
      { buffers: this.buffers, budget: this.budget },
      {
        onRoom: () => this.wake(name, target),
        onGone: (gone) => this.forget(name, target, gone),
      },
    )
    target.sessions.push(session)
    this.timer ??= setInterval(() => this.sweep(), 1000)
    return session
  }

  /** Not at once: the session that has room now is still at work. */
  private wake(name: string, target: Target): void {
    if (target.waiting.size === 0 || target.scheduled) return
    target.scheduled = true
    queueMicrotask(() => {
      target.scheduled = false
      for (const seeker of target.waiting) {
        const session = this.roomFor(name, target)
        if (!session) return
        target.waiting.delete(seeker)
        seeker.onRoom(session)
      }
    })
  }

  private forget(name: string, target: Target, gone: UpstreamSession): void {
    target.sessions = target.sessions.filter((session) => session !== gone)
    if (gone.heardAt > 0 || gone.retired) {
      this.wake(name, target)
    } else {
      // Whoever waited to hear from it would only try the same again, one after the other.
      const { waiting } = target
      target.waiting = new Set()
      for (const seeker of waiting) seeker.onNoRoom(gone.connected)
    }
  }

  private sweep(): void {
    const before = performance.now() - this.limits.idleMs
    let left = 0
    for (const [name, target] of this.targets) {
      for (const session of target.sessions) if (session.streams === 0 && session.idleSince < before) session.stop()
      if (target.sessions.length === 0 && target.waiting.size === 0) this.targets.delete(name)
      else left++
    }
    if (left > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }
}
