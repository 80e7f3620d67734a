import { contentOf, someSeed } from "./storage-content"
import { CutOff, type Hand, mustBeEmpty, pick, type Workflow } from "./house-workflow"
import type { Appliance } from "../e2e/appliance"

const keys = 24

/** Files: each has one content that was acknowledged, or that of a write that was cut off, and never a mixture. */
export class Files implements Workflow {
  readonly name = "files"
  /** The seeds of what may be there; undefined stands for no file. */
  private may = new Map<string, (number | undefined)[]>()
  private written = 0

  constructor(
    private house: Appliance,
    private token: string,
    private random: () => number,
  ) {}

  async step(): Promise<void> {
    const key = `f${Math.floor(this.random() * keys)}`
    const before = this.may.get(key) ?? [undefined]
    const seed = this.random() < 0.15 ? undefined : someSeed(this.random)
    this.may.set(key, [...before, seed])
    const status = await this.send(seed === undefined ? "DELETE" : "PUT", key, seed)
    if (status !== 404 && (status < 200 || status > 299)) throw new Error(`${key}: a write answered ${status}`)
    this.may.set(key, [seed])
    this.written++
  }

  async compare(): Promise<void> {
    const wrong: string[] = []
    for (const [key, seeds] of this.may) {
      const answer = await this.fetch("GET", key)
      const bytes = answer.status === 404 ? undefined : Buffer.from(await answer.arrayBuffer())
      const found = seeds.findLast((seed) => (seed === undefined ? bytes === undefined : bytes?.equals(contentOf(seed)) === true))
      if (!seeds.includes(found) || (found === undefined) !== (bytes === undefined))
        wrong.push(`${key}: ${answer.status} with ${bytes?.length} bytes, which is none of what was written`)
      else this.may.set(key, [found])
    }
    mustBeEmpty("files", wrong)
  }

  figures = () => `${this.written} files written or deleted`

  private async send(method: string, key: string, seed?: number): Promise<number> {
    try {
      const answer = await this.fetch(method, key, seed)
      await answer.arrayBuffer()
      return answer.status
    } catch (error) {
      throw new CutOff(String(error))
    }
  }

  private fetch(method: string, key: string, seed?: number): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, connection: "close" }
    const body = seed === undefined ? undefined : contentOf(seed)
    const signal = AbortSignal.timeout(30_000)
    return fetch(`${this.house.url}/storage/crash/${key}`, {
      method,
      headers,
      body: body as BodyInit | undefined,
      keepalive: false,
      signal,
    })
  }
}

type Token = { id: string; token: string; fate: "there" | "being revoked" | "revoked" }

/** API tokens: what was acknowledged opens, and what was revoked never does again. */
export class Tokens implements Workflow {
  readonly name = "tokens"
  private all: Token[] = []
  private made = 0

  constructor(
    private house: Appliance,
    private hand: Hand,
    private person: string,
    private random: () => number,
  ) {}

  async step(): Promise<void> {
    const there = this.all.filter(({ fate }) => fate === "there")
    const chosen = there.length > 6 || this.random() < 0.4 ? pick(this.random, there) : undefined
    if (chosen === undefined) {
      const body = { name: `t${++this.made}`, scopes: { [`networking.${this.person}.domain-mappings`]: ["read"] } }
      this.all.push({ ...(await this.hand.json<{ id: string; token: string }>("POST", "/api/tokens", body)), fate: "there" })
    } else {
      chosen.fate = "being revoked"
      await this.hand.ask("DELETE", `/api/tokens/${chosen.id}`)
      chosen.fate = "revoked"
    }
    await Bun.sleep(20)
  }

  async compare(): Promise<void> {
    const wrong: string[] = []
    for (const one of this.all) {
      const { status } = await this.house.api("GET", "/api/domain-mappings", { token: one.token })
      if (one.fate === "being revoked") one.fate = status === 401 ? "revoked" : "there"
      if (status !== (one.fate === "there" ? 200 : 401)) wrong.push(`${one.id}, ${one.fate}: ${status}`)
    }
    this.all = [...this.all.filter(({ fate }) => fate === "there"), ...this.all.filter(({ fate }) => fate === "revoked").slice(-5)]
    mustBeEmpty("tokens", wrong)
  }

  figures = () => `${this.made} tokens`
}
