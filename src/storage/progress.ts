import { AppError } from "../errors"

/** What is told of a transfer (platform-api.md section 4.3). `total` is 0 where nobody said how much it will be. */
export type ProgressEvent = {
  id: string
  direction: "upload" | "download"
  bytes: number
  total: number
  done: boolean
  error?: string
}

/** One transfer as whoever moves its bytes reports it. */
export type Transfer = {
  sent: (bytes: number) => void
  /** The last call; with an error where it came to nothing. */
  end: (error?: string) => void
}

export type ProgressOptions = { maxPerPerson: number; maxListeners: number; keepAliveMs: number; keptMs: number }

const defaults: ProgressOptions = { maxPerPerson: 20, maxListeners: 1000, keepAliveMs: 30_000, keptMs: 60_000 }
const maxTransfersOfPerson = 100
const everyMs = 500
const [leastBytes, mostBytes] = [64 * 1024, 10 * 1024 * 1024]
const encoder = new TextEncoder()

type State = ProgressEvent & { toldBytes: number; toldAt: number; listeners: Set<Listener>; timer?: Timer }
type Listener = { tell: (event: ProgressEvent) => void }

/**
 * Progress of uploads and downloads as server-sent events, in memory. A transfer has the id that its client chose; only the person whose transfer it is
 * hears of it, whether they listen before it begins, while it runs, or shortly after its end.
 */
export class Progress {
  private options: ProgressOptions
  private people = new Map<string, Map<string, State>>()
  private listeners = new Map<string, number>()
  private count = 0
  private stops = new Set<() => void>()

  constructor(
    options: Partial<ProgressOptions> = {},
    private now = Date.now,
  ) {
    this.options = { ...defaults, ...options }
  }

  /** Begins to tell of a transfer; undefined where it has no id, or too many of the person's run already. An ended one of the same id is forgotten. */
  begin(personId: string | undefined, id: string | null, direction: ProgressEvent["direction"], total = 0): Transfer | undefined {
    if (personId === undefined || id === null || !isId(id)) return undefined
    const state = this.state(personId, id)
    if (state === undefined) return undefined
    clearTimeout(state.timer)
    Object.assign(state, { direction, total, bytes: 0, done: false, error: undefined, toldBytes: 0 })
    this.tell(state)
    return {
      sent: (bytes) => {
        state.bytes += bytes
        const step = Math.max(leastBytes, Math.min(state.total / 100, mostBytes))
        if (state.bytes - state.toldBytes >= step || this.now() - state.toldAt >= everyMs) this.tell(state)
      },
      end: (error) => {
        if (state.done) return
        Object.assign(state, { done: true, error })
        this.tell(state)
        state.timer = setTimeout(() => this.forget(personId, id, state), this.options.keptMs)
        state.timer.unref()
      },
    }
  }

  /** The events of one transfer, until it is done. Throws `invalid` and `rate_limited`. */
  listen(personId: string, id: string | null): ReadableStream<Uint8Array> {
    if (id === null || id === "") throw new AppError("invalid", "missing id parameter")
    if (!isId(id)) throw new AppError("invalid", "invalid id: 1 to 128 printable characters")
    const own = this.listeners.get(personId) ?? 0
    if (own >= this.options.maxPerPerson || this.count >= this.options.maxListeners)
      throw new AppError("rate_limited", "too many progress streams are open", { retryAfterSeconds: 10 })
    const state = this.state(personId, id)
    if (state === undefined) throw new AppError("rate_limited", "too many transfers are under way", { retryAfterSeconds: 10 })
    this.enter(personId, 1)
    let leave = () => {}
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const say = (text: string) => {
            // Who does not read misses what is old; the end is always said.
            try {
              controller.enqueue(encoder.encode(text))
            } catch {
              leave()
            }
          }
          const beat = setInterval(() => say(": keepalive\n\n"), this.options.keepAliveMs)
          const listener: Listener = {
            tell: (event) => {
              if (!event.done && (controller.desiredSize ?? 0) < -32) return
              say(`data: ${JSON.stringify(event)}\n\n`)
              if (!event.done) return
              leave()
              controller.close()
            },
          }
          leave = () => {
            if (!state.listeners.delete(listener)) return
            clearInterval(beat)
            this.stops.delete(stop)
            this.enter(personId, -1)
            if (state.toldAt === 0) this.forget(personId, id, state)
          }
          const stop = () => {
            leave()
            controller.close()
          }
          this.stops.add(stop)
          state.listeners.add(listener)
          say(": keepalive\n\n")
          if (state.toldAt > 0) listener.tell(eventOf(state))
        },
        cancel: () => leave(),
      },
      { highWaterMark: 0 },
    )
  }

  /** Ends all streams. */
  stop(): void {
    for (const stop of this.stops) stop()
    for (const transfers of this.people.values()) for (const { timer } of transfers.values()) clearTimeout(timer)
  }

  /** The transfer of this id, begun or not; undefined where the person has too many. */
  private state(personId: string, id: string): State | undefined {
    const own = this.people.get(personId) ?? new Map<string, State>()
    const known = own.get(id)
    if (known !== undefined) return known
    if (own.size >= maxTransfersOfPerson) return undefined
    const state: State = { id, direction: "upload", bytes: 0, total: 0, done: false, toldBytes: 0, toldAt: 0, listeners: new Set() }
    own.set(id, state)
    this.people.set(personId, own)
    return state
  }

  private tell(state: State): void {
    state.toldBytes = state.bytes
    state.toldAt = this.now()
    const event = eventOf(state)
    for (const listener of state.listeners) listener.tell(event)
  }

  private forget(personId: string, id: string, state: State): void {
    if (state.listeners.size > 0) return
    const own = this.people.get(personId)
    if (own?.get(id) === state) own.delete(id)
    if (own?.size === 0) this.people.delete(personId)
  }

  private enter(personId: string, change: 1 | -1): void {
    this.count += change
    const own = (this.listeners.get(personId) ?? 0) + change
    if (own === 0) this.listeners.delete(personId)
    else this.listeners.set(personId, own)
  }
}

const isId = (id: string) => /^[\x21-\x7e]{1,128}$/.test(id)

function eventOf({ id, direction, bytes, total, done, error }: State): ProgressEvent {
  return { id, direction, bytes, total, done, ...(error === undefined ? {} : { error }) }
}
