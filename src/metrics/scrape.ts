import { contentType, expose } from "./exposition"
import { counter, type Family } from "./family"
import { Fresh } from "./fresh"

export type ScrapeNeeds = {
  families: readonly Family[]
  /** Brings in what is counted elsewhere; a scrape waits for it as long as `gatherMs`. */
  gather: () => Promise<void>
  /** A family could not be read. */
  onFault: (name: string, error: unknown) => void
  gatherMs?: number
  familyMs?: number
  keptMs?: number
}

/** `GET /metrics`: all figures of this moment, shared by whoever asks within the same second. */
export class Scrape {
  private faults = 0
  private text: Fresh<string>
  /** Those given, and one of its own. */
  readonly families: readonly Family[]

  constructor(private needs: ScrapeNeeds) {
    const name = "freehold_scrape_errors_total"
    const help = "Metrics that could not be read when they were asked for, and were left out."
    this.families = [...needs.families, counter(name, help, () => this.faults)]
    this.text = new Fresh(() => this.make(), needs.keptMs ?? 1000)
  }

  /** Undefined for every other path. */
  answer(request: Request): Promise<Response> | undefined {
    if (new URL(request.url).pathname !== "/metrics") return undefined
    return this.respond(request.method)
  }

  private async respond(method: string): Promise<Response> {
    if (method !== "GET" && method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } })
    const text = await this.text.read()
    return new Response(method === "HEAD" ? null : text, { headers: { "content-type": contentType, "cache-control": "no-store" } })
  }

  private async make(): Promise<string> {
    const { gather, gatherMs = 2000, familyMs, onFault: tell } = this.needs
    const onFault = (name: string, error: unknown) => {
      this.faults++
      tell(name, error)
    }
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, gatherMs)
    try {
      await Promise.race([gather(), limit.promise])
    } catch (error) {
      // What was brought in before is told all the same.
      onFault("gathered counts", error)
    } finally {
      clearTimeout(timer)
    }
    return expose(this.families, onFault, familyMs)
  }
}
