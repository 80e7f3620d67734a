import { join } from "node:path"
import { type EdgeFixture, type Stage, until } from "./edge.fixture"
import type { FloodPlan, FloodReport } from "./flood-client.fixture"
import { get, OK } from "./siege.fixture"

/** What a flood did to the edge: bytes of resident memory before, with all connections held and after the flood, and a newcomer's fate. */
export type Withstood = FloodReport & {
  rssBefore: number
  rssHeld: number
  rssFlooded: number
  mostConnections: number
  /** A client that came in the flood was refused, and one that came when there was room was served. */
  newcomerRefused: boolean
  newcomerServed: boolean
}

const CLIENT = join(import.meta.dir, "flood-client.fixture.ts")

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = ""
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString()
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n")) {
      yield text.slice(0, at)
      text = text.slice(at + 1)
    }
  }
}

const rss = () => (Bun.gc(true), process.memoryUsage().rss)

/** Fills an edge up to its bound of `hold` connections from another process, floods it with `attempts` more, and lets go. */
export async function withstand(stage: Stage, plan: Pick<FloodPlan, "hold" | "attempts">, limitMs: number): Promise<Withstood> {
  const upstream = await stage.answering(OK)
  const fixture: EdgeFixture = await stage.edgeTo(upstream.upstream, { connections: plan.hold, idleMs: limitMs, headMs: limitMs })
  const rssBefore = rss()
  const whole: FloodPlan = { ...plan, port: fixture.port, serverName: "app.test", atOnce: 200, patienceMs: 5000 }
  const child = Bun.spawn([process.execPath, CLIENT, JSON.stringify(whole)], { stdin: "pipe", stdout: "pipe", stderr: "inherit" })
  stage.after(() => child.kill("SIGKILL"))
  let rssHeld = 0
  let mostConnections = 0
  const watch = setInterval(() => {
    mostConnections = Math.max(mostConnections, fixture.edge.connections)
    if (mostConnections === plan.hold && rssHeld === 0) rssHeld = rss()
  }, 20)
  stage.after(() => clearInterval(watch))
  const { value } = await lines(child.stdout).next()
  clearInterval(watch)
  const report = JSON.parse(value!) as FloodReport
  const rssFlooded = rss()
  const newcomerRefused = await fixture.client().then(
    () => false,
    () => true,
  )
  child.stdin.end()
  await child.exited
  await until(() => fixture.edge.connections === 0, "the end of all connections", 20_000)
  const newcomer = await fixture.client()
  await newcomer.send(get()).has("ok")
  newcomer.socket.destroy()
  return { ...report, rssBefore, rssHeld, rssFlooded, mostConnections, newcomerRefused, newcomerServed: true }
}
