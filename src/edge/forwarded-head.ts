import { FieldName, requestDropped, responseDropped, unexpectingRequestDropped, unmeasuredResponseDropped } from "./field-name"
import type { Origin } from "./origin"
import type { Outbox } from "./outbox"
import type { RequestHead } from "./request-head"
import type { ResponseHead } from "./response-head"

/** Names with or without a version, in a list (RFC 9110 section 7.8). */
const PROTOCOLS = /^[\w!#$%&'*+.^`|~-]+(?:\/[\w!#$%&'*+.^`|~-]+)?(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+(?:\/[\w!#$%&'*+.^`|~-]+)?)*$/

/** The protocol that a request asks to change to, or undefined; `h2c` is never offered on, since it would carry requests past the edge unseen. */
export function upgradeProtocol(head: RequestHead): string | undefined {
  if (head.version !== 1 || head.framing.kind !== "none" || !head.connection.includes("upgrade")) return undefined
  const values = head.fields.all(FieldName.Upgrade)
  const value = values.length === 1 ? values[0]! : ""
  return PROTOCOLS.test(value) && !/h2c/i.test(value) ? value : undefined
}

/** Whether the client takes trailers (RFC 9110 section 10.1.4). */
export function takesTrailers(head: RequestHead): boolean {
  return head.fields.all(FieldName.Te).some((value) => /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value))
}

/** Writes the head that the upstream gets. Host goes on unchanged; what the client claimed about itself is replaced by what the edge saw. */
export function writeRequestHead(out: Outbox, head: RequestHead, origin: Origin, upgrade: string | undefined): void {
  const { fields, framing, authority } = head
  out.text(`${head.method} ${head.target} HTTP/1.1\r\nHost: ${authority}\r\n`)
  // Its letters may be small or large (RFC 9110 section 10.1.1), but Bun knows the small ones only, and Amazon's SDK for Go writes "100-Continue".
  const [expectation, ...others] = fields.all(FieldName.Expect)
  const isLarge = others.length === 0 && expectation !== "100-continue" && expectation?.toLowerCase() === "100-continue"
  fields.writeTo(out, isLarge ? unexpectingRequestDropped : requestDropped, head.connection)
  if (isLarge) out.text("Expect: 100-continue\r\n")
  if (framing.kind === "chunked") out.text("Transfer-Encoding: chunked\r\n")
  else if (framing.kind === "length") out.text(`Content-Length: ${framing.length}\r\n`)
  else if (fields.single(FieldName.ContentLength) !== undefined) out.text("Content-Length: 0\r\n")
  if (takesTrailers(head)) out.text("TE: trailers\r\nConnection: TE\r\n")
  if (upgrade !== undefined) out.text(`Upgrade: ${upgrade}\r\nConnection: Upgrade\r\n`)
  out.text(
    `X-Forwarded-For: ${origin.clientAddress}\r\nX-Forwarded-Proto: ${origin.proto}\r\n` +
      `X-Forwarded-Host: ${authority}\r\nX-Request-ID: ${origin.requestId}\r\n\r\n`,
  )
}

/** Writes the head that a client of HTTP/1 gets; `close` announces that the connection ends with this response. */
export function writeResponseHead(
  out: Outbox,
  head: ResponseHead,
  options: { requestId: string; chunked: boolean; close: boolean; upgrade: boolean },
): void {
  const { status, fields } = head
  out.text(`HTTP/1.1 ${status} ${head.reason}\r\n`)
  const measured = !options.chunked && status >= 200 && status !== 204
  // A length with odd blanks around it is written anew, since not everybody reads it.
  const tidy = measured && head.announced === undefined && fields.isTidy(FieldName.ContentLength)
  fields.writeTo(out, tidy ? responseDropped : unmeasuredResponseDropped, head.connection)
  if (measured && !tidy) out.text(`Content-Length: ${head.announced ?? fields.single(FieldName.ContentLength)}\r\n`)
  if (options.chunked) out.text("Transfer-Encoding: chunked\r\n")
  if (options.upgrade) {
    for (const value of fields.all(FieldName.Upgrade)) out.text(`Upgrade: ${value}\r\n`)
    out.text("Connection: Upgrade\r\n")
  } else if (options.close) out.text("Connection: close\r\n")
  out.text(status < 200 && status !== 101 ? "\r\n" : `X-Request-ID: ${options.requestId}\r\n\r\n`)
}
