import { countDuration, DURATION_CELLS, type DurationCounts, readDurations } from "../traffic/durations"
import type { EndedRequest } from "./record"
import { isOwnApi } from "./route-table"

const schemes = ["https", "http"] as const
const protocols = ["1.0", "1.1", "2"] as const
const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const
const answerers = ["application", "platform", "edge"] as const
const outcomes = ["accepted", "turned_away", "failed", "cut_off"] as const

/** Who answered: the application behind a hostname, our own API, or the edge itself, as with an error page or a redirect. */
export type AnsweredBy = (typeof answerers)[number]

/** What became of a TCP connection: taken in, turned away since the bound was reached, over before its first request, as when a handshake fails, or ended since too much was held for it. */
export type ConnectionOutcome = (typeof outcomes)[number]

/** One row of requests. A request that its client gave up before an answer is among `4xx`. */
export type RequestCount = { scheme: string; protocol: string; code: string; answeredBy: AnsweredBy; count: number }

const REQUESTS = schemes.length * protocols.length * classes.length * answerers.length
const BYTES_IN = REQUESTS
const BYTES_OUT = REQUESTS + 1
const CONNECTIONS = REQUESTS + 2
const DURATIONS = CONNECTIONS + outcomes.length
const FIRST_BYTES = DURATIONS + answerers.length * DURATION_CELLS
const CELLS = FIRST_BYTES + DURATION_CELLS

/** Requests and connections of the edge since its start, whatever their hostnames: one flat array, which threads hand over as it is. */
export class EdgeTotals {
  private cells = new Float64Array(CELLS)

  /** Called for each request, so it allocates nothing. */
  request({ head, route, exchange, status, version }: EndedRequest, isSecure: boolean, totalMs: number): void {
    const { cells } = this
    const code = status < 100 ? 3 : Math.min(Math.floor(status / 100), 5) - 1
    const isAnswered = exchange !== undefined && exchange.status >= 100
    const answerer = !isAnswered ? 2 : isOwnApi(route) ? 1 : 0
    const protocol = (isSecure ? 0 : protocols.length) + (head?.version ?? version)
    cells[(protocol * classes.length + code) * answerers.length + answerer]!++
    countDuration(cells, DURATIONS + answerer * DURATION_CELLS, totalMs)
    if (exchange === undefined) return
    cells[BYTES_IN]! += exchange.bytesIn
    cells[BYTES_OUT]! += exchange.bytesOut
    if (answerer === 0) countDuration(cells, FIRST_BYTES, exchange.firstByteMs)
  }

  connection(outcome: ConnectionOutcome): void {
    this.cells[CONNECTIONS + outcomes.indexOf(outcome)]!++
  }

  /** What was counted since the last time, for another's `absorb`; it starts from nothing again here. */
  take(): Float64Array<ArrayBuffer> {
    const taken = this.cells
    this.cells = new Float64Array(CELLS)
    return taken as Float64Array<ArrayBuffer>
  }

  /** Adds what was taken elsewhere. */
  absorb(taken: Float64Array): void {
    for (let cell = 0; cell < CELLS; cell++) this.cells[cell]! += taken[cell]!
  }

  /** Every combination that can occur, those without a request too: HTTP/2 is spoken over TLS alone. */
  requests(): RequestCount[] {
    const rows: RequestCount[] = []
    for (let cell = 0; cell < REQUESTS; cell++) {
      const code = Math.floor(cell / answerers.length) % classes.length
      const protocol = Math.floor(cell / answerers.length / classes.length)
      const scheme = schemes[Math.floor(protocol / protocols.length)]!
      const name = protocols[protocol % protocols.length]!
      if (scheme === "http" && name === "2") continue
      rows.push({ scheme, protocol: name, code: classes[code]!, answeredBy: answerers[cell % answerers.length]!, count: this.cells[cell]! })
    }
    return rows
  }

  connections(): { outcome: ConnectionOutcome; count: number }[] {
    return outcomes.map((outcome, index) => ({ outcome, count: this.cells[CONNECTIONS + index]! }))
  }

  /** Bytes of bodies, from clients and to them. */
  get bytes(): { received: number; sent: number } {
    return { received: this.cells[BYTES_IN]!, sent: this.cells[BYTES_OUT]! }
  }

  /** From a request's first line to its last byte; a WebSocket's until it was opened. */
  durations(): { answeredBy: AnsweredBy; times: DurationCounts }[] {
    return answerers.map((answeredBy, index) => ({ answeredBy, times: readDurations(this.cells, DURATIONS + index * DURATION_CELLS) }))
  }

  /** From the moment an application was asked to the first byte of its answer. */
  firstBytes(): DurationCounts {
    return readDurations(this.cells, FIRST_BYTES)
  }
}
