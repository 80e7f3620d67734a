import { unjudged } from "./allowed"
import type { Entry } from "./corpus"
import { byteByByte, randomDelivery, whole } from "./delivery"
import { mutate } from "./mutation"
import { Random } from "./random"
import { randomRequest } from "./request-grammar"
import { isMarker, type RequestCase, type RequestTrial } from "./request-trial"
import { type Finding, judgeRequest, type RequestRule } from "./request-verdict"
import { randomResponse } from "./response-grammar"
import type { ResponseCase, ResponseTrial } from "./response-trial"
import { judgeResponse, type ResponseRule } from "./response-verdict"

/** A case with what is wrong with it, and in how many of three runs that was so. */
export type Found = { name: string; bytes: Buffer; findings: Finding[]; times: number; test: RequestCase | ResponseCase }

/** How a run went: cases by outcome, and what was found. */
export type Tally = { count: number; accepted: number; refused: number; unfinished: number; found: Found[] }

const QUIET_MS = 30
const PATIENT_MS = 400

/** Case `index` of a seed: from the grammar, mutated, or spliced from the corpus. */
export function randomRequestCase(seed: number, index: number, corpus: readonly Entry[]): RequestCase {
  const random = new Random(seed, index)
  const others = corpus.map((entry) => entry.bytes)
  const base = random.oneIn(3) && others.length > 0 ? random.pick(others) : randomRequest(random)
  const bytes = random.below(5) < 2 ? mutate(random, base, [randomRequest(random), ...others]) : base
  const delivery = randomDelivery(random, bytes.length)
  return {
    name: `requests ${seed}/${index}`,
    bytes,
    delivery,
    marker: random.pick(["after", "with"]),
    leave: random.pick(["end", "destroy"]),
  }
}

/** Case `index` of a seed, for the other direction. */
export function randomResponseCase(seed: number, index: number, corpus: readonly Entry[]): ResponseCase {
  const random = new Random(seed ^ 0x5eed, index)
  const others = corpus.map((entry) => entry.bytes)
  const base = random.oneIn(3) && others.length > 0 ? random.pick(others) : randomResponse(random)
  const bytes = random.oneIn(2) ? mutate(random, base, [randomResponse(random), ...others]) : base
  const after = random.pick(["keep", "end", "end", "reset"] as const)
  const method = random.pick(["GET", "GET", "HEAD", "POST"] as const)
  const version = random.oneIn(5) ? "1.0" : "1.1"
  return { name: `responses ${seed}/${index}`, bytes, delivery: randomDelivery(random, bytes.length), after, method, version }
}

/** An entry of the corpus as three cases: at once, byte by byte, and with the marked request close behind. */
export function requestCasesOf(entry: Entry): RequestCase[] {
  const { name, bytes } = entry
  return [
    { name: `${name}, at once`, bytes, delivery: whole, marker: "after", leave: "end" },
    { name: `${name}, byte by byte`, bytes, delivery: byteByByte(400), marker: "after", leave: "destroy" },
    { name: `${name}, close behind`, bytes, delivery: whole, marker: "with", leave: "end" },
  ]
}

/** An entry of the corpus as three cases: the end of the connection after it, none, and byte by byte. Its notes may name the request. */
export function responseCasesOf(entry: Entry): ResponseCase[] {
  const { name, bytes, notes } = entry
  const method = (notes["method"] ?? "GET") as ResponseCase["method"]
  const version = (notes["version"] ?? "1.1") as ResponseCase["version"]
  return [
    { name: `${name}, then the end`, bytes, delivery: whole, after: "end", method, version },
    { name: `${name}, then nothing`, bytes, delivery: whole, after: "keep", method, version },
    { name: `${name}, byte by byte`, bytes, delivery: byteByByte(400), after: "end", method, version },
  ]
}

/** What one request came to. */
export type Verdict<Rule extends string = string> = { outcome: "accepted" | "refused" | "unfinished"; findings: Finding<Rule>[] }

/** Runs one request and judges it; only what a patient second look confirms counts as waiting. */
export async function tryRequest(
  trial: RequestTrial,
  test: RequestCase,
  quietMs = QUIET_MS,
): Promise<Verdict<RequestRule> & { accepted: number }> {
  const observation = await trial.run(test, quietMs)
  const findings = unjudged(judgeRequest(test, observation), test.bytes)
  const { edge } = observation
  const accepted = edge.seen.filter((seen) => !isMarker(seen)).length
  const outcome =
    accepted > 0 ? "accepted" : edge.ended || edge.answers.whole.some((answer) => answer.status >= 400) ? "refused" : "unfinished"
  if (quietMs === PATIENT_MS || !findings.some((finding) => finding.rule === "the relay waits where nginx does not"))
    return { outcome, accepted, findings }
  return tryRequest(trial, test, PATIENT_MS)
}

/** Runs one answer of an upstream and judges it; a page of the edge counts as refused. */
export async function tryResponse(trial: ResponseTrial, test: ResponseCase): Promise<Verdict<ResponseRule> & { status: number }> {
  const observation = await trial.run(test)
  const status = observation.answers.whole.findLast((answer) => answer.status >= 200)?.status ?? 0
  const outcome = status >= 502 && status <= 504 ? "refused" : status > 0 ? "accepted" : "unfinished"
  return { outcome, status, findings: unjudged(judgeResponse(test, observation), test.bytes) }
}

/** Runs request cases over all lanes. `until` ends the run early. */
export function runRequests(lanes: RequestTrial[], cases: Iterable<RequestCase>, until = () => false): Promise<Tally> {
  return runAll(lanes, cases, until, (trial, test) => tryRequest(trial, test))
}

/** Runs response cases over all lanes. `until` ends the run early. */
export function runResponses(lanes: ResponseTrial[], cases: Iterable<ResponseCase>, until = () => false): Promise<Tally> {
  return runAll(lanes, cases, until, tryResponse)
}

async function runAll<Trial, Case extends RequestCase | ResponseCase>(
  lanes: Trial[],
  cases: Iterable<Case>,
  until: () => boolean,
  run: (trial: Trial, test: Case) => Promise<Verdict>,
): Promise<Tally> {
  const tally: Tally = { count: 0, accepted: 0, refused: 0, unfinished: 0, found: [] }
  const source = cases[Symbol.iterator]()
  const work = async (trial: Trial) => {
    for (let next = source.next(); !next.done && !until(); next = source.next()) {
      const test = next.value
      const { outcome, findings } = await orFinding(run(trial, test))
      tally.count++
      tally[outcome]++
      if (findings.length === 0) continue
      let times = 1
      for (let again = 0; again < 2; again++) if ((await orFinding(run(trial, test))).findings.length > 0) times++
      tally.found.push({ name: test.name, bytes: test.bytes, findings, times, test })
    }
  }
  await Promise.all(lanes.map(work))
  return tally
}

/** A case that cannot be run to its end is a finding like any other, and the rest still runs. */
export async function orFinding(running: Promise<Verdict>): Promise<Verdict> {
  try {
    return await running
  } catch (error) {
    return { outcome: "unfinished", findings: [{ rule: "the case did not come to its end", detail: String(error) }] }
  }
}
