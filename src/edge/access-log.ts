/** One request as the access log keeps it. `path` is without its query, which may carry tokens. */
export type AccessLine = {
  time: number
  host: string
  method: string
  path: string
  status: number
  bytesIn: number
  bytesOut: number
  upstream: string
  connectMs: number
  firstByteMs: number
  totalMs: number
  tls: string
  requestId: string
  client: string
}

/** Takes whole JSON lines; a promise says when it can take more. */
export type AccessSink = (lines: string) => void | Promise<void>

const BATCH_LINES = 512

/** Batches access lines to a sink. Lines that a slow or failing sink cannot take are dropped and counted, never waited for. */
export class AccessLog {
  /** Lines lost since the start. */
  dropped = 0
  private lines: AccessLine[] = []
  private unreported = 0
  private busy: Promise<void> | undefined
  private timer: Timer | undefined

  constructor(
    private sink: AccessSink,
    private options: { flushMs: number; maxLines: number } = { flushMs: 500, maxLines: 8192 },
  ) {}

  /** Never blocks and never throws. */
  add(line: AccessLine): void {
    if (this.lines.length >= this.options.maxLines) {
      this.dropped++
      this.unreported++
      return
    }
    this.lines.push(line)
    if (this.lines.length >= BATCH_LINES) this.flush()
    else this.timer ??= setTimeout(() => this.flush(), this.options.flushMs)
  }

  /** Hands over what is there, and waits until the sink has it. */
  async stop(): Promise<void> {
    await this.busy
    this.flush()
    await this.busy
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.busy || this.lines.length === 0) return
    const lines = this.lines
    this.lines = []
    let text = ""
    for (const line of lines) text += `${JSON.stringify({ ...line, time: new Date(line.time).toISOString() })}\n`
    if (this.unreported > 0) text += `${JSON.stringify({ time: new Date().toISOString(), dropped: this.unreported })}\n`
    this.unreported = 0
    try {
      const written = this.sink(text)
      if (written instanceof Promise) this.busy = written.catch(() => this.lose(lines.length)).finally(() => this.sunk())
    } catch {
      this.lose(lines.length)
    }
  }

  private lose(count: number): void {
    this.dropped += count
    this.unreported += count
  }

  private sunk(): void {
    this.busy = undefined
    if (this.lines.length >= BATCH_LINES) this.flush()
    else if (this.lines.length > 0) this.timer ??= setTimeout(() => this.flush(), this.options.flushMs)
  }
}
