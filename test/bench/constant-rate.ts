import type { Connection } from "./connection"
import { quantile } from "./measure"

/** Times in milliseconds, from when a request was meant to be sent to its whole answer. */
export type Latencies = { requests: number; failed: number; p50: number; p99: number; p999: number }

/** The system's timers wake us this much late without anybody being at fault. */
const timerGrainMs = 2

/**
 * Sends requests at a constant rate whatever the answers do. A request for which no connection is free waits in a queue, and its clock runs
 * from the moment at which it was meant to be sent, so that a server that stalls is charged for all that it held up (no coordinated omission).
 * Timers fire about once a millisecond, so requests leave in bursts of rate / 1000; that lateness is ours and is not counted, unless it exceeds
 * `timerGrainMs`. Connections that closed are opened anew by `reopen`, where it is given. Throws when answers are still missing 30 s after the end.
 */
export async function runConstantRate(
  connections: Connection[],
  options: { perSecond: number; seconds: number; reopen?: (index: number) => Promise<Connection> },
): Promise<Latencies> {
  const { perSecond, seconds, reopen } = options
  const total = Math.round(perSecond * seconds)
  const times = new Float64Array(total)
  const idle = connections.map((_, index) => index)
  const queue: number[] = []
  let [queueHead, sent, ended, failed] = [0, 0, 0, 0]
  const over = Promise.withResolvers<void>()

  const send = (index: number, meantAt: number) => {
    connections[index]?.ask((isGood) => {
      times[ended++] = performance.now() - meantAt
      if (!isGood) failed++
      if (ended === total) over.resolve()
      if (connections[index]?.isClosed) void renew(index)
      else free(index)
    })
  }
  const free = (index: number) => {
    const meantAt = queue[queueHead]
    if (meantAt === undefined) return void idle.push(index)
    queueHead++
    if (queueHead > 4096) {
      queue.splice(0, queueHead)
      queueHead = 0
    }
    send(index, meantAt)
  }
  const renew = async (index: number) => {
    const fresh = await reopen?.(index).catch(() => undefined)
    if (fresh !== undefined) connections[index] = fresh
    free(index)
  }

  const began = performance.now()
  const tick = () => {
    const now = performance.now()
    const due = Math.min(total, Math.floor(((now - began) * perSecond) / 1000) + 1)
    for (; sent < due; sent++) {
      const plannedAt = began + (sent / perSecond) * 1000
      const meantAt = now - plannedAt > timerGrainMs ? plannedAt : now
      const index = idle.pop()
      if (index === undefined) queue.push(meantAt)
      else send(index, meantAt)
    }
    if (sent < total) setTimeout(tick, 1)
  }
  tick()
  const limit = setTimeout(
    () => over.reject(new Error(`${total - ended} of ${total} requests were not answered in time`)),
    (seconds + 30) * 1000,
  )
  await over.promise.finally(() => clearTimeout(limit))
  return { requests: total, failed, p50: quantile(times, 0.5), p99: quantile(times, 0.99), p999: quantile(times, 0.999) }
}
