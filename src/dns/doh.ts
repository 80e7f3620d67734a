import { encodeQuery, type Reply, readReply } from "./exchange"
import { describeError } from "../errors"
import type { RecordType, ServerAnswer } from "./lookup"
import type { Name } from "./name"
import { typeNumbers } from "./rdata"
import { readRecursive } from "./recursive"
import { CLASS_IN, type Question } from "./wire"

const MAX_ANSWER_OCTETS = 65535

/** Asks a recursive resolver over HTTPS (RFC 8484, POST with id 0); never throws. What it answers may come from its cache. */
export async function askOverHttps(
  url: string,
  name: Name,
  type: RecordType,
  timeoutMs: number,
  stopped: AbortSignal,
): Promise<ServerAnswer> {
  const question: Question = { name, type: typeNumbers[type], class: CLASS_IN }
  const { hostname, host } = new URL(url)
  const where = { server: hostname, address: host }
  const reply = await post(url, question, AbortSignal.any([AbortSignal.timeout(timeoutMs), stopped]))
  if (reply.kind !== "message") return { ...where, outcome: reply.kind, values: [], detail: reply.detail }
  const { outcome, values, ttlLeftSeconds, chain, detail } = readRecursive(reply.message, question)
  return {
    ...where,
    outcome,
    values,
    ...(outcome === "answer" ? { ttlSeconds: ttlLeftSeconds } : {}),
    ...(chain.length > 1 ? { name: chain.at(-1) } : {}),
    ...(detail === undefined ? {} : { detail }),
  }
}

async function post(url: string, question: Question, signal: AbortSignal): Promise<Reply> {
  const mime = "application/dns-message"
  try {
    const body = encodeQuery(0, question, true, { recursion: true })
    const res = await fetch(url, { method: "POST", headers: { "content-type": mime, accept: mime }, body, signal, redirect: "error" })
    if (res.status !== 200 || !res.headers.get("content-type")?.startsWith(mime)) {
      await res.body?.cancel()
      return { kind: "unreachable", detail: `it answered HTTP status ${res.status} and no DNS message` }
    }
    const chunks: Uint8Array[] = []
    let octets = 0
    for await (const chunk of res.body ?? []) {
      octets += chunk.length
      if (octets > MAX_ANSWER_OCTETS) return { kind: "malformed", detail: "its answer is longer than a DNS message" }
      chunks.push(chunk)
    }
    return readReply(Buffer.concat(chunks), 0, question) ?? { kind: "malformed", detail: "what it sent answers another question" }
  } catch (error) {
    return { kind: "unreachable", detail: describeError(error) }
  }
}
