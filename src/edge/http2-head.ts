import { STATUS_CODES } from "node:http"
import { type Framing, measuredFraming } from "./body-framing"
import { MessageError } from "./field-lines"
import { FieldName, requestDropped, responseDropped, unmeasuredResponseDropped } from "./field-name"
import { FieldList } from "./fields"
import { type Origin, takesTrailers } from "./forwarded-head"
import type { HeaderField } from "./http2/hpack-table"
import type { RequestHead } from "./request-head"
import type { ResponseHead } from "./response-head"
import { parseAuthority } from "./server-name"

const NONE: Framing = { kind: "none" }
const UNMEASURED: Framing = { kind: "chunked" }
const NO_OPTIONS: readonly string[] = []

/** Name and value of each pseudo field; how they must stand is the session's matter (RFC 9113 section 8.3). */
function split(fields: readonly HeaderField[]): { pseudo: Record<string, string>; plain: FieldList } {
  const pseudo: Record<string, string> = {}
  let count = 0
  for (; count < fields.length && fields[count]!.name.charCodeAt(0) === 58; count++) pseudo[fields[count]!.name] = fields[count]!.value
  return { pseudo, plain: new FieldList(fields.slice(count)) }
}

/**
 * The request that a head of HTTP/2 stands for. `upgrade` is the protocol of an extended CONNECT (RFC 8441), which is a GET to everybody behind
 * us. Throws MessageError for one that may not be relayed.
 */
export function requestOf(fields: readonly HeaderField[], ended: boolean): RequestHead & { upgrade: string | undefined } {
  const { pseudo, plain } = split(fields)
  const upgrade = pseudo[":protocol"]
  const method = upgrade === undefined ? pseudo[":method"]! : "GET"
  if (method === "CONNECT" || method === "TRACE") throw new MessageError(405, `${method} is not allowed here`)
  if (upgrade !== undefined && upgrade !== "websocket") throw new MessageError(400, "the only protocol to change to is websocket")
  const target = pseudo[":path"]!
  const authority = pseudo[":authority"] ?? plain.single(FieldName.Host)
  const host = authority === undefined ? undefined : parseAuthority(authority)
  if (authority === undefined || host === undefined) throw new MessageError(400, "the :authority is missing or malformed")
  const length = plain.single(FieldName.ContentLength)
  const framing = ended || upgrade !== undefined ? NONE : length === undefined ? UNMEASURED : measuredFraming(length)
  return { method, target, version: 2, host, authority, fields: plain, connection: NO_OPTIONS, framing, end: 0, upgrade }
}

/** The head that an upstream of HTTP/2 gets for a request. */
export function requestFieldsFor(head: RequestHead, origin: Origin): HeaderField[] {
  const list: HeaderField[] = [
    { name: ":method", value: head.method },
    // The connection to the upstream is in clear.
    { name: ":scheme", value: "http" },
    { name: ":authority", value: head.authority },
    { name: ":path", value: head.target },
  ]
  head.fields.appendTo(list, requestDropped, head.connection)
  if (head.framing.kind === "length") list.push({ name: "content-length", value: String(head.framing.length) })
  if (takesTrailers(head)) list.push({ name: "te", value: "trailers" })
  list.push(
    { name: "x-forwarded-for", value: origin.clientAddress },
    { name: "x-forwarded-proto", value: origin.proto },
    { name: "x-forwarded-host", value: head.authority },
    { name: "x-request-id", value: origin.requestId },
  )
  return list
}

/** The response that a head of HTTP/2 stands for, to a request of this method. */
export function responseOf(fields: readonly HeaderField[], ended: boolean, method: string): ResponseHead {
  const { pseudo, plain } = split(fields)
  const status = Number(pseudo[":status"])
  const length = plain.single(FieldName.ContentLength)
  const bodiless = ended || method === "HEAD" || status < 200 || status === 204 || status === 304
  const framing = bodiless ? NONE : length === undefined ? UNMEASURED : measuredFraming(length)
  return { status, reason: STATUS_CODES[status] ?? "", version: 2, fields: plain, connection: NO_OPTIONS, framing, end: 0 }
}

/** The head that a client of HTTP/2 gets for a response. */
export function responseFieldsFor(head: ResponseHead, requestId: string): HeaderField[] {
  const { status, framing } = head
  const list: HeaderField[] = [{ name: ":status", value: statusText(status) }]
  const measured = status >= 200 && status !== 204 && (framing.kind === "length" || framing.kind === "none")
  head.fields.appendTo(list, measured ? responseDropped : unmeasuredResponseDropped, head.connection)
  if (status >= 200) list.push({ name: "x-request-id", value: requestId })
  return list
}

const statusText = (status: number) => (status === 200 ? "200" : String(status))
