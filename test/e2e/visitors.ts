import { Agent, request } from "node:https"

export type Place = { address: string; port: number; hostname: string; ca: string }

/** Visitors who ask for `/` again and again: each waits for its answer, then asks again, over a connection that is kept or a new one each. */
export class Visitors {
  visits = 0
  /** What did not come to a 200. */
  readonly failures: string[] = []
  private ended = false
  private agents: Agent[] = []
  private all: Promise<void>

  /** `kept` of them keep their connections, `fresh` do not. */
  constructor(
    private place: Place,
    count: { kept: number; fresh: number },
  ) {
    const agents = [true, false].flatMap((keepAlive) =>
      Array.from({ length: keepAlive ? count.kept : count.fresh }, () => new Agent({ keepAlive, maxSockets: 1 })),
    )
    this.agents = agents
    this.all = Promise.all(agents.map((agent) => this.go(agent))).then(() => {})
  }

  async stop(): Promise<void> {
    this.ended = true
    await this.all
    for (const agent of this.agents) agent.destroy()
  }

  private async go(agent: Agent): Promise<void> {
    while (!this.ended) {
      const from = performance.now()
      const fault = await this.visit(agent).catch((error: Error & { code?: string }) => `${error.code} ${error.message}`)
      this.visits++
      if (fault !== undefined) this.failures.push(`${fault}, after ${Math.round(performance.now() - from)} ms`)
    }
  }

  /** What was wrong with the answer; rejects where there was none. */
  private visit(agent: Agent): Promise<string | undefined> {
    const { address: host, port, hostname, ca } = this.place
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
    const asked = request({ host, port, agent, ca, servername: hostname, headers: { host: hostname } }, (res) => {
      let text = ""
      res.on("data", (chunk: Buffer) => (text += chunk.toString()))
      res.on("end", () => resolve(res.statusCode === 200 ? undefined : `${res.statusCode} ${text}`))
      res.on("error", reject)
    })
    asked.setTimeout(30_000, () => asked.destroy(new Error("no answer")))
    asked.on("error", reject)
    asked.end()
    return promise
  }
}
