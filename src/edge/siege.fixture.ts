import { expect } from "bun:test"
import { EdgeFixture, type Peer, RawUpstream, Stage, until } from "./edge.fixture"
import type { EdgeLimits } from "./limits"
import type { Upstream } from "./route-table"

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
export const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
export const post = (fields: string, body = "") => `POST / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n${body}`

/** What a well-behaved client may have to wait for an answer on a machine that does much else, while an attack goes on; the edge's own limits are longer. */
const PATIENCE_MS = 10_000
const HEAP_BOUND = 48 * 1024 * 1024

/** What the tests want to see of an edge's inside: connections on their way in, connections to upstreams, and bytes counted against its budget. */
type Inside = { acceptor: { size: number }; context: { pool: { size: number }; budget: { bytes: number } } }

/**
 * An edge whose `app.test` is under attack, while a well-behaved client of `other.test` asks again and again. `lift` holds that it was served
 * all the time, and that of the attack nothing is left: no connection, no memory, no unhandled fault.
 */
export class Siege {
  served = 0
  worstMs = 0
  private faults: unknown[] = []
  private over = false
  private asking: Promise<void> = Promise.resolve()
  private heapBefore = 0
  private readonly onFault = (fault: unknown) => void this.faults.push(fault)

  private constructor(
    readonly fixture: EdgeFixture,
    private stage: Stage,
  ) {}

  static async start(stage: Stage, attacked: Upstream, limits: Partial<EdgeLimits> = {}): Promise<Siege> {
    const healthy = await RawUpstream.answering(OK)
    stage.after(() => healthy.stop())
    const fixture = await stage.edgeTo(attacked, { poolIdleMs: 60, ...limits })
    fixture.routes.replace([
      { host: "app.test", target: { kind: "upstream", upstream: attacked } },
      { host: "other.test", target: { kind: "upstream", upstream: healthy.upstream } },
    ])
    const siege = new Siege(fixture, stage)
    process.on("uncaughtException", siege.onFault)
    process.on("unhandledRejection", siege.onFault)
    stage.after(() => siege.forget())
    await siege.warmUp()
    return siege
  }

  /** Connections to upstreams. */
  get upstreams(): number {
    return (this.fixture.edge as unknown as Inside).context.pool.size
  }

  /** A client of the name under attack that reads nothing until its socket is resumed. */
  async deafClient(): Promise<Peer> {
    const client = await this.fixture.client()
    client.socket.removeAllListeners("data")
    client.socket.pause()
    return client
  }

  /** The attack is over and its clients have left, or will be made to. */
  async lift(): Promise<void> {
    const { edge } = this.fixture
    const before = this.served
    await until(() => this.served > before + 1, "an answer after the attack")
    this.over = true
    await this.asking
    expect(this.served).toBeGreaterThan(2)
    expect(this.worstMs).toBeLessThan(PATIENCE_MS)
    await until(() => edge.connections === 0 && (edge as unknown as Inside).acceptor.size === 0, "the end of all client connections")
    await until(() => this.upstreams === 0, "the end of all upstream connections")
    expect([edge.bufferedBytes, (edge as unknown as Inside).context.budget.bytes]).toEqual([0, 0])
    this.forget()
    expect(this.faults).toEqual([])
    expect(heapBytes() - this.heapBefore).toBeLessThan(HEAP_BOUND)
  }

  private forget(): void {
    this.over = true
    process.off("uncaughtException", this.onFault)
    process.off("unhandledRejection", this.onFault)
  }

  private async warmUp(): Promise<void> {
    const client = await this.fixture.client("other.test")
    this.stage.after(() => client.socket.destroy())
    this.asking = this.ask(client)
    await until(() => this.served > 0)
    this.heapBefore = heapBytes()
  }

  private async ask(first: Peer): Promise<void> {
    let client = first
    while (!this.over) {
      // A pause of this whole process may outlast the idle time that a test sets; a client whose connection was closed between requests opens another.
      if (client.ended || client.closed) {
        client.socket.destroy()
        const again = await this.fixture.client("other.test").catch(() => undefined)
        // An edge that drains takes nobody; where it should have, the end of the siege waits for an answer in vain.
        if (again === undefined) return
        client = again
      }
      const startedAt = performance.now()
      client.send("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n")
      try {
        await until(() => client.text.includes("ok") || client.ended || client.closed, "an answer for a well-behaved client")
      } catch (error) {
        this.faults.push(error)
        return
      }
      // Closed as idle while the request was on its way: nothing of an answer came.
      if (client.text === "" && (client.ended || client.closed)) continue
      this.worstMs = Math.max(this.worstMs, performance.now() - startedAt)
      expect(client.take()).toStartWith("HTTP/1.1 200 OK\r\n")
      this.served++
      await Bun.sleep(5)
    }
    client.socket.destroy()
  }
}

function heapBytes(): number {
  Bun.gc(true)
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + Math.max(external, arrayBuffers)
}
