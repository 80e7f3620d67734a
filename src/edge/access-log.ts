/** One request as the access log keeps it. `path` is without its query, which may carry tokens; `tls` is empty for plain HTTP; times are rounded to 0.01 ms. */
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
  protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2"
  tls: string
  requestId: string
  client: string
}

/** Takes whole lines of JSON in ASCII. The bytes are the sink's until the call returns or, where it answers a promise, until that settles. */
export type AccessSink = (lines: Uint8Array) => void | Promise<void>

/**
 * `bufferBytes` is the size of each of the two buffers, and the most that waits for a busy sink; `batchBytes` are handed over without waiting
 * for the timer of `flushMs`; `stopMs` is how long a stop waits for the sink.
 */
export type AccessLogOptions = { flushMs: number; bufferBytes: number; batchBytes: number; stopMs: number }

const DEFAULTS: AccessLogOptions = { flushMs: 500, bufferBytes: 256 * 1024, batchBytes: 64 * 1024, stopMs: 2000 }

/** Kept free at the end of a buffer for the line that tells of lost lines. */
const NOTICE_BYTES = 80

/**
 * Batches access lines to a sink. Lines that a slow or failing sink cannot take are dropped and counted, never waited for, and a line with
 * `dropped` tells of them. Each line is formatted at once and byte by byte into a buffer: objects kept for later are cold memory by then, and
 * a template string makes a rope of thirty pieces first (350 ns a line here, 550 for kept objects and 750 for templates). Without a sink nothing
 * is formatted.
 */
export class AccessLog {
  /** Lines lost since the start. */
  dropped = 0
  private readonly options: AccessLogOptions
  private buffer: Uint8Array
  private spare: Uint8Array
  private used = 0
  private lines = 0
  private unreported = 0
  private busy: Promise<void> | undefined
  private timer: Timer | undefined
  private clock = new IsoClock()

  constructor(
    private sink: AccessSink | undefined,
    options: Partial<AccessLogOptions> = {},
    private now = Date.now,
  ) {
    this.options = { ...DEFAULTS, ...options }
    const size = sink === undefined ? 0 : this.options.bufferBytes
    this.buffer = new Uint8Array(size)
    this.spare = new Uint8Array(size)
  }

  /** Never blocks and never throws. */
  add(line: AccessLine): void {
    if (this.sink === undefined) return
    const end = writeLine(this.buffer, this.used, line, this.clock.text(line.time))
    // Writes beyond the end of a typed array are ignored, so a line that does not fit is noticed here.
    if (end > this.buffer.length - NOTICE_BYTES) {
      this.lose(1)
      return
    }
    this.used = end
    this.lines++
    if (end >= this.options.batchBytes && this.busy === undefined) this.flush()
    else this.timer ??= setTimeout(this.onTimer, this.options.flushMs)
  }

  /** Hands over what is there, and waits until the sink has it, or `stopMs` have passed: a sink that hangs does not hold up the end. */
  async stop(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const limit = setTimeout(resolve, this.options.stopMs)
    await Promise.race([this.busy, late])
    this.flush()
    await Promise.race([this.busy, late])
    clearTimeout(limit)
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private onTimer = () => {
    this.timer = undefined
    this.flush()
  }

  private flush(): void {
    if (this.busy || this.sink === undefined) return
    if (this.unreported > 0) this.report()
    if (this.used === 0) return
    const { buffer, used, lines } = this
    this.buffer = this.spare
    this.spare = buffer
    this.used = 0
    this.lines = 0
    try {
      const written = this.sink(buffer.subarray(0, used))
      if (written instanceof Promise) this.busy = written.catch(() => this.lose(lines)).finally(() => this.sunk())
    } catch {
      this.lose(lines)
    }
  }

  private report(): void {
    const text = `{"time":"${this.clock.text(this.now())}","dropped":${this.unreported}}\n`
    this.used = writeAscii(this.buffer, this.used, text)
    this.unreported = 0
  }

  private lose(count: number): void {
    this.dropped += count
    this.unreported += count
  }

  private sunk(): void {
    this.busy = undefined
    if (this.used >= this.options.batchBytes) this.flush()
    else if (this.used > 0) this.timer ??= setTimeout(this.onTimer, this.options.flushMs)
  }
}

/** ISO 8601 times, of which all but the milliseconds is made once a second. */
class IsoClock {
  private second = Number.NaN
  private upToSecond = ""
  private last = Number.NaN
  private lastText = ""

  text(ms: number): string {
    if (ms === this.last) return this.lastText
    const second = Math.floor(ms / 1000)
    if (second !== this.second) {
      this.upToSecond = new Date(second * 1000).toISOString().slice(0, -4)
      this.second = second
    }
    const rest = Math.floor(ms - second * 1000)
    this.lastText = `${this.upToSecond}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`
    this.last = ms
    return this.lastText
  }
}

const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))

const TIME = ascii('{"time":"')
const HOST = ascii('","host":"')
const METHOD = ascii('","method":"')
const PATH = ascii('","path":"')
const STATUS = ascii('","status":')
const BYTES_IN = ascii(',"bytesIn":')
const BYTES_OUT = ascii(',"bytesOut":')
const UPSTREAM = ascii(',"upstream":"')
const CONNECT_MS = ascii('","connectMs":')
const FIRST_BYTE_MS = ascii(',"firstByteMs":')
const TOTAL_MS = ascii(',"totalMs":')
const PROTOCOL = ascii(',"protocol":"')
const TLS = ascii('","tls":"')
const REQUEST_ID = ascii('","requestId":"')
const CLIENT = ascii('","client":"')
const END = ascii('"}\n')

/** Writes the line at `at` and answers where it ends, or would end if there were room. */
function writeLine(into: Uint8Array, at: number, line: AccessLine, time: string): number {
  let end = writeAscii(into, writeBytes(into, at, TIME), time)
  end = writeText(into, writeBytes(into, end, HOST), line.host)
  end = writeText(into, writeBytes(into, end, METHOD), line.method)
  end = writeText(into, writeBytes(into, end, PATH), line.path)
  end = writeInteger(into, writeBytes(into, end, STATUS), line.status)
  end = writeInteger(into, writeBytes(into, end, BYTES_IN), line.bytesIn)
  end = writeInteger(into, writeBytes(into, end, BYTES_OUT), line.bytesOut)
  end = writeText(into, writeBytes(into, end, UPSTREAM), line.upstream)
  end = writeHundredths(into, writeBytes(into, end, CONNECT_MS), line.connectMs)
  end = writeHundredths(into, writeBytes(into, end, FIRST_BYTE_MS), line.firstByteMs)
  end = writeHundredths(into, writeBytes(into, end, TOTAL_MS), line.totalMs)
  end = writeAscii(into, writeBytes(into, end, PROTOCOL), line.protocol)
  end = writeText(into, writeBytes(into, end, TLS), line.tls)
  end = writeText(into, writeBytes(into, end, REQUEST_ID), line.requestId)
  end = writeText(into, writeBytes(into, end, CLIENT), line.client)
  return writeBytes(into, end, END)
}

function writeBytes(into: Uint8Array, at: number, bytes: Uint8Array): number {
  // A loop, since set() costs a call into native code, which is more than these few bytes.
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i]!
  return at + bytes.length
}

function writeAscii(into: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i)
  return at + text.length
}

/** The inside of a JSON string (RFC 8259 section 7), in ASCII. */
function writeText(into: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return writeAscii(into, at, escaped(text))
    into[at + i] = code
  }
  return at + text.length
}

function escaped(text: string): string {
  const inside = JSON.stringify(text).slice(1, -1)
  return inside.replace(/[\x7f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

function writeInteger(into: Uint8Array, at: number, value: number): number {
  if (!(value >= 0 && value <= 0x7fffffff)) return writeAscii(into, at, JSON.stringify(value))
  let digits = 1
  for (let limit = 10; value >= limit; limit *= 10) digits++
  let left = value
  for (let i = at + digits - 1; i >= at; i--) {
    const tens = (left / 10) | 0
    into[i] = 48 + left - tens * 10
    left = tens
  }
  return at + digits
}

function writeHundredths(into: Uint8Array, at: number, value: number): number {
  const hundredths = Math.round(value * 100)
  if (!(hundredths >= 0 && hundredths <= 0x7fffffff)) return writeAscii(into, at, JSON.stringify(hundredths / 100))
  const whole = (hundredths / 100) | 0
  const rest = hundredths - whole * 100
  const end = writeInteger(into, at, whole)
  if (rest === 0) return end
  const tenths = (rest / 10) | 0
  into[end] = 46
  into[end + 1] = 48 + tenths
  if (rest === tenths * 10) return end + 2
  into[end + 2] = 48 + rest - tenths * 10
  return end + 3
}
