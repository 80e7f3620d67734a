import type { BodyDecoder } from "./body-framing"
import type { Field } from "./field-lines"
import type { RequestHead } from "./request-head"
import type { ResponseHead } from "./response-head"

/** What the edge knows of a request and tells the upstream. */
export type Origin = { clientAddress: string; requestId: string; proto: "https" | "http" }

const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
]
const requestDropped = new Set([...hopByHop, "content-length", "host", "http2-settings", "forwarded", "x-real-ip", "x-request-id"])
const responseDropped = new Set([...hopByHop, "content-length", "x-request-id"])
const trailerDropped = new Set(
  [
    "trailer authorization cookie set-cookie expect range max-forwards cache-control content-type content-encoding content-range",
    "www-authenticate location age date expires vary",
  ].flatMap((names) => names.split(" ")),
)

function isRequestDropped(name: string): boolean {
  if (requestDropped.has(name) || name.startsWith("x-forwarded-")) return true
  // Some servers read `x_forwarded_for` as `X-Forwarded-For` (RFC 3875 section 4.1.18), so the variants of what we set go as well.
  if (!name.includes("_")) return false
  const dashed = name.replaceAll("_", "-")
  return requestDropped.has(dashed) || dashed.startsWith("x-forwarded-")
}

/** The lines of a head that go on, copied in runs: those named by `dropped` or by a Connection option stay behind (RFC 9110 section 7.6.1). */
function keptLines(text: string, fields: Field[], connection: string[], dropped: (name: string) => boolean): string {
  let out = ""
  let runStart = fields.length === 0 ? 0 : fields[0]!.start
  for (const field of fields) {
    if (!dropped(field.name) && (connection.length === 0 || !connection.includes(field.name))) continue
    if (field.start > runStart) out += text.slice(runStart, field.start)
    runStart = field.end
  }
  const end = fields.length === 0 ? 0 : fields[fields.length - 1]!.end
  return end > runStart ? out + text.slice(runStart, end) : out
}

/** The protocol that a request asks to change to, or undefined; `h2c` is never offered on, since it would carry requests past the edge unseen. */
export function upgradeProtocol(head: RequestHead): string | undefined {
  if (head.version === 0 || head.framing.kind !== "none" || !head.connection.includes("upgrade")) return undefined
  const fields = head.fields.filter((field) => field.name === "upgrade")
  const value = fields.length === 1 ? fields[0]!.value : ""
  return value === "" || /(?:^|[\s,])h2c/i.test(value) ? undefined : value
}

/** The head that the upstream gets. Host goes on unchanged; what the client claimed about itself is replaced by what the edge saw. */
export function requestHeadFor(head: RequestHead, origin: Origin, upgrade: string | undefined): string {
  let out = `${head.method} ${head.target} HTTP/1.1\r\nHost: ${head.authority}\r\n`
  out += keptLines(head.text, head.fields, head.connection, isRequestDropped)
  if (head.framing.kind === "chunked") out += "Transfer-Encoding: chunked\r\n"
  else if (head.framing.kind === "length") out += `Content-Length: ${head.framing.length}\r\n`
  else if (head.fields.some((field) => field.name === "content-length")) out += "Content-Length: 0\r\n"
  if (head.fields.some((field) => field.name === "te" && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(field.value)))
    out += "TE: trailers\r\nConnection: TE\r\n"
  if (upgrade !== undefined) out += `Upgrade: ${upgrade}\r\nConnection: Upgrade\r\n`
  return (
    out +
    `X-Forwarded-For: ${origin.clientAddress}\r\nX-Forwarded-Proto: ${origin.proto}\r\n` +
    `X-Forwarded-Host: ${head.authority}\r\nX-Request-ID: ${origin.requestId}\r\n\r\n`
  )
}

/** The head that the client gets; `close` announces that the connection ends with this response. */
export function responseHeadFor(
  head: ResponseHead,
  options: { requestId: string; chunked: boolean; close: boolean; upgrade: boolean },
): string {
  let out = `HTTP/1.1 ${head.status} ${head.reason}\r\n`
  out += keptLines(head.text, head.fields, head.connection, (name) => responseDropped.has(name))
  if (options.chunked) out += "Transfer-Encoding: chunked\r\n"
  else if (head.status >= 200 && head.status !== 204) {
    const length = head.fields.find((field) => field.name === "content-length")
    if (length) out += `Content-Length: ${length.value}\r\n`
  }
  if (options.upgrade) {
    for (const field of head.fields) if (field.name === "upgrade") out += `Upgrade: ${field.value}\r\n`
    out += "Connection: Upgrade\r\n"
  } else if (options.close) out += "Connection: close\r\n"
  return head.status < 200 && head.status !== 101 ? `${out}\r\n` : `${out}X-Request-ID: ${options.requestId}\r\n\r\n`
}

/** What follows the last chunk: trailers that may be passed on (RFC 9110 section 6.5.1), and the empty line. */
export function trailersOf(decoder: BodyDecoder): string {
  if (decoder.trailers.length === 0) return "\r\n"
  return `${keptLines(decoder.trailerText, decoder.trailers, [], (name) => trailerDropped.has(name) || isRequestDropped(name))}\r\n`
}
