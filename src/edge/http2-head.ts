import { createHash, randomBytes } from "node:crypto"
import { STATUS_CODES } from "node:http"
import { type Framing, measuredFraming } from "./body-framing"
import { MessageError } from "./field-lines"
import { FieldName, requestDropped, responseDropped, unmeasuredResponseDropped } from "./field-name"
import { FieldList } from "./fields"
import { takesTrailers } from "./forwarded-head"
import type { Origin } from "./origin"
import type { HeaderField } from "./http2/hpack-table"
import type { RequestHead } from "./request-head"
import type { ResponseHead } from "./response-head"
import { parseAuthority } from "./server-name"

/** A request of HTTP/2. `websocketKey` is there when it is an extended CONNECT (RFC 8441), which is a GET with this key to everybody behind us. */
export type Http2RequestHead = RequestHead & { websocketKey: string | undefined }

const NONE: Framing = { kind: "none" }
const UNMEASURED: Framing = { kind: "chunked" }
const NO_OPTIONS: readonly string[] = []
const NO_LENGTH: HeaderField = { name: "content-length", value: "0" }
const COLON = 58
/** RFC 6455 section 1.3. */
const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/** The hosts of the authorities of one connection, which are nearly always the same. */
export class AuthorityMemo {
  private authority: string | undefined
  private host: string | undefined

  /** Canonical, or undefined where it is missing or malformed. */
  hostOf(authority: string | undefined): string | undefined {
    if (authority === undefined || authority === this.authority) return authority && this.host
    this.authority = authority
    return (this.host = parseAuthority(authority))
  }
}

/**
 * The request that a head of HTTP/2 stands for; how its fields must stand is the session's matter (RFC 9113 section 8.3). Throws MessageError
 * for one that may not be relayed.
 */
export function requestOf(fields: readonly HeaderField[], ended: boolean, targetBytes: number, hosts: AuthorityMemo): Http2RequestHead {
  let method = ""
  let target = ""
  let named: string | undefined
  let protocol: string | undefined
  let count = 0
  for (; count < fields.length; count++) {
    const { name, value } = fields[count]!
    if (name.charCodeAt(0) !== COLON) break
    if (name === ":method") method = value
    else if (name === ":path") target = value
    else if (name === ":authority") named = value
    else if (name === ":protocol") protocol = value
  }
  const websocketKey = protocol === undefined ? undefined : randomBytes(16).toString("base64")
  if (protocol === undefined ? method === "CONNECT" || method === "TRACE" : protocol !== "websocket") {
    throw new MessageError(405, `${protocol ?? method} is not allowed here`)
  }
  if (target.length > targetBytes) throw new MessageError(414, "the request target is too long")
  const plain = websocketKey === undefined ? plainFields(fields, count, ended, method) : websocketFields(fields, count, websocketKey)
  const authority = named ?? plain.single(FieldName.Host)
  const host = hosts.hostOf(authority)
  if (authority === undefined || host === undefined) throw new MessageError(400, "the :authority is missing or malformed")
  return {
    method: websocketKey === undefined ? method : "GET",
    target,
    version: 2,
    host,
    authority,
    fields: plain,
    connection: NO_OPTIONS,
    framing: ended || websocketKey !== undefined ? NONE : framingOf(plain),
    end: 0,
    websocketKey,
  }
}

/** That there is no body is plain in HTTP/2; in HTTP/1 a server may want to be told so where one is usual (RFC 9110 section 8.6). */
function plainFields(fields: readonly HeaderField[], from: number, ended: boolean, method: string): FieldList {
  const plain = new FieldList(fields, from)
  if (!ended || !(method === "POST" || method === "PUT" || method === "PATCH")) return plain
  return plain.single(FieldName.ContentLength) === undefined ? new FieldList([...fields, NO_LENGTH], from) : plain
}

/** RFC 8441 section 5 leaves out what RFC 6455 section 4.1 demands of HTTP/1.1. */
function websocketFields(fields: readonly HeaderField[], from: number, key: string): FieldList {
  const kept = fields.slice(from).filter(({ name }) => name !== "sec-websocket-key" && name !== "content-length")
  return new FieldList([...kept, { name: "sec-websocket-key", value: key }])
}

/** The Sec-WebSocket-Accept that answers a key (RFC 6455 section 4.2.2). */
export const websocketAccept = (key: string) => createHash("sha1").update(`${key}${WEBSOCKET_GUID}`).digest("base64")

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

/** The response that a head of HTTP/2 stands for, to a request of this method. Throws MessageError. */
export function responseOf(fields: readonly HeaderField[], method: string): ResponseHead {
  // The session has seen to it that a response begins with its :status, and has no other pseudo field.
  const status = Number(fields[0]!.value)
  const plain = new FieldList(fields, 1)
  const bodiless = method === "HEAD" || status < 200 || status === 204 || status === 304
  // One that ends with its head is unmeasured too, unless it says so: HTTP/1 must not wait for a close.
  const framing = bodiless ? NONE : framingOf(plain)
  return { status, reason: STATUS_CODES[status] ?? "", version: 2, fields: plain, connection: NO_OPTIONS, framing, end: 0 }
}

function framingOf(fields: FieldList): Framing {
  const length = fields.single(FieldName.ContentLength)
  return length === undefined ? UNMEASURED : measuredFraming(length)
}

/** The head that a client of HTTP/2 gets for a response. */
export function responseFieldsFor(head: ResponseHead, requestId: string): HeaderField[] {
  const { status, framing } = head
  const list: HeaderField[] = [{ name: ":status", value: status === 200 ? "200" : String(status) }]
  const measured = status >= 200 && status !== 204 && (framing.kind === "length" || framing.kind === "none")
  head.fields.appendTo(list, measured ? responseDropped : unmeasuredResponseDropped, head.connection)
  if (head.announced !== undefined) list.push({ name: "content-length", value: String(head.announced) })
  if (status >= 200) list.push({ name: "x-request-id", value: requestId })
  return list
}
