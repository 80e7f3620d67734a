/** The header fields that the edge reads, writes or drops by name. `Variant` is a name that some servers would take for one of those it drops. */
export const enum FieldName {
  Other,
  Variant,
  Host,
  ContentLength,
  TransferEncoding,
  Connection,
  KeepAlive,
  ProxyConnection,
  ProxyAuthorization,
  ProxyAuthenticate,
  Te,
  Upgrade,
  Http2Settings,
  Forwarded,
  XForwardedFor,
  XForwardedProto,
  XForwardedOther,
  XRealIp,
  XRequestId,
  Accept,
  Expect,
  Cookie,
  OwnLength,
}

const names: [string, FieldName][] = [
  ["host", FieldName.Host],
  ["content-length", FieldName.ContentLength],
  ["transfer-encoding", FieldName.TransferEncoding],
  ["connection", FieldName.Connection],
  ["keep-alive", FieldName.KeepAlive],
  ["proxy-connection", FieldName.ProxyConnection],
  ["proxy-authorization", FieldName.ProxyAuthorization],
  ["proxy-authenticate", FieldName.ProxyAuthenticate],
  ["te", FieldName.Te],
  ["upgrade", FieldName.Upgrade],
  ["http2-settings", FieldName.Http2Settings],
  ["forwarded", FieldName.Forwarded],
  ["x-forwarded-for", FieldName.XForwardedFor],
  ["x-forwarded-proto", FieldName.XForwardedProto],
  ["x-real-ip", FieldName.XRealIp],
  ["x-request-id", FieldName.XRequestId],
  ["accept", FieldName.Accept],
  ["expect", FieldName.Expect],
  ["cookie", FieldName.Cookie],
  // What our own API sends beside a body of a known length that its server can only send in chunks.
  ["x-freehold-length", FieldName.OwnLength],
]

type Known = { bytes: Buffer; id: FieldName }

/** Length, first and last byte tell the known names apart well enough that one comparison settles it. */
const keyOf = (length: number, first: number, last: number) => (length << 16) | ((first | 32) << 8) | last | 32
const known = new Map<number, Known[]>()
for (const [name, id] of names) {
  const bytes = Buffer.from(name, "latin1")
  const key = keyOf(bytes.length, bytes[0]!, bytes[bytes.length - 1]!)
  known.set(key, [...(known.get(key) ?? []), { bytes, id }])
}
const forwardedPrefix = Buffer.from("x-forwarded-", "latin1")
const knownTexts = new Map(names)

/**
 * Which known name stands from `start` to `end`, whatever its case. Some servers read `x_forwarded_for` as `X-Forwarded-For` (RFC 3875
 * section 4.1.18), so a name that differs from a known one by underscores is a `Variant`.
 */
export function fieldNameOf(bytes: Uint8Array, start: number, end: number): FieldName {
  const candidates = known.get(keyOf(end - start, bytes[start]!, bytes[end - 1]!))
  if (candidates !== undefined) {
    for (const { bytes: wanted, id } of candidates) {
      const match = compare(bytes, start, wanted)
      if (match !== Match.No) return match === Match.Variant ? FieldName.Variant : id
    }
  }
  if ((bytes[start]! | 32) !== 120 || end - start <= forwardedPrefix.length) return FieldName.Other
  const match = compare(bytes, start, forwardedPrefix)
  if (match === Match.No) return FieldName.Other
  return match === Match.Variant ? FieldName.Variant : FieldName.XForwardedOther
}

/** The same for a name in lower case. */
export function fieldNameOfText(name: string): FieldName {
  const id = knownTexts.get(name)
  if (id !== undefined) return id
  if (!name.includes("_") && (name.charCodeAt(0) !== 120 || !name.startsWith("x-forwarded-"))) return FieldName.Other
  const bytes = Buffer.from(name, "latin1")
  return fieldNameOf(bytes, 0, bytes.length)
}

const enum Match {
  No,
  Exact,
  Variant,
}

function compare(bytes: Uint8Array, start: number, wanted: Uint8Array): Match {
  let match = Match.Exact
  for (let i = 0; i < wanted.length; i++) {
    const byte = bytes[start + i]!
    const expected = wanted[i]!
    if (byte === expected || (byte | 32) === expected) continue
    if (expected !== 45 || byte !== 95) return Match.No
    match = Match.Variant
  }
  return match
}

const set = (...ids: FieldName[]) => {
  const members = new Uint8Array(32)
  for (const id of ids) members[id] = 1
  return members
}

const hopByHop = [
  FieldName.Connection,
  FieldName.KeepAlive,
  FieldName.ProxyConnection,
  FieldName.Te,
  FieldName.TransferEncoding,
  FieldName.Upgrade,
  FieldName.ProxyAuthorization,
  FieldName.ProxyAuthenticate,
]

const requestDroppedIds = [
  ...hopByHop,
  FieldName.ContentLength,
  FieldName.Host,
  FieldName.Http2Settings,
  FieldName.Forwarded,
  FieldName.XForwardedFor,
  FieldName.XForwardedProto,
  FieldName.XForwardedOther,
  FieldName.XRealIp,
  FieldName.XRequestId,
  FieldName.Variant,
]

/** Which fields of a request stay behind: those of the connection (RFC 9110 section 7.6.1), the framing, and what only the edge may say of a client. */
export const requestDropped = set(...requestDroppedIds)

/** `requestDropped`, where the expectation is written anew. */
export const unexpectingRequestDropped = set(...requestDroppedIds, FieldName.Expect)

/** Which fields of a response stay behind; a Content-Length goes on where it is the framing. */
export const responseDropped = set(...hopByHop, FieldName.XRequestId, FieldName.OwnLength)

/** `responseDropped`, where the framing is another. */
export const unmeasuredResponseDropped = set(...hopByHop, FieldName.XRequestId, FieldName.OwnLength, FieldName.ContentLength)

/** Which known fields may not stand in trailers that are passed on (RFC 9110 section 6.5.1), with `trailerNamesDropped` beside it. */
export const trailerDropped = set(...requestDroppedIds, FieldName.Expect, FieldName.Cookie)

/** Names that change how a message is read, and so may not come after it. */
export const trailerNamesDropped: readonly string[] = [
  "trailer authorization set-cookie range max-forwards cache-control content-type content-encoding content-range",
  "www-authenticate location age date expires vary",
].flatMap((line) => line.split(" "))
