import type { Finding } from "./request-verdict"
import type { ResponseCase, ResponseObservation } from "./response-trial"

/** What a relay can do wrong with an answer. */
export type ResponseRule =
  | "the client got what is no response"
  | "the client was left waiting"
  | "two clients read it in two ways"
  | "the relay says something else than its upstream"
  | "an answer that broke off looks whole"
  | "the connection was not fit for a second request"

/** What is wrong with one answer: a client must see a well-formed response, a page of the edge, or that it broke off. */
export function judgeResponse(test: ResponseCase, seen: ResponseObservation): Finding<ResponseRule>[] {
  const findings: Finding<ResponseRule>[] = []
  const find = (rule: ResponseRule, detail: string) => findings.push({ rule, detail })
  const { answers, node, direct, second } = seen
  const final = answers.whole.findLast((answer) => answer.status >= 200)
  const interim = answers.whole.filter((answer) => answer.status < 200).map((answer) => answer.status)
  const outcome = `client: ${[...interim, final?.status ?? "none"].join(", ")} ${final?.body ?? answers.rest}; node: ${JSON.stringify(node)}`
  if (answers.rest === "malformed") find("the client got what is no response", `${answers.why}; ${outcome}`)
  if (!final && !seen.ended) find("the client was left waiting", outcome)
  // A body that ends with the connection is whole only where the connection ended in good order.
  const complete = final !== undefined && !(answers.bodyEndsWithConnection && seen.broken)
  const agree = final
    ? node.status === final.status && node.complete && node.body === final.body && String(node.interim) === String(interim)
    : !node.complete
  if (answers.rest !== "malformed" && !agree) find("two clients read it in two ways", outcome)
  if (complete && final.status < 500 && direct.complete && (direct.status !== final.status || direct.body !== final.body))
    find(
      "the relay says something else than its upstream",
      `client: ${final.status} ${final.body}; node directly: ${JSON.stringify(direct)}`,
    )
  // Node read the head of what the upstream sent and missed the end of the body.
  const cutShort = direct.status > 0 && !direct.complete && /^(?:broken off|aborted|ECONNRESET)$/.test(direct.fault)
  if (complete && cutShort && final.status === direct.status) find("an answer that broke off looks whole", outcome)
  if (second !== undefined && !isMarkedAnswer(second) && !isPage(second) && !mayComeLate(test))
    find("the connection was not fit for a second request", JSON.stringify(second.slice(0, 500)))
  return findings
}

/** A 502 or 504 of the edge. */
const isPage = (text: string) => /^HTTP\/1\.1 50[24] [^]*\r\nX-Request-ID: /i.test(text)

/**
 * Bytes after the end of an answer that arrive when the connection already carries the next request cannot be told from its answer
 * (RFC 9112 section 9.2 speaks of those that arrive before it). No relay that reuses connections can do better.
 */
const mayComeLate = (test: ResponseCase) => test.delivery.cuts.length > 0 || test.bytes.length > 16_384

/** The one answer, or the relay's honest end of the connection without a byte of another. */
const isMarkedAnswer = (text: string) =>
  text === "" ||
  (text.startsWith("HTTP/1.1 200 OK\r\n") &&
    /\r\nX-Marked: yes\r\n/i.test(text) &&
    text.endsWith("\r\n\r\nmarked") &&
    text.split("HTTP/1.").length === 2)
