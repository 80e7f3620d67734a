import { exchange } from "./exchange"
import type { RecordType, ServerAnswer } from "./lookup"
import { canonicalName, type Name, WireError } from "./name"
import { typeNumbers } from "./rdata"
import { leastTtl } from "./verdict"
import { CLASS_IN, type Message, type Question, rcodes } from "./wire"

/** Where a recursive resolver is asked. */
export type RecursiveResolver = { address: string; port: number }

/** What a recursive resolver said, from its cache or not. */
export type RecursiveAnswer = {
  outcome: ServerAnswer["outcome"]
  /** Record data in presentation form, as in `ServerAnswer`. */
  values: string[]
  /** How long it goes on saying so without asking again: the least TTL of the records on the way, or of the denial (RFC 2308 section 5). */
  ttlLeftSeconds: number | undefined
  /** The name asked for, and those that CNAMEs led to. */
  chain: Name[]
  detail?: string
}

const MAX_ALIASES = 8

/** Asks one recursive resolver, over UDP and then TCP where the answer does not fit; takes at most `timeoutMs` an attempt and never throws. */
export async function askRecursive(
  resolver: RecursiveResolver,
  name: string,
  type: RecordType,
  options: { timeoutMs?: number; attempts?: number; signal?: AbortSignal } = {},
): Promise<RecursiveAnswer> {
  const nothing = { values: [], ttlLeftSeconds: undefined, chain: [] }
  const { timeoutMs = 2000, attempts = 2, signal = new AbortController().signal } = options
  try {
    const question: Question = { name: canonicalName(name), type: typeNumbers[type], class: CLASS_IN }
    const reply = await exchange({ server: "", ...resolver }, question, { timeoutMs, attempts, signal, recursion: true })
    if (reply.kind !== "message") return { ...nothing, outcome: reply.kind, detail: reply.detail }
    return readRecursive(reply.message, question)
  } catch (error) {
    if (error instanceof WireError) return { ...nothing, outcome: "malformed", detail: error.message }
    throw error
  }
}

/** Reads the answer of a recursive resolver; CNAMEs are followed through the answer itself. */
export function readRecursive(given: Message, question: Question): RecursiveAnswer {
  const chain: Name[] = [question.name]
  const failed = (outcome: "servfail" | "refused" | "lame", detail?: string): RecursiveAnswer => ({
    outcome,
    values: [],
    ttlLeftSeconds: undefined,
    chain,
    ...(detail === undefined ? {} : { detail }),
  })
  if (given.rcode === rcodes.REFUSED) return failed("refused")
  if (given.rcode !== rcodes.NOERROR && given.rcode !== rcodes.NXDOMAIN) return failed("servfail", `response code ${given.rcode}`)
  if (!given.recursionAvailable && given.answers.length === 0) return failed("lame", "it does not ask others for us")
  let ttlLeftSeconds: number | undefined
  const least = (seconds: number) => (ttlLeftSeconds = Math.min(seconds, ttlLeftSeconds ?? seconds))
  for (let hop = 0; hop <= MAX_ALIASES; hop++) {
    const name = chain.at(-1)!
    const own = given.answers.filter((record) => record.name === name && record.class === CLASS_IN)
    const wanted = own.filter((record) => record.type === question.type)
    if (wanted.length > 0) {
      least(leastTtl(wanted))
      return { outcome: "answer", values: wanted.map((record) => record.value), ttlLeftSeconds, chain }
    }
    const alias = own.find((record) => record.type === typeNumbers.CNAME)
    if (!alias) {
      const denial = given.authorities.find((record) => record.type === typeNumbers.SOA)
      if (denial) least(Math.min(denial.ttl, Number(denial.value.split(" ").at(-1))))
      return { outcome: given.rcode === rcodes.NXDOMAIN ? "nxdomain" : "nodata", values: [], ttlLeftSeconds, chain }
    }
    least(alias.ttl)
    chain.push(alias.value)
  }
  return failed("servfail", "its answer is a chain of too many CNAMEs")
}
