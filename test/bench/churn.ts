import { Connection } from "./connection"
import type { Freehold } from "./freehold"
import { containerId, owner } from "./seed"

const heldNames = 5

/** Adds one mapping a second through the API, visits it once, and removes the one of five seconds before. */
export class Churn {
  added = 0
  removed = 0
  /** Names that answered a visitor between their coming and their going. */
  served = 0
  faults: string[] = []
  private timer: Timer | undefined
  private turn: Promise<void> = Promise.resolve()
  private held: string[] = []
  private token = ""
  private rootPem = ""

  constructor(
    private house: Freehold,
    private zone: string,
  ) {}

  async start(): Promise<void> {
    const login = await this.call("POST", "/api/login", owner)
    this.token = ((await login.json()) as { token: string }).token
    this.rootPem = await (await this.call("GET", "/ca.pem")).text()
    this.timer = setInterval(() => {
      this.turn = this.turn.then(() => this.change()).catch((error: unknown) => void this.faults.push(String(error)))
    }, 1000)
  }

  /** No further changes; resolves when the one under way is done. */
  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.turn
  }

  private async change(): Promise<void> {
    const domain = `s${String(this.added + 1).padStart(5, "0")}.${this.zone}`
    const made = await this.call("POST", "/api/domain-mappings", { container_id: containerId, domain, target_port: 80 })
    const { id } = (await made.json()) as { id: string }
    this.added++
    this.held.push(id)
    const visitor = await Connection.open({ server: this.house, host: domain, ca: this.rootPem })
    if (await visitor.get()) this.served++
    visitor.close()
    if (this.held.length <= heldNames) return
    await this.call("DELETE", `/api/domain-mappings/${this.held.shift()}`)
    this.removed++
  }

  private async call(method: string, path: string, body?: object): Promise<Response> {
    const headers: Record<string, string> = { "content-type": "application/json" }
    if (this.token !== "") headers.authorization = `Bearer ${this.token}`
    const res = await fetch(this.house.url + path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    })
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}: ${(await res.text()).slice(0, 200)}`)
    return res
  }
}
