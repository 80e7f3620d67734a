import { type Endpoint, exchange } from "./exchange"
import type { LookupFault } from "./lookup"
import type { Name } from "./name"
import { judge, type Verdict } from "./verdict"
import type { Question } from "./wire"

/** Ends a look-up early; `message` becomes `Lookup.problem`. */
export class LookupProblem extends Error {
  constructor(
    message: string,
    readonly fault: LookupFault,
  ) {
    super(message)
  }
}

export type SessionOptions = {
  budgetMs: number
  queryTimeoutMs: number
  maxQueries: number
  port: number
  stopped: AbortSignal
  /** Whether signatures are asked for. */
  signed: boolean
  now: () => number
}

/** The limits of one look-up: its time, its number of queries, and whether anybody answered at all. */
export class Session {
  /** Replies of any kind, from any server. */
  replies = 0
  rootsAsked = false
  /** Every root server was asked, and none gave an answer that can be used. */
  rootsUseless = false
  /** Queries sent. */
  queries = 0
  /** Questions to one server that it never replied to. */
  silences = 0
  private startedAt: number
  private ended = new AbortController()
  private timer: Timer
  readonly signal: AbortSignal

  constructor(private options: SessionOptions) {
    this.startedAt = options.now()
    this.timer = setTimeout(() => this.ended.abort(), options.budgetMs)
    this.signal = AbortSignal.any([this.ended.signal, options.stopped])
  }

  end(): void {
    clearTimeout(this.timer)
    this.ended.abort()
  }

  /** Throws LookupProblem where a limit is reached; `doing` completes the sentence. */
  check(doing: string): void {
    const { budgetMs, maxQueries, stopped, now } = this.options
    if (stopped.aborted) throw new LookupProblem("The resolver was stopped during the look-up.", "stopped")
    if (this.signal.aborted || now() - this.startedAt >= budgetMs) {
      throw new LookupProblem(`The look-up ran out of its ${budgetMs / 1000} seconds while ${doing}.`, "out_of_time")
    }
    if (this.queries >= maxQueries)
      throw new LookupProblem(`The look-up reached its limit of ${maxQueries} queries while ${doing}.`, "out_of_time")
  }

  /** Asks one server of the zone; never throws. `signal` gives up earlier than the look-up does. */
  async ask(to: Endpoint, zone: Name, question: Question, attempts: number, signal = this.signal): Promise<Verdict> {
    const { queryTimeoutMs, maxQueries, port, signed } = this.options
    if (zone === "") this.rootsAsked = true
    const onSend = () => this.queries < maxQueries && ++this.queries > 0
    const reply = await exchange(to, question, { timeoutMs: queryTimeoutMs, attempts, signal, onSend, signed })
    if (reply.kind !== "unreachable") this.replies++
    else this.silences++
    return judge(reply, zone, question, port)
  }
}
