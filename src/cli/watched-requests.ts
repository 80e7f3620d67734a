import { ApiError } from "./client"
import type { Call } from "./command"
import { linesOf } from "./lines"
import { bytes, printable } from "./output"

type Request = {
  time: string
  duration_ms: number
  host: string
  method: string
  path: string
  protocol: string
  status: number
  bytes_out: number
  client: string
  failure: string | null
}
type Event = { requests?: Request[]; left_out?: number; hostname?: string }

/** An event may hold a hundred requests. */
const maxEventChars = 1024 * 1024
const leastPauseMs = 1000
const mostPauseMs = 15_000

/**
 * Prints requests as they end, until the command is interrupted, or the server says that there is nothing to watch: for people a line each, with `--json`
 * one object a line. A watch that the server ends, or that is lost, is begun again.
 */
export async function watchRequests({ api, io, json }: Call, path: string): Promise<void> {
  let isKnown = false
  let pauseMs = leastPauseMs
  for (;;) {
    try {
      for await (const { event, data } of eventsOf(api.stream(path))) {
        pauseMs = leastPauseMs
        if (event === "ready" && !isKnown && !json) io.err(`watching ${printable(data.hostname)}, until interrupted\n`)
        if (event === "ready") isKnown = true
        if (event === "requests") io.out(json ? asJson(data) : asLines(data))
      }
    } catch (error) {
      if (!isKnown || !(error instanceof ApiError) || !error.mayPass) throw error
      io.err(`${printable(error.message)}; trying again\n`)
      pauseMs = Math.min(pauseMs * 2, mostPauseMs)
    }
    await Bun.sleep(pauseMs)
  }
}

/** Server-sent events whose data is one line of JSON. */
async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ event: string; data: Event }> {
  let event = ""
  for await (const line of linesOf(chunks, maxEventChars)) {
    if (line.startsWith("event: ")) event = line.slice(7)
    else if (line.startsWith("data: ")) yield { event, data: parsed(line.slice(6)) }
  }
}

function parsed(text: string): Event {
  try {
    return JSON.parse(text) as Event
  } catch {
    throw new ApiError(200, "the server sent an event that is not JSON; is that a Freehold server?")
  }
}

const asJson = ({ requests = [], left_out = 0 }: Event) =>
  [...requests, ...(left_out === 0 ? [] : [{ left_out }])].map((one) => `${JSON.stringify(one)}\n`).join("")

function asLines({ requests = [], left_out = 0 }: Event): string {
  const lines = requests.map(({ time, status, method, host, path, duration_ms, bytes_out, client, protocol, failure }) => {
    const about = [time, status, method, host + path, `${duration_ms} ms`, bytes(bytes_out), client, protocol].map(printable).join("  ")
    return `${about}${failure === null ? "" : `  ${printable(failure)}`}\n`
  })
  if (left_out > 0) lines.push(`... and ${left_out} more\n`)
  return lines.join("")
}
