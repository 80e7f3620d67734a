import { pathOf } from "./data"
import { refusalOf, socketUrl } from "./sockets"

export type LogLine = { number: number; time: string; text: string }
/** Lines that are drawn together; a chunk that is full never changes. */
export type LogChunk = { key: number; lines: LogLine[] }
export type LogState = "opening" | "open" | "ended" | "lost" | "refused"

export type LogView = {
  state: LogState
  why?: string
  isPaused: boolean
  chunks: LogChunk[]
  count: number
  /** Older lines were let go. */
  isCut: boolean
  /** Lines that came while it was paused. */
  waiting: number
}

export const maxLines = 5000
const chunkLines = 200
const tail = 2000
const drawEveryMs = 80
const mostPauseMs = 15_000
/** Until then it is known whether it was the container that ended, or one of which there is a new one. */
const endedPauseMs = 2000

// oxlint-disable-next-line no-control-regex -- escape sequences are what is taken out
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])|[\u0000-\u0008\u000b-\u001f\u007f]/g

/** What a container writes, followed over a WebSocket: the newest lines, bounded, drawn in batches; comes again by itself when the connection is lost. */
export class LogStream {
  private socket: WebSocket | undefined
  private view: LogView = { state: "opening", isPaused: false, chunks: [], count: 0, isCut: false, waiting: 0 }
  private come: string[] = []
  private watchers = new Set<() => void>()
  private drawing: ReturnType<typeof setTimeout> | undefined
  private again: ReturnType<typeof setTimeout> | undefined
  private pauseMs = 1000
  private next = 1
  private isRunning = false

  constructor(private id: string) {}

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  snapshot = (): LogView => this.view

  /** Whether the container runs, as far as is known: then it is followed, also after it was made anew. */
  follow(isRunning: boolean): void {
    const isNews = isRunning && !this.isRunning
    this.isRunning = isRunning
    if (isNews || this.view.state === "opening") this.open()
  }

  /** Begins anew with the newest lines; what was shown goes when the first of them come. */
  open(): void {
    this.close()
    this.show({ state: "opening", why: undefined })
    const socket = new WebSocket(socketUrl(`${pathOf(this.id)}/logs?tail=${tail}`))
    this.socket = socket
    let wasOpen = false
    socket.addEventListener("open", () => {
      wasOpen = true
      this.pauseMs = 1000
      this.come = []
      this.next = 1
      this.show({ state: "open", chunks: [], count: 0, isCut: false, waiting: 0 })
    })
    socket.addEventListener("message", ({ data }: MessageEvent<string>) => {
      this.come.push(data)
      this.drawing ??= setTimeout(() => this.draw(), drawEveryMs)
    })
    socket.addEventListener("close", ({ code, reason }) => {
      if (this.socket === socket) void this.closed(code, reason, wasOpen)
    })
  }

  close(): void {
    const { socket } = this
    this.socket = undefined
    socket?.close()
    clearTimeout(this.again)
    clearTimeout(this.drawing)
    this.drawing = undefined
  }

  setPaused(isPaused: boolean): void {
    this.show({ isPaused })
    if (!isPaused) this.draw()
  }

  private async closed(code: number, reason: string, wasOpen: boolean): Promise<void> {
    const { socket } = this
    this.draw()
    if (code === 1000) {
      if (this.isRunning) this.again = setTimeout(() => this.isRunning && this.open(), endedPauseMs)
      return this.show({ state: "ended" })
    }
    if (code === 1008) return this.show({ state: "refused", why: reason })
    const why = wasOpen ? undefined : await refusalOf(`${pathOf(this.id)}/logs?tail=0`)
    if (this.socket !== socket) return
    if (why !== undefined) return this.show({ state: "refused", why })
    this.show({ state: "lost" })
    this.again = setTimeout(() => this.open(), this.pauseMs)
    this.pauseMs = Math.min(this.pauseMs * 2, mostPauseMs)
  }

  private draw(): void {
    clearTimeout(this.drawing)
    this.drawing = undefined
    if (this.come.length > maxLines) this.come.splice(0, this.come.length - maxLines)
    if (this.view.isPaused) return this.show({ waiting: this.come.length })
    if (this.come.length === 0) return this.show({ waiting: 0 })
    const chunks = [...this.view.chunks]
    for (const line of this.come.splice(0)) {
      const last = chunks.at(-1)
      const read = readLine(line, this.next++)
      if (last === undefined || last.lines.length >= chunkLines) chunks.push({ key: read.number, lines: [read] })
      else chunks[chunks.length - 1] = { ...last, lines: [...last.lines, read] }
    }
    let count = chunks.reduce((sum, { lines }) => sum + lines.length, 0)
    while (count > maxLines) count -= chunks.shift()?.lines.length ?? 0
    this.show({ chunks, count, isCut: this.next - 1 > count, waiting: 0 })
  }

  private show(part: Partial<LogView>): void {
    this.view = { ...this.view, ...part }
    for (const watcher of this.watchers) watcher()
  }
}

/** A line begins with its time (RFC 3339) and a space. */
function readLine(line: string, number: number): LogLine {
  const [, time = "", text = line] = /^(\d{4}-\d\d-\d\dT\S+) ?(.*)$/s.exec(line) ?? []
  return { number, time, text: text.replaceAll(escapes, "") }
}
