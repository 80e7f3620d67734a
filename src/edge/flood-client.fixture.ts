/** What the flooding client is told: `hold` connections are kept and used, then `attempts` more are made, `atOnce` at a time. */
export type FloodPlan = { port: number; serverName: string; hold: number; attempts: number; atOnce: number; patienceMs: number }

/** What it saw. Times in milliseconds; `refused` ended without a byte, `stuck` did not end in time, `served` got further than they should. */
export type FloodReport = {
  held: number
  openMs: number
  refused: number
  stuck: number
  served: number
  worstRefusalMs: number
  floodMs: number
  answers: number
  worstAnswerMs: number
  lost: number
}

const get = (host: string) => Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)

/** A connection that was let in, asked on again and again. */
class Held {
  lost = false
  open = false
  private answered: (() => void) | undefined

  static async connect(plan: FloodPlan): Promise<Held> {
    const held = new Held()
    const { promise, resolve } = Promise.withResolvers<void>()
    const lost = () => {
      held.lost = true
      resolve()
      held.answered?.()
    }
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: plan.port,
      tls: { serverName: plan.serverName, rejectUnauthorized: false },
      socket: {
        handshake: () => {
          held.open = true
          resolve()
        },
        data: () => held.answered?.(),
        close: lost,
        error: lost,
      },
    })
    held.write = (bytes) => void socket.write(bytes)
    await promise
    return held
  }

  private write: (bytes: Uint8Array) => void = () => {}

  /** How long an answer takes; Infinity when none comes. */
  async ask(request: Uint8Array, patienceMs: number): Promise<number> {
    if (this.lost) return Infinity
    const startedAt = performance.now()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.answered = resolve
    this.write(request)
    const timer = setTimeout(resolve, patienceMs)
    await promise
    clearTimeout(timer)
    const ms = performance.now() - startedAt
    return this.lost || ms >= patienceMs ? Infinity : ms
  }
}

/** One attempt beyond the bound: how long until it was refused; -1 when it was answered, Infinity when nothing happened in time. */
async function attempt(plan: FloodPlan): Promise<number> {
  const startedAt = performance.now()
  const { promise, resolve } = Promise.withResolvers<number>()
  const refused = () => resolve(performance.now() - startedAt)
  const timer = setTimeout(() => resolve(Infinity), plan.patienceMs)
  const socket = { open: () => {}, data: () => resolve(-1), close: refused, error: refused, connectError: refused }
  const opening = Bun.connect({ hostname: "127.0.0.1", port: plan.port, socket }).catch(() => undefined)
  const ms = await promise
  clearTimeout(timer)
  ;(await opening)?.terminate()
  return ms
}

/** Runs `work` `count` times, `atOnce` at a time. */
async function repeat(count: number, atOnce: number, work: () => Promise<void>): Promise<void> {
  let left = count
  const worker = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker))
}

async function run(plan: FloodPlan): Promise<FloodReport> {
  const startedAt = performance.now()
  const held: Held[] = []
  await repeat(plan.hold, 32, async () => void held.push(await Held.connect(plan)))
  const openMs = performance.now() - startedAt
  const report = { refused: 0, stuck: 0, served: 0, worstRefusalMs: 0, answers: 0, worstAnswerMs: 0 }
  const request = get(plan.serverName)
  const flood = { over: false }
  const asking = (async () => {
    for (let i = 0; !flood.over || report.answers < 20; i = (i + 7919) % held.length) {
      report.worstAnswerMs = Math.max(report.worstAnswerMs, await held[i]!.ask(request, plan.patienceMs))
      report.answers++
    }
  })()
  const floodAt = performance.now()
  await repeat(plan.attempts, plan.atOnce, async () => {
    const ms = await attempt(plan)
    if (ms < 0) report.served++
    else if (ms === Infinity) report.stuck++
    else {
      report.refused++
      report.worstRefusalMs = Math.max(report.worstRefusalMs, ms)
    }
  })
  const floodMs = performance.now() - floodAt
  flood.over = true
  await asking
  const lost = held.filter((one) => one.lost).length
  return { held: held.length - lost, lost, openMs, floodMs, ...report }
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!) as FloodPlan)))
  // Waits with its connections until it is told to go.
  await Bun.stdin.text()
  process.exit(0)
}
