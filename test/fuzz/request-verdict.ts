import { isMarker, type Observation, type RequestCase } from "./request-trial"
import { digest, valuesOf } from "./strict-message"
import { readRequest, type Seen } from "./strict-request"
import { announcesClose } from "./strict-response"

/** What a relay can do wrong, and what is at least worth a judgement (the last five). */
export type RequestRule =
  | "the upstream got what is no request"
  | "the upstream got a request of which the client knows nothing"
  | "the client got more answers than there were requests"
  | "the client got what is no response"
  | "a request was left hanging at the upstream"
  | "the fields that the relay adds are wrong"
  | "a field went on that may not"
  | "the upstream got a piece of a request that nobody sent"
  | "the marked request was changed"
  | "not what nginx saw"
  | "not what node saw"
  | "nginx refuses it with 400"
  | "nginx and node both refuse it"
  | "the marked request was lost"
  | "the relay waits where nginx does not"

/** One thing that is wrong: which rule it breaks, and what was seen. */
export type Finding<Rule extends string = string> = { rule: Rule; detail: string }

/** What is wrong with one case; empty when all is well. */
export function judgeRequest(test: RequestCase, { edge, nginx, node }: Observation): Finding<RequestRule>[] {
  const findings: Finding<RequestRule>[] = []
  const find = (rule: RequestRule, detail: string) => findings.push({ rule, detail })
  for (const fault of edge.faults) find("the upstream got what is no request", fault)
  if (edge.answers.rest === "malformed") find("the client got what is no response", edge.answers.why)
  if (edge.leftHanging) find("a request was left hanging at the upstream", `${test.leave} of the client`)
  if (edge.relayed.length > edge.seen.length) find("the client got more answers than there were requests", statusesOf(edge))
  // A client that left by itself may have missed an answer.
  if (edge.relayed.length < edge.seen.length && edge.ended)
    find(
      "the upstream got a request of which the client knows nothing",
      `${edge.seen.map(show).join(" | ")}; the client got ${statusesOf(edge)}`,
    )
  edge.relayed.forEach((answer, i) => {
    if (valuesOf(answer.fields, "x-seen")[0] !== String(i))
      find("the upstream got a request of which the client knows nothing", `answer ${i} belongs to another request`)
  })
  edge.seen.forEach((seen, order) => {
    const i = placeOf(edge, order)
    const wrong = wrongFields(seen)
    if (wrong !== undefined) find("the fields that the relay adds are wrong", wrong)
    for (const name of strayFields(seen)) find("a field went on that may not", name)
    if (isMarker(seen) && (seen.host !== "app.test" || seen.body !== MARKED_BODY)) find("the marked request was changed", show(seen))
    const [ofNginx, ofNode] = [nginx.seen[i], node.seen[i]]
    if (ofNginx && show(seen) !== show(ofNginx)) find("not what nginx saw", `${show(seen)} but nginx saw ${show(ofNginx)}`)
    if (ofNode && show(seen) !== show(ofNode)) find("not what node saw", `${show(seen)} but node saw ${show(ofNode)}`)
    // The first one that nginx did not take says it; those after it are the same matter.
    if (i !== nginx.seen.length) return
    if (nginx.refusal === 400) find("nginx refuses it with 400", show(seen))
    else if (nginx.refusal > 0 && !ofNode && node.refusal > 0)
      find("nginx and node both refuse it", `${show(seen)}: ${nginx.refusal} and ${node.refusal}`)
  })
  // Once the marked request has its answer, the client has nothing under way.
  if (
    edge.seen.some(isMarker) &&
    edge.seen.findIndex(isMarker) === edge.relayed.length - 1 &&
    edge.relayed.length === finalsOf(edge).length
  )
    for (const piece of edge.cut) find("the upstream got a piece of a request that nobody sent", JSON.stringify(piece.slice(0, 500)))
  const next = nginx.seen[Math.max(finalsOf(edge).length, placeOf(edge, edge.seen.length))]
  if (next && !edge.ended) find("the relay waits where nginx does not", `nginx saw ${show(next)}`)
  const kept = finalsOf(edge).filter((answer) => !announcesClose(answer)).length
  if (requestsIn(test.bytes) === kept && nginx.seen.length > kept && !edge.seen.some(isMarker))
    find("the marked request was lost", `the client got ${statusesOf(edge)}`)
  return findings
}

const ofOneHop =
  /^(?:(?:keep-alive|proxy-connection|http2-settings):|te: (?!trailers$)|connection: (?!te$|upgrade$|keep-alive$)|upgrade: .*h2c)/
const notInTrailers =
  /^(?:host|content-length|transfer-encoding|authorization|cookie|connection|te|trailer|forwarded|x[-_]forwarded[-_].*|x[-_]request[-_]id)$/

/** Fields of the client's own hop (RFC 9110 section 7.6.1), and trailers that could reframe or reroute a request (section 6.5.1). */
function strayFields(seen: Seen): string[] {
  const lines = seen.fields.map((field) => `${field.name}: ${field.value}`.toLowerCase()).filter((line) => ofOneHop.test(line))
  const trailers = seen.trailers.map((field) => field.name.toLowerCase()).filter((name) => notInTrailers.test(name))
  return [...lines, ...trailers.map((name) => `${name} in the trailers`)]
}

/** How many whole requests the bytes are, or undefined where they are not whole requests and nothing else. */
function requestsIn(bytes: Buffer): number | undefined {
  let count = 0
  for (let at = 0; at < bytes.length; count++) {
    const reading = readRequest(bytes.subarray(at), true)
    if (reading.kind !== "whole") return undefined
    at += reading.size
  }
  return count
}

const finalsOf = (edge: Observation["edge"]) => edge.answers.whole.filter((answer) => answer.status >= 200)

/** Where among the client's requests the upstream's request of this order stands: the relay answers some by itself and goes on. */
function placeOf(edge: Observation["edge"], order: number): number {
  const finals = finalsOf(edge)
  const answer = edge.relayed[order]
  return answer ? finals.indexOf(answer) : finals.length + order - edge.relayed.length
}

const MARKED_BODY = digest(Buffer.from("marked"))

/** Method, target, host and body: what may not differ. */
export const show = (seen: Seen) => `${seen.method} ${seen.target} (${seen.host}) body ${seen.body}`

const statusesOf = (edge: Observation["edge"]) => edge.answers.whole.map((answer) => answer.status).join(", ") || "no answer"

/** A client's own claims about itself must not reach the upstream beside the relay's. */
function wrongFields(seen: Seen): string | undefined {
  for (const name of ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"]) {
    const values = seen.fields.filter((field) => field.name.toLowerCase().replaceAll("_", "-") === name).map((field) => field.value)
    if (values.length !== 1) return `${name}: ${JSON.stringify(values)}`
    if (name === "x-forwarded-for" && values[0] !== "127.0.0.1") return `${name}: ${values[0]}`
    if (name === "x-forwarded-host" && values[0] !== seen.host) return `${name}: ${values[0]}`
  }
  return undefined
}
