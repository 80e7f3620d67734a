import { type Api, ApiFault, type Connection } from "./api"
import type { Memory } from "./memory"

/** Makes connections, and finds the one that was begun here before. Its methods throw ApiFault. */
export class Connecting {
  private keys = new Map<string, string>()

  constructor(
    private api: Api,
    private memory: Memory,
    private applicationId: string | undefined,
  ) {}

  /** What was begun for the domain on this page and is not over; undefined where there is nothing of the kind. */
  async recall(domain: string): Promise<Connection | undefined> {
    const id = this.memory.recall(domain)
    if (id === undefined) return undefined
    try {
      const found = await this.api.connection(id)
      if (found.hostname === domain && found.state !== "archived" && found.state !== "failed") return found
    } catch (error) {
      // 403: of another application. What this token may do, the next question shows.
      if (!(error instanceof ApiFault) || ![403, 404].includes(error.status)) throw error
    }
    this.forget(domain)
    return undefined
  }

  /** The connection as it is now; asked again for the same domain and way, it is the same one. */
  async make(domain: string, setupType: string): Promise<Connection> {
    const name = `${domain} ${setupType}`
    const key = this.keys.get(name) ?? randomKey()
    this.keys.set(name, key)
    const made = await this.api.connect(domain, this.applicationId, setupType, key)
    this.memory.keep(domain, made.id)
    // The answer to a key may be older than what became of the connection.
    return this.api.connection(made.id)
  }

  /** The next one for the domain is a new one. */
  forget(domain: string): void {
    this.memory.keep(domain, undefined)
    this.keys.clear()
  }
}

/** There is no `randomUUID` on pages that came over plain HTTP. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")
}
