import { describeError } from "../errors"
import type { FromThread, ThreadAnswer, ThreadRequest, ToThread } from "./thread-messages"

/** How long a thread that was told to end may take for it. */
const END_MS = 2000

type News = Exclude<FromThread, { kind: "done" }>

export type LinkEvents = {
  news: (message: News) => void
  /** The thread has ended, whatever the reason; called once. */
  gone: (reason: string) => void
}

/** The main thread's end of the line to one thread of the edge. */
export class ThreadLink {
  readonly startedAt = performance.now()
  private waiting = new Map<number, (answer: ThreadAnswer | undefined) => void>()
  private lastId = 0
  private fault: string | undefined
  private over = Promise.withResolvers<void>()
  private isOver = false

  constructor(
    private worker: Worker,
    private events: LinkEvents,
  ) {
    worker.addEventListener("message", (event: MessageEvent<FromThread>) => this.receive(event.data))
    worker.addEventListener("error", (event) => {
      event.preventDefault()
      this.fault ??= reasonOf(event.message)
    })
    worker.addEventListener("close", () => this.finish())
  }

  /** Why the thread ended, or is about to. */
  get reason(): string {
    return this.fault ?? "it ended without a reason"
  }

  tell(message: Exclude<ToThread, { kind: "ask" }>): void {
    if (!this.isOver) this.worker.postMessage(message, [])
  }

  /** The answer, or undefined from a thread that has ended; one that does not answer in time is ended. */
  ask(request: ThreadRequest, limitMs: number): Promise<ThreadAnswer | undefined> {
    if (this.isOver) return Promise.resolve(undefined)
    const id = ++this.lastId
    const { promise, resolve } = Promise.withResolvers<ThreadAnswer | undefined>()
    const timer = setTimeout(() => {
      this.fault ??= `it did not answer "${request.kind}" within ${limitMs} ms`
      void this.end()
    }, limitMs)
    this.waiting.set(id, (answer) => {
      clearTimeout(timer)
      this.waiting.delete(id)
      resolve(answer)
    })
    const message: ToThread = { kind: "ask", id, request }
    this.worker.postMessage(message, [])
    return promise
  }

  /** Ends the thread with all of its connections; resolves when it is gone. */
  async end(): Promise<void> {
    if (this.isOver) return
    // A thread that does not even end any more is given up.
    const timer = setTimeout(() => this.finish(), END_MS)
    try {
      this.worker.terminate()
    } catch (error) {
      this.fault ??= describeError(error)
    }
    await this.over.promise
    clearTimeout(timer)
  }

  private receive(message: FromThread): void {
    if (message.kind === "done") this.waiting.get(message.id)?.(message.answer)
    else if (!this.isOver) this.events.news(message)
  }

  private finish(): void {
    if (this.isOver) return
    this.isOver = true
    for (const resolve of this.waiting.values()) resolve(undefined)
    this.over.resolve()
    this.events.gone(this.reason)
  }
}

/** Bun puts an excerpt of the code before the error, which in the binary is one long line. */
function reasonOf(message: string): string {
  const at = message.search(/^\w*error: /im)
  return message.slice(Math.max(at, 0)).trim().slice(0, 2000) || "an error without a message"
}
