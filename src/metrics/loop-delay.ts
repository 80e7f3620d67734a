import { countDuration, DURATION_CELLS, type DurationCounts, readDurations } from "../traffic/durations"

const everyMs = 250

/** How late the event loop comes to a timer, four times a second: what everybody who waits for this thread waits at least. */
export class LoopDelay {
  private cells = new Float64Array(DURATION_CELLS)
  private timer: Timer | undefined

  start(): void {
    let dueAt = performance.now() + everyMs
    this.timer = setInterval(() => {
      const at = performance.now()
      countDuration(this.cells, 0, Math.max(0, at - dueAt))
      dueAt = at + everyMs
    }, everyMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  read(): DurationCounts {
    return readDurations(this.cells)
  }
}
