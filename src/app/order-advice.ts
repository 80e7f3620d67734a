import type { DnsRecord } from "../connect/model"
import type { FindingCode, PreflightReport } from "../preflight/report"

export type OrderAdviceNeeds = {
  examine: (hostname: string, records: DnsRecord[], ownershipValue?: string) => Promise<PreflightReport>
  /** Whether the built-in CA certifies the name, which asks the DNS nothing. */
  isOwnIssuer: (hostname: string) => boolean
  now: () => number
}

/**
 * What makes an order fail wherever the name leads. Where it leads to is left out: behind a router Freehold may not know its own public address, and a
 * DNS challenge does not ask.
 */
const hopeless: ReadonlySet<FindingCode> = new Set([
  "no_delegation",
  "lame_server",
  "dnssec_broken",
  "loop",
  "caa_forbids",
  "caa_unreachable",
])

const keptMs = 60_000
const maxKept = 2000

/** What preflight says before an order: whether it would fail for certain, and which directory the CAA records of the name let through. */
export class OrderAdvice {
  private kept = new Map<string, { report: PreflightReport; at: number }>()
  private running = new Map<string, Promise<PreflightReport>>()

  constructor(private needs: OrderAdviceNeeds) {}

  /** A report that may be a minute old, unless it found something in the way: whoever mends that wants to see it at once. */
  async report(hostname: string, records: DnsRecord[] = [], ownershipValue?: string): Promise<PreflightReport> {
    const known = this.kept.get(hostname)
    if (known !== undefined && Math.abs(this.needs.now() - known.at) < keptMs) return known.report
    const running = this.running.get(hostname)
    if (running !== undefined) return running
    const flight = this.needs.examine(hostname, records, ownershipValue).finally(() => this.running.delete(hostname))
    this.running.set(hostname, flight)
    const report = await flight
    this.kept.delete(hostname)
    if (report.verdict === "ready") {
      if (this.kept.size >= maxKept) this.kept.delete(this.kept.keys().next().value!)
      this.kept.set(hostname, { report, at: this.needs.now() })
    }
    return report
  }

  /** Why an order would fail for certain, with what to do about it; undefined where it may go well. */
  obstacle = async (hostname: string): Promise<string | undefined> => {
    if (this.needs.isOwnIssuer(hostname)) return undefined
    const { findings } = await this.report(hostname)
    const found = findings.find(({ code, severity }) => severity === "blocked" && hopeless.has(code))
    if (found === undefined) return undefined
    return found.fix === null ? found.sentence : `${found.sentence} ${found.fix}`
  }

  /** The directories that CAA is known to forbid. */
  forbidden = async (hostname: string): Promise<string[]> => (await this.report(hostname)).forbidden
}
