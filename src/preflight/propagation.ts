import type { DnsLookup, Lookup, RecordType, ServerAnswer } from "../dns/lookup"
import type { RecursiveAnswer, RecursiveResolver } from "../dns/recursive"
import { canonicalAddress } from "./address"
import { Lookups, usefulAnswers, valuesOf } from "./lookups"
import { explainRecord } from "./propagation-words"

export type WantedType = "A" | "AAAA" | "CNAME" | "TXT" | "MX" | "CAA" | "SRV"

/** A record that should be there; `host` is the whole name, and an MX has its priority beside the value. */
export type WantedRecord = { host: string; type: WantedType; value: string; ttl: number; priority?: number }

/** What one authoritative server showed, and `matches` whether that is what is wanted. */
export type AuthorityView = { server: string; address: string; outcome: ServerAnswer["outcome"]; values: string[]; matches: boolean }

/** What one recursive resolver showed; `ttl_left` in seconds, null where it said none. */
export type RecursiveView = {
  resolver: string
  outcome: ServerAnswer["outcome"]
  values: string[]
  ttl_left: number | null
  matches: boolean
}

export type RecordReport = {
  record: WantedRecord
  /** Every authoritative server that could be asked shows it. */
  propagated: boolean
  /** The wanted value once it is shown by all; before that what is shown instead, null for nothing. */
  observed_value: string | null
  authorities: AuthorityView[]
  recursives: RecursiveView[]
  /** One or two sentences; where a resolver still has something else, for how long. */
  explanation: string
}

export type PropagationOptions = {
  dns: DnsLookup
  /** The resolvers to look at beside the authoritative servers; read at each use, and none may be set. */
  recursives: () => RecursiveResolver[]
  askRecursive: (resolver: RecursiveResolver, name: string, type: RecordType) => Promise<RecursiveAnswer>
  timeLimitMs?: number
  maxLookups?: number
  parallel?: number
}

type Seen = { authorities: AuthorityView[]; asked: RecordType; lookup: Lookup; expected: string[] }

/** Judges whether records have reached the world: the authoritative servers decide, recursive resolvers explain. */
export class Propagation {
  constructor(private options: PropagationOptions) {}

  /** Never throws for what DNS is like. Look-ups are shared between the records of a name, and some records are judged at a time (4). */
  async judge(records: WantedRecord[]): Promise<RecordReport[]> {
    const { dns, timeLimitMs = 15_000, maxLookups = 200, parallel = 4 } = this.options
    const lookups = new Lookups(dns, { timeLimitMs, maxLookups })
    const recursive = new Map<string, Promise<RecursiveAnswer>>()
    const reports: RecordReport[] = []
    const waiting = [...records.entries()]
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        reports[next[0]] = await this.judgeOne(next[1], lookups, recursive)
    }
    try {
      await Promise.all(Array.from({ length: parallel }, work))
      return reports
    } finally {
      lookups.close()
    }
  }

  private async judgeOne(record: WantedRecord, lookups: Lookups, recursive: Map<string, Promise<RecursiveAnswer>>): Promise<RecordReport> {
    const seen = await this.atAuthorities(record, lookups)
    const recursives = await this.atRecursives(record, seen, recursive)
    const telling = seen.authorities.filter(({ outcome }) => isTelling(outcome))
    const propagated = telling.length > 0 && telling.every(({ matches }) => matches)
    const others = [...new Set(telling.filter(({ matches }) => !matches).flatMap(({ values }) => values))]
    const observed = propagated ? record.value : others.length === 0 ? null : others.join(", ")
    const facts = {
      record,
      propagated,
      authorities: seen.authorities,
      recursives,
      problem: telling.length === 0 ? seen.lookup.problem : undefined,
    }
    const explanation = explainRecord({ ...facts, viaDoh: seen.lookup.via === "doh" })
    return { record, propagated, observed_value: observed, authorities: seen.authorities, recursives, explanation }
  }

  private async atAuthorities(record: WantedRecord, lookups: Lookups): Promise<Seen> {
    const lookup = await lookups.ask(record.host, record.type)
    const direct = viewsOf(lookup, (values) => shows(record, values))
    const isAnswered = direct.some(({ outcome }) => outcome === "answer")
    if (record.type !== "CNAME" || isAnswered || usefulAnswers(lookup).length === 0)
      return { authorities: direct, asked: record.type, lookup, expected: [] }
    // No CNAME anywhere: an ALIAS or a flattened CNAME shows the addresses of its target instead.
    const names = [record.host, record.value]
    const [a, aaaa, targetA, targetAaaa] = await Promise.all(names.flatMap((name) => [lookups.ask(name, "A"), lookups.ask(name, "AAAA")]))
    const target = [...valuesOf(targetA!), ...valuesOf(targetAaaa!)].map(canonicalAddress).sort()
    const isFlattened = valuesOf(a!).length + valuesOf(aaaa!).length > 0
    if (!isFlattened) return { authorities: direct, asked: "CNAME", lookup, expected: [] }
    // Without the target's present addresses nothing can be said, least of all that somebody moved away.
    const unknown = [targetA!, targetAaaa!].find((one) => usefulAnswers(one).length === 0)
    if (unknown !== undefined) {
      const authorities = direct.map(({ server, address, values }) => ({
        server,
        address,
        outcome: "unreachable" as const,
        values,
        matches: false,
      }))
      return { authorities, asked: "CNAME", lookup: unknown, expected: [] }
    }
    const families = new Map(aaaa!.answers.map((answer) => [`${answer.server} ${answer.address}`, answer]))
    const authorities = a!.answers.map((answer) => {
      const other = families.get(`${answer.server} ${answer.address}`)
      const values = [...answer.values, ...(other?.values ?? [])].map(canonicalAddress).sort()
      const isWhole = isTelling(answer.outcome) && isTelling(other?.outcome ?? "unreachable")
      const outcome = !isWhole ? "unreachable" : values.length > 0 ? "answer" : answer.outcome
      return {
        server: answer.server,
        address: answer.address,
        outcome,
        values,
        matches: values.length > 0 && values.join() === target.join(),
      } as const
    })
    const asked = target.some((address) => !address.includes(":")) ? "A" : "AAAA"
    return { authorities, asked, lookup: a!, expected: target.filter((address) => address.includes(":") === (asked === "AAAA")) }
  }

  private atRecursives(
    record: WantedRecord,
    { asked, expected }: Seen,
    known: Map<string, Promise<RecursiveAnswer>>,
  ): Promise<RecursiveView[]> {
    return Promise.all(
      this.options.recursives().map(async (resolver) => {
        const place = showResolver(resolver)
        const key = `${place} ${asked} ${record.host}`
        const asking = known.get(key) ?? this.options.askRecursive(resolver, record.host, asked)
        known.set(key, asking)
        const { outcome, values, ttlLeftSeconds } = await asking
        const matches = asked === record.type ? shows(record, values) : sameAddresses(values, expected)
        return { resolver: place, outcome, values, ttl_left: ttlLeftSeconds ?? null, matches: outcome === "answer" && matches }
      }),
    )
  }
}

const isTelling = (outcome: ServerAnswer["outcome"]) => outcome === "answer" || outcome === "nodata" || outcome === "nxdomain"

const viewsOf = (lookup: Lookup, matches: (values: string[]) => boolean): AuthorityView[] =>
  lookup.answers.map(({ server, address, outcome, values }) => ({
    server,
    address,
    outcome,
    values,
    matches: outcome === "answer" && matches(values),
  }))

const sameAddresses = (values: string[], expected: string[]) =>
  values.length > 0 && values.map(canonicalAddress).sort().join() === [...expected].sort().join()

/** An address for people and for keys: the port only where it is not 53. */
function showResolver({ address, port }: RecursiveResolver): string {
  if (port === 53) return address
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`
}

/** Whether these values of the record's name and type are what is wanted: of a CNAME all, of the other types one of them. */
export function shows(record: WantedRecord, values: string[]): boolean {
  const wanted = canonicalValue(record.type, record.type === "MX" ? `${record.priority ?? 0} ${record.value}` : record.value)
  return values.some((value) => canonicalValue(record.type, value) === wanted)
}

/** Names without case and the dot at their end, addresses in one form, a TXT without the quotes around it, a CAA with its tag in lower case. */
function canonicalValue(type: WantedType, value: string): string {
  switch (type) {
    case "A":
    case "AAAA":
      return canonicalAddress(value.trim())
    case "CNAME":
    case "MX":
    case "SRV":
      return value.trim().toLowerCase().replace(/\.$/, "").replace(/\s+/g, " ")
    case "TXT":
      return value.trim().replace(/^"(.*)"$/s, "$1")
    case "CAA": {
      const match = /^(\d+)\s+(\S+)\s+"?(.*?)"?$/s.exec(value.trim())
      return match === null ? value : `${Number(match[1])} ${match[2]!.toLowerCase()} ${match[3]}`
    }
  }
}
