import type { Stage } from "../e2e/stage"
import { waitUntil } from "../lab/process"
import { type Hand, mustBeEmpty, pick, type Workflow } from "./house-workflow"

type Fate = "there" | "being deleted"
type Known = { id: string; wish: "running" | "stopped"; fate: Fate }
type Shown = { id: string; name: string; status: string; kind?: string; address?: string }

/** Containers of the engine: one for each that the API knows, none beside, each as it was last asked to be. */
export class Containers implements Workflow {
  readonly name = "containers"
  private all = new Map<string, Known>()
  private made = 0

  constructor(
    private stage: Stage,
    private hand: Hand,
    private random: () => number,
  ) {}

  async step(): Promise<void> {
    const there = [...this.all.values()].filter(({ fate }) => fate === "there")
    const dice = this.random()
    if (there.length === 0 || (there.length < 3 && dice < 0.5)) {
      const body = { name: `c${++this.made}`, image: this.stage.podman.image }
      const { id } = await this.hand.json<Shown>("POST", "/compute/containers", body)
      this.all.set(id, { id, wish: "running", fate: "there" })
    } else {
      const one = pick(this.random, there)
      if (one === undefined) return
      if (dice > 0.75) {
        one.fate = "being deleted"
        await this.hand.ask("DELETE", `/compute/containers/${one.id}`)
        this.all.delete(one.id)
      } else {
        const wish = one.wish === "running" ? "stopped" : "running"
        // Whether it was taken is asked afterwards where the answer is cut off.
        await this.hand.ask("POST", `/compute/containers/${one.id}/${wish === "running" ? "start" : "stop"}`, undefined, [200, 202, 409])
        one.wish = wish
      }
    }
    await Bun.sleep(100)
  }

  async compare(): Promise<void> {
    const shown = await this.list()
    const wrong = [...this.all.values()].filter(({ id, fate }) => fate === "there" && !shown.has(id)).map(({ id }) => `${id} is gone`)
    mustBeEmpty("containers", wrong)
    for (const [id] of this.all) if (!shown.has(id)) this.all.delete(id)
    for (const [id] of shown) this.all.set(id, { id, wish: this.all.get(id)?.wish ?? "running", fate: "there" })
  }

  /** Waits until engine and API agree; throws with both where they do not within the limit. */
  async settle(limitMs = 60_000): Promise<void> {
    let seen = ""
    const agree = async () => {
      const shown = await this.list()
      const listed = JSON.parse(await this.stage.podman.run("ps", "--all", "--format", "json")) as {
        Labels?: Record<string, string>
        State: string
      }[]
      const engine = new Map(listed.map(({ Labels, State }) => [Labels?.["freehold.id"] ?? "without label", State]))
      seen = `API ${JSON.stringify([...shown])}, engine ${JSON.stringify([...engine])}`
      const runs = (status: string | undefined) => status === "running"
      // One that was stopped before it was ever made need not be at the engine.
      return (
        listed.every(({ Labels }) => shown.has(Labels?.["freehold.id"] ?? "")) &&
        [...shown].every(([id, status]) => runs(status) === runs(engine.get(id)))
      )
    }
    await waitUntil(agree, { limitMs, everyMs: 200, what: "the engine to have what the API shows" }).catch((error: unknown) => {
      throw new Error(`${String(error)}; last seen: ${seen}`, { cause: error })
    })
  }

  private async list(): Promise<Map<string, string>> {
    const answer = await this.hand.json<Shown[] | { containers: Shown[] }>("GET", "/compute/containers")
    const list = Array.isArray(answer) ? answer : answer.containers
    return new Map(list.filter(({ name }) => /^c\d+$/.test(name)).map(({ id, status }) => [id, status]))
  }

  figures = () => `${this.made} containers`
}
