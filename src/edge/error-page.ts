import type { HeaderField } from "./http2/hpack-table"

/** What the edge has to say for itself when no application answered. */
export type Failure =
  | "bad_request"
  | "not_allowed"
  | "too_slow_request"
  | "target_too_long"
  | "head_too_large"
  | "version"
  | "misdirected"
  | "not_mapped"
  | "stopped"
  | "unreachable"
  | "bad_answer"
  | "too_slow_answer"

/** Status, its standard phrase, and a sentence that says what failed, for each failure. */
export const failures: Record<Failure, { status: number; phrase: string; sentence: string }> = {
  bad_request: { status: 400, phrase: "Bad Request", sentence: "The request was not understood." },
  not_allowed: { status: 405, phrase: "Method Not Allowed", sentence: "This method is not allowed here." },
  too_slow_request: { status: 408, phrase: "Request Timeout", sentence: "The request took too long to arrive." },
  target_too_long: { status: 414, phrase: "URI Too Long", sentence: "The address that was asked for is too long." },
  head_too_large: { status: 431, phrase: "Request Header Fields Too Large", sentence: "The header of the request is too large." },
  version: { status: 505, phrase: "HTTP Version Not Supported", sentence: "This version of HTTP is not spoken here." },
  misdirected: { status: 421, phrase: "Misdirected Request", sentence: "This connection was opened for another hostname." },
  not_mapped: { status: 404, phrase: "Not Found", sentence: "This hostname is not mapped to an application." },
  stopped: { status: 503, phrase: "Service Unavailable", sentence: "The application of this hostname is stopped." },
  unreachable: { status: 502, phrase: "Bad Gateway", sentence: "The application of this hostname did not accept the connection." },
  bad_answer: { status: 502, phrase: "Bad Gateway", sentence: "The application of this hostname gave an answer that was not understood." },
  too_slow_answer: { status: 504, phrase: "Gateway Timeout", sentence: "The application of this hostname took too long to answer." },
}

/** The failure that a refused message's status stands for. */
export function failureOf(status: 400 | 405 | 414 | 431 | 505): Failure {
  if (status === 405) return "not_allowed"
  if (status === 414) return "target_too_long"
  if (status === 431) return "head_too_large"
  return status === 505 ? "version" : "bad_request"
}

/** What the page is told of the request. */
export type ErrorPageRequest = { requestId: string; accept: string; method: string }

/** A response with a small page: JSON where `accept` prefers it, else HTML. A HEAD request gets no body. */
export function errorAnswer(failure: Failure, request: ErrorPageRequest): { status: number; fields: HeaderField[]; body: string } {
  const { status, phrase, sentence } = failures[failure]
  const json = wantsJson(request.accept)
  const body = json
    ? `${JSON.stringify({ error: sentence, status, request_id: request.requestId })}\n`
    : `<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${status} ${phrase}</title>\n` +
      `<body style="font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem"><h1>${phrase}</h1>\n` +
      `<p>${sentence}</p>\n<p><small>Request ${request.requestId}</small></p>\n`
  const fields = [
    { name: "content-type", value: json ? "application/json" : "text/html; charset=utf-8" },
    { name: "content-length", value: String(Buffer.byteLength(body)) },
    { name: "cache-control", value: "no-store" },
    { name: "x-request-id", value: request.requestId },
  ]
  if (failure === "stopped") fields.push({ name: "retry-after", value: "30" })
  if (failure === "not_allowed") fields.push({ name: "allow", value: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" })
  return { status, fields, body: request.method === "HEAD" ? "" : body }
}

/** The same as a message of HTTP/1.1. */
export function errorPage(failure: Failure, request: ErrorPageRequest & { close: boolean }): string {
  const { status, fields, body } = errorAnswer(failure, request)
  const lines = fields.map(({ name, value }) => `${titled(name)}: ${value}\r\n`).join("")
  return `HTTP/1.1 ${status} ${failures[failure].phrase}\r\n${lines}${request.close ? "Connection: close\r\n" : ""}\r\n${body}`
}

const titled = (name: string) => (name === "x-request-id" ? "X-Request-ID" : name.replace(/(?:^|-)[a-z]/g, (part) => part.toUpperCase()))

function wantsJson(accept: string): boolean {
  const lower = accept.toLowerCase()
  const json = lower.search(/application\/(?:[a-z0-9.+-]+\+)?json/)
  const html = lower.indexOf("text/html")
  return json >= 0 && (html < 0 || json < html)
}
