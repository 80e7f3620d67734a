import type { HeaderField } from "./hpack-table"

const NAME = 1
const TOKEN = 2
const VALUE = 4
const PATH = 8
const AUTHORITY = 16
const classes = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) {
  if ((byte >= 32 && byte !== 127) || byte === 9) classes[byte]! |= VALUE
  if (byte > 32 && byte < 127 && byte !== 35) classes[byte]! |= PATH
  if (byte > 32 && byte < 127 && !'"#/<>?@\\^`{|}'.includes(String.fromCharCode(byte))) classes[byte]! |= AUTHORITY
}
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") classes[char.charCodeAt(0)]! |= NAME | TOKEN
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") classes[char.charCodeAt(0)]! |= TOKEN

const COLON = 58
const SCHEME = /^[a-z][a-z0-9+.-]*$/
const STATUS = /^[1-5][0-9]{2}$/
const LENGTH = /^[0-9]{1,15}$/
/** Most fields whose verdict is remembered, by their place in the head, and the longest value: what is remembered is kept in memory. */
const REMEMBERED = 32
const REMEMBERED_BYTES = 256

/**
 * Whether heads and trailers are well-formed (RFC 9113 sections 8.1 to 8.3, RFC 8441 section 4). A check answers whether they are, leaves the
 * rule that was broken in `fault`, and what it found in the other properties. One instance a session: fields that the HPACK table shares
 * between heads are scanned once as long as they keep their place.
 */
export class HeaderRules {
  fault = ""
  /** Declared by the last head checked; -1 when it declared none, or when it means nothing there (CONNECT). */
  contentLength = -1
  /** Of the last response head checked. */
  status = 0
  private method: string | undefined
  private scheme: string | undefined
  private authority: string | undefined
  private path: string | undefined
  private protocol: string | undefined
  private statusText: string | undefined
  private host: string | undefined
  private readonly plain: (HeaderField | undefined)[] = []

  /** A request head: the pseudo fields of its kind, all before the others, each once. */
  request(fields: readonly HeaderField[]): boolean {
    if (!this.scan(fields, true)) return false
    const { method, scheme, authority, path, protocol, host } = this
    if (this.statusText !== undefined) return this.no("a request has no :status")
    if (method === undefined || !matches(method, TOKEN)) return this.no("the :method is missing or no token")
    if (authority !== undefined && !matches(authority, AUTHORITY)) return this.no("the :authority is malformed")
    if (method === "CONNECT" && protocol === undefined) {
      if (authority === undefined || scheme !== undefined || path !== undefined) return this.no("CONNECT has :authority alone")
      this.contentLength = -1
      return true
    }
    if (protocol !== undefined) {
      if (method !== "CONNECT" || authority === undefined || !matches(protocol, TOKEN)) return this.no("the :protocol is out of place")
      this.contentLength = -1
    }
    if (scheme === undefined || (scheme !== "https" && scheme !== "http" && !SCHEME.test(scheme)))
      return this.no("the :scheme is missing or malformed")
    if (path === undefined || !matches(path, PATH)) return this.no("the :path is missing or malformed")
    if (path.charCodeAt(0) !== 47 && !(path === "*" && method === "OPTIONS")) return this.no("the :path does not begin with a slash")
    if (host !== undefined && authority !== undefined && host !== authority && host.toLowerCase() !== authority.toLowerCase()) {
      return this.no("the Host field and the :authority differ")
    }
    return true
  }

  /** A response head, interim or final. */
  response(fields: readonly HeaderField[], ended: boolean): boolean {
    if (!this.scan(fields, true)) return false
    const status = this.statusText
    if (status === undefined || !STATUS.test(status)) return this.no("the :status is missing or not three digits")
    if ((this.method ?? this.scheme ?? this.authority ?? this.path ?? this.protocol) !== undefined) {
      return this.no("a response has no pseudo field but :status")
    }
    this.status = Number(status)
    if (this.status === 101) return this.no("there is no 101 in HTTP/2")
    if (this.status < 200 && ended) return this.no("an interim response does not end the stream")
    return true
  }

  /** Trailers: no pseudo fields, and nothing that frames a message. */
  trailers(fields: readonly HeaderField[]): boolean {
    if (!this.scan(fields, false)) return false
    if (this.contentLength >= 0) return this.no("a content-length stands in the trailers")
    if (this.host !== undefined) return this.no("a host stands in the trailers")
    return true
  }

  private no(rule: string): false {
    this.fault = rule
    return false
  }

  private scan(fields: readonly HeaderField[], pseudoAllowed: boolean): boolean {
    this.fault = ""
    this.contentLength = -1
    this.method = this.scheme = this.authority = this.path = this.protocol = this.statusText = this.host = undefined
    let mayBePseudo = pseudoAllowed
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!
      if (field.name.charCodeAt(0) === COLON) {
        if (!mayBePseudo)
          return this.no(pseudoAllowed ? "a pseudo field stands after another field" : "a pseudo field stands in the trailers")
        if (!this.pseudo(field)) return false
        continue
      }
      mayBePseudo = false
      if (field === this.plain[i]) continue
      if (!isValidName(field.name)) return this.no("a field's name is not a token in lower case")
      if (!isValidValue(field.value)) return this.no("a field's value has a control character or surrounding blanks")
      if (!this.meaning(field)) {
        if (this.fault !== "") return false
      } else if (i < REMEMBERED && field.value.length <= REMEMBERED_BYTES) {
        this.plain[i] = field
      }
    }
    return true
  }

  private pseudo(field: HeaderField): boolean {
    const value = field.value
    switch (field.name) {
      case ":method":
        if (this.method !== undefined) return this.no("the :method is repeated")
        this.method = value
        return true
      case ":scheme":
        if (this.scheme !== undefined) return this.no("the :scheme is repeated")
        this.scheme = value
        return true
      case ":authority":
        if (this.authority !== undefined) return this.no("the :authority is repeated")
        this.authority = value
        return true
      case ":path":
        if (this.path !== undefined) return this.no("the :path is repeated")
        this.path = value
        return true
      case ":protocol":
        if (this.protocol !== undefined) return this.no("the :protocol is repeated")
        this.protocol = value
        return true
      case ":status":
        if (this.statusText !== undefined) return this.no("the :status is repeated")
        this.statusText = value
        return true
      default:
        return this.no("a pseudo field is unknown")
    }
  }

  /** Looks at fields that mean something to the message's framing; true when the field is a plain one. False without a fault: a good one of those. */
  private meaning(field: HeaderField): boolean {
    switch (field.name) {
      case "connection":
      case "keep-alive":
      case "proxy-connection":
      case "transfer-encoding":
      case "upgrade":
        return this.no(`${field.name} belongs to HTTP/1`)
      case "te":
        return field.value.toLowerCase() === "trailers" ? true : this.no("te may only say trailers")
      case "content-length": {
        if (!LENGTH.test(field.value)) return this.no("the content-length is not a number")
        const length = Number(field.value)
        if (this.contentLength >= 0 && this.contentLength !== length) return this.no("there are two content-lengths")
        this.contentLength = length
        return false
      }
      case "host":
        if (this.host !== undefined) return this.no("the host is repeated")
        this.host = field.value
        return false
      default:
        return true
    }
  }
}

function matches(text: string, kind: number): boolean {
  for (let i = 0; i < text.length; i++) if ((classes[text.charCodeAt(i)]! & kind) === 0) return false
  return text.length > 0
}

const isValidName = (name: string) => matches(name, NAME)

function isValidValue(value: string): boolean {
  const length = value.length
  for (let i = 0; i < length; i++) if ((classes[value.charCodeAt(i)]! & VALUE) === 0) return false
  return length === 0 || (!isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(length - 1)))
}

const isBlank = (byte: number) => byte === 32 || byte === 9
