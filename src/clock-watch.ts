import type { Log } from "./log"

const lookMs = 5_000
/** A clock that is being disciplined moves by less between two looks. */
const jumpMs = 60_000
/** Machines without a clock of their own get the time from the network within minutes of their start. */
const settleMs = 3_600_000
/** Since the store was last written; longer may be a machine that was off, or one that woke up in the wrong year. */
const absenceMs = 30 * 86_400_000

/**
 * The time by which what is old is removed. It is the clock's, but after a jump, and after a start that seems to come long after the last one, it goes on
 * from where the clock was before, for an hour: a clock that is wrong by a year would otherwise take files by their expiry rules, the audit trail and
 * unfinished uploads with it.
 */
export class ClockWatch {
  private offset: number
  /** The offset from before the clock was distrusted, and when that was by the steady clock. */
  private doubt: { offset: number; since: number } | undefined
  private timer: Timer | undefined

  /**
   * `lastWrittenAt` is when the store was last written, in Unix milliseconds; undefined for a new one. `onJumpBack` hears that times set before may lie far
   * ahead now. `steady` never jumps, in milliseconds.
   */
  constructor(
    private log: Pick<Log, "warn">,
    lastWrittenAt: number | undefined,
    private onJumpBack: () => void = () => {},
    private now: () => number = Date.now,
    private steady: () => number = () => performance.now(),
  ) {
    this.offset = now() - steady()
    const away = lastWrittenAt === undefined ? 0 : now() - lastWrittenAt
    if (Math.abs(away) > absenceMs) this.distrust(away, "the clock is far from when the store was last written", this.offset - away)
  }

  start(): void {
    this.timer = setInterval(() => this.look(), lookMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  /** Unix milliseconds; never later than the clock. */
  agingNow = (): number => {
    this.look()
    if (this.doubt !== undefined && this.steady() - this.doubt.since >= settleMs) this.doubt = undefined
    return this.doubt === undefined ? this.now() : Math.min(this.now(), this.steady() + this.doubt.offset)
  }

  private look(): void {
    const offset = this.now() - this.steady()
    const moved = offset - this.offset
    if (Math.abs(moved) > jumpMs) this.distrust(moved, "the clock jumped")
    this.offset = offset
    if (moved < -jumpMs) this.onJumpBack()
  }

  private distrust(byMs: number, what: string, before = this.offset): void {
    // The first doubt knows best: what came after it may be anything.
    this.doubt = { offset: this.doubt?.offset ?? before, since: this.steady() }
    this.log.warn(`${what}: for an hour nothing is removed for its age by the new time`, {
      hours: Math.round((byMs / 3_600_000) * 100) / 100,
    })
  }
}
