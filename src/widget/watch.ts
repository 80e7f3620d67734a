import { ApiFault } from "./api"
import { type Outcome, Poll } from "./poll"
import type { ProgressScreen } from "./progress-screen"

export type WatchNeeds = {
  progress: ProgressScreen
  /** One look: whether something moved, and whether that was the last. Throws ApiFault. */
  look: () => Promise<Outcome>
  /** Hears of a fault that does not pass, after which nobody looks any more. */
  giveUp: (fault: ApiFault) => void
  /** The widget is closed: what fails now is nobody's matter. */
  isOver: () => boolean
}

const stallMs = 45_000
/** So many failed looks in a row are no passing trouble. */
const mostFailures = 6

/** Looks after a connection while its progress is on the screen. */
export class Watch {
  private poll: Poll
  private stallTimer: ReturnType<typeof setTimeout>
  private failures = 0

  constructor(private needs: WatchNeeds) {
    this.stallTimer = setTimeout(() => needs.progress.showStall(), stallMs)
    this.poll = new Poll(() => this.look())
  }

  /** Looks at once. */
  now = (): void => void this.poll.now()

  stop(): void {
    this.poll.stop()
    clearTimeout(this.stallTimer)
  }

  private async look(): Promise<Outcome> {
    const { progress, look, giveUp, isOver } = this.needs
    progress.busy(true)
    try {
      const outcome = await look()
      this.failures = 0
      return outcome
    } catch (error) {
      if (isOver()) return { moved: false, over: true }
      const fault = error instanceof ApiFault ? error : new ApiFault(0, "", String(error))
      this.failures += 1
      const isLasting = fault.isExpired || fault.status === 404 || fault.code === "HostnameConflict" || this.failures >= mostFailures
      if (isLasting) giveUp(fault)
      else progress.unreachable()
      return { moved: false, over: isLasting, waitMs: fault.retryAfterMs }
    } finally {
      progress.busy(false)
    }
  }
}
