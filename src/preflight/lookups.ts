import type { DnsLookup, Lookup, RecordType, ServerAnswer } from "../dns/lookup"

/** The look-ups of one piece of work: each asked once however often it is needed, at most so many, and none past the time. */
export class Lookups {
  private asked = new Map<string, Promise<Lookup>>()
  private end: Promise<void>
  private timer: Timer | undefined

  constructor(
    private dns: DnsLookup,
    private limits: { timeLimitMs: number; maxLookups: number },
  ) {
    this.end = new Promise((resolve) => {
      this.timer = setTimeout(resolve, limits.timeLimitMs)
    })
  }

  /** Never throws; past a limit the answer is a look-up with the fault `out_of_time`. */
  ask(name: string, type: RecordType, signed = false): Promise<Lookup> {
    const key = `${type} ${signed} ${name}`
    const known = this.asked.get(key)
    if (known !== undefined) return known
    const { timeLimitMs, maxLookups } = this.limits
    const lost = (why: string): Lookup => ({
      name,
      type,
      zone: undefined,
      via: "authoritative",
      answers: [],
      problem: why,
      fault: "out_of_time",
    })
    const asking =
      this.asked.size >= maxLookups
        ? Promise.resolve(lost(`The limit of ${maxLookups} look-ups was reached.`))
        : Promise.race([
            this.dns.lookup(name, type, signed ? { signed } : {}),
            this.end.then(() => lost(`DNS was asked for ${timeLimitMs / 1000} seconds and had not answered by then.`)),
          ])
    this.asked.set(key, asking)
    return asking
  }

  /** Lets go of the clock; look-ups under way end by themselves. */
  close(): void {
    clearTimeout(this.timer)
  }
}

const useful = new Set<ServerAnswer["outcome"]>(["answer", "nodata", "nxdomain"])

/** Answers that say something about the name. */
export const usefulAnswers = (lookup: Lookup): ServerAnswer[] => lookup.answers.filter(({ outcome }) => useful.has(outcome))

/** Answers about the name itself, and not about one that a CNAME leads to. */
export const ownAnswers = (lookup: Lookup): ServerAnswer[] => usefulAnswers(lookup).filter(({ name }) => name === undefined)

/** Every value that any server gave, once. */
export const valuesOf = (lookup: Lookup): string[] => [...new Set(lookup.answers.flatMap(({ values }) => values))]

/** Whether nothing was learned about the name because DNS could not be asked, which says nothing about the name. */
export const couldNotAsk = ({ fault, answers }: Lookup): boolean =>
  fault === "out_of_time" || fault === "stopped" || (fault === "port_closed" && !answers.some(({ outcome }) => useful.has(outcome)))

const words: Partial<Record<ServerAnswer["outcome"], string>> = {
  nodata: "no such record",
  nxdomain: "no such name",
  servfail: "SERVFAIL",
  refused: "a refusal",
  lame: "no authority for the zone",
  malformed: "an answer that cannot be read",
  unreachable: "nothing",
}

/** What each server said, a line each, at most eight. */
export function evidenceOf(lookup: Lookup): string[] {
  const lines = lookup.answers.slice(0, 8).map(({ server, address, outcome, values, detail, name }) => {
    const said = outcome === "answer" ? values.join(", ") : `${words[outcome]}${detail === undefined ? "" : ` (${detail})`}`
    return `${serverAt(server, address)} on ${lookup.type} ${name ?? lookup.name}: ${said.slice(0, 300)}`
  })
  return lookup.problem === undefined ? lines : [...lines, lookup.problem]
}

/** A server for people, with its address where it has a name of its own. */
export const serverAt = (server: string, address: string): string =>
  address === "" || server === address ? server : `${server} (${address})`
