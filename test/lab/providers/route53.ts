import { createHash, createHmac } from "node:crypto"
import { XMLParser } from "fast-xml-parser"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { unquoteText, quoteText, zoneFileValue } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { type HttpStandIn, Refusal, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// Route 53 as its API reference documents version 2013-04-01: requests signed with Signature Version 4 (checked here by a calculation of its own),
// XML both ways, names with a trailing dot and `*` as \052, lists in the order of reversed labels, batches that are done as a whole.

const namespace = "https://route53.amazonaws.com/doc/2013-04-01/"
const maxClockSkewMs = 300_000
const zonesAPage = 100
const setsAPage = 300

/** The id that the stand-in gives a zone. */
export const route53ZoneId = (name: string) => `Z${createHash("sha256").update(name).digest("hex").slice(0, 20).toUpperCase()}`

export type Route53StandIn = HttpStandIn & {
  /** Sets that no zone file can hold, as XML inside `ResourceRecordSet` after its name and type. */
  special: { zone: string; name: string; type: string; xml: string }[]
  /** Further hosted zones, such as private ones. */
  furtherZones: { id: string; name: string; isPrivate: boolean }[]
}

export async function startRoute53({ server, zones, foreignZones, credential }: StandInWorld): Promise<Route53StandIn> {
  const [accessKeyId = "", secretAccessKey = ""] = credential.split(":")
  const special: Route53StandIn["special"] = []
  const furtherZones: Route53StandIn["furtherZones"] = []
  const owned = () => [...zones.map((name) => ({ id: route53ZoneId(name), name, isPrivate: false })), ...furtherZones]

  const answer = async (call: StandInCall): Promise<Response> => {
    authenticate(call, accessKeyId, secretAccessKey)
    const [version, word, id, last, ...rest] = call.path.split("/").slice(1)
    if (version !== "2013-04-01" || rest.length > 0) throw fault(404, "UnknownOperationException", "")
    if (word === "hostedzonesbyname" && call.method === "GET") return listZones(call.query)
    if (word !== "hostedzone" || id === undefined) throw fault(404, "UnknownOperationException", "")
    const zone = owned().find((candidate) => candidate.id === id)?.name
    if (zone === undefined) {
      if (foreignZones.some((name) => route53ZoneId(name) === id)) {
        throw fault(
          403,
          "AccessDenied",
          `User: arn:aws:iam::123456789012:user/dns is not authorized to perform: route53 on hostedzone/${id}`,
        )
      }
      throw fault(404, "NoSuchHostedZone", `No hosted zone found with ID: ${id}`)
    }
    if (last === undefined && call.method === "GET") return showZone(id, zone)
    if (last === "rrset" && call.method === "GET") return listSets(zone, call.query)
    if (last !== "rrset" || call.method !== "POST") throw fault(404, "UnknownOperationException", "")
    await change(zone, call.body)
    return xml(200, "ChangeResourceRecordSetsResponse", `<ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status></ChangeInfo>`)
  }

  const listZones = (query: URLSearchParams) => {
    const all = owned().sort((a, b) => compare(sortKey(a.name), sortKey(b.name)) || compare(a.id, b.id))
    const name = query.get("dnsname")
    const id = query.get("hostedzoneid")
    if (id !== null && name === null) throw fault(400, "InvalidInput", "hostedzoneid requires dnsname")
    const from = name === null ? 0 : all.findIndex((zone) => compareStart(zone.name, zone.id, plain(name), id ?? "") >= 0)
    const rest = from < 0 ? [] : all.slice(from)
    const most = Math.min(zonesAPage, Number(query.get("maxitems") ?? zonesAPage))
    const next = rest[most]
    const shown = rest.slice(0, most).map(({ id, name, isPrivate }) => zoneElement(id, name, isPrivate))
    const more = next ? `<NextDNSName>${escaped(next.name)}.</NextDNSName><NextHostedZoneId>${next.id}</NextHostedZoneId>` : ""
    return xml(
      200,
      "ListHostedZonesByNameResponse",
      `<HostedZones>${shown.join("")}</HostedZones><IsTruncated>${next !== undefined}</IsTruncated>${more}<MaxItems>${most}</MaxItems>`,
    )
  }

  const showZone = (id: string, name: string) => {
    const servers = ["ns-1.awsdns-01.org", "ns-2.awsdns-02.co.uk"].map((server) => `<NameServer>${server}</NameServer>`).join("")
    const set = `<DelegationSet><NameServers>${servers}</NameServers></DelegationSet>`
    return xml(200, "GetHostedZoneResponse", `${zoneElement(id, name, false)}${set}`)
  }

  const listSets = async (zone: string, query: URLSearchParams) => {
    const records = (await server.sets(zone)).map((set) => ({ name: set.name, type: set.type as string, xml: recordsElement(set) }))
    const fixed = ["NS", "SOA"].map((type) => ({ name: zone, type, xml: "<TTL>900</TTL>" }))
    const all = [...records, ...fixed, ...special.filter((set) => set.zone === zone)].sort(
      (a, b) => compare(sortKey(a.name), sortKey(b.name)) || compare(a.type, b.type),
    )
    const name = query.get("name")
    const type = query.get("type")
    if (type !== null && name === null) throw fault(400, "InvalidInput", "The type parameter requires the name parameter")
    const from = name === null ? 0 : all.findIndex((set) => compareStart(set.name, set.type, plain(name), type ?? "") >= 0)
    const rest = from < 0 ? [] : all.slice(from)
    const most = Math.min(setsAPage, Number(query.get("maxitems") ?? setsAPage))
    const next = rest[most]
    const shown = rest.slice(0, most).map((set) => {
      return `<ResourceRecordSet><Name>${escaped(set.name)}.</Name><Type>${set.type}</Type>${set.xml}</ResourceRecordSet>`
    })
    const more = next ? `<NextRecordName>${escaped(next.name)}.</NextRecordName><NextRecordType>${next.type}</NextRecordType>` : ""
    const truncated = `<IsTruncated>${next !== undefined}</IsTruncated>`
    return xml(
      200,
      "ListResourceRecordSetsResponse",
      `<ResourceRecordSets>${shown.join("")}</ResourceRecordSets>${truncated}${more}<MaxItems>${most}</MaxItems>`,
    )
  }

  const change = (zone: string, body: string) =>
    server
      .change(zone, (present) => {
        const sets = new Map(present.map((set) => [`${set.name} ${set.type}`, set]))
        for (const { action, set } of parseBatch(body, zone)) {
          const there = sets.get(`${set.name} ${set.type}`)
          const shown = `[name='${set.name}.', type='${set.type}']`
          if (action === "CREATE" && there) throw batchFault(`Tried to create resource record set ${shown} but it already exists`)
          if (action === "DELETE") {
            if (!there) throw batchFault(`Tried to delete resource record set ${shown} but it was not found`)
            const same = (one: RecordSet) => JSON.stringify([one.ttlSeconds, [...one.values].sort()])
            if (same(there) !== same(set)) {
              throw batchFault(`Tried to delete resource record set ${shown} but the values provided do not match the current values`)
            }
          }
          sets.set(`${set.name} ${set.type}`, action === "DELETE" ? { ...set, values: [] } : set)
          // Each change is checked against what the ones before it left.
          const alias = sets.get(`${set.name} CNAME`)
          const other = [...sets.values()].find(({ name, type, values }) => name === set.name && type !== "CNAME" && values.length > 0)
          if (alias && alias.values.length > 0 && other) {
            const [refused, standing] = set.type === "CNAME" ? ["CNAME", other.type] : [set.type, "CNAME"]
            throw batchFault(
              `RRSet of type ${refused} with DNS name ${set.name}. is not permitted because a conflicting RRSet of type ${standing} with the same DNS name already exists in zone ${zone}.`,
            )
          }
        }
        return [...sets.values()].filter((set) => !present.includes(set))
      })
      .catch((error: unknown) => {
        throw error instanceof RecordConflict ? batchFault(error.message) : error
      })

  const standIn = await startStandIn({
    answer,
    denied: () => fault(403, "InvalidClientTokenId", "The security token included in the request is invalid.").response,
    // With status 400, and without a word on when to come back.
    rateLimited: () => fault(400, "Throttling", "Rate exceeded").response,
    serverError: () => fault(500, "InternalFailure", "We encountered an internal error. Please try again.").response,
  })
  return { ...standIn, special, furtherZones }
}

function authenticate(call: StandInCall, accessKeyId: string, secretAccessKey: string): void {
  const header = call.headers.get("authorization")
  if (header === null) throw fault(403, "MissingAuthenticationToken", "Missing Authentication Token")
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(header)
  const [, key = "", scope = "", signedHeaders = "", signature] = match ?? []
  const moment = call.headers.get("x-amz-date") ?? ""
  if (!match) throw fault(400, "IncompleteSignature", "Authorization header is not complete")
  if (key !== accessKeyId) throw fault(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
  const [day = "", region = "", service = "", end = ""] = scope.split("/")
  if (region !== "us-east-1" || service !== "route53" || end !== "aws4_request" || day !== moment.slice(0, 8)) {
    throw fault(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not another.")
  }
  const [, year, month, date, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(moment) ?? []
  const age = Date.now() - Date.parse(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`)
  if (!(Math.abs(age) < maxClockSkewMs)) throw fault(403, "SignatureDoesNotMatch", `Signature expired: ${moment} is now earlier`)
  const names = signedHeaders.split(";")
  if (!names.includes("host") || !names.includes("x-amz-date"))
    throw fault(403, "SignatureDoesNotMatch", "host and x-amz-date must be signed")
  const query = [...call.query].map((pair) => pair.map(uriEncoded)).sort(([a = ""], [b = ""]) => compare(a, b))
  const canonical = [
    call.method,
    call.path.split("/").map(uriEncoded).join("/"),
    query.map((pair) => pair.join("=")).join("&"),
    ...names.map((name) => `${name}:${call.headers.get(name) ?? ""}`),
    "",
    signedHeaders,
    createHash("sha256").update(call.body).digest("hex"),
  ].join("\n")
  const text = ["AWS4-HMAC-SHA256", moment, scope, createHash("sha256").update(canonical).digest("hex")].join("\n")
  const hmac = (by: string | Buffer, value: string) => createHmac("sha256", by).update(value).digest()
  const signingKey = [day, region, service, end].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  if (hmac(signingKey, text).toString("hex") !== signature) {
    throw fault(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
  }
}

const parser = new XMLParser({ parseTagValue: false, trimValues: false, isArray: (name) => name === "Change" || name === "ResourceRecord" })

type Element = Record<string, unknown>

function parseBatch(body: string, zone: string): { action: string; set: RecordSet }[] {
  const root = (parser.parse(body) as Element).ChangeResourceRecordSetsRequest as Element | undefined
  const changes = ((root?.ChangeBatch as Element | undefined)?.Changes as Element | undefined)?.Change as Element[] | undefined
  if (changes === undefined || changes.length === 0) throw fault(400, "InvalidInput", "The request body is not valid")
  return changes.map((change) => {
    const set = change.ResourceRecordSet as Element
    const type = String(set.Type) as RecordSetType
    const name = plain(String(set.Name))
    const records = ((set.ResourceRecords as Element | undefined)?.ResourceRecord ?? []) as Element[]
    const ttlSeconds = Number(set.TTL)
    if (name !== zone && !name.endsWith(`.${zone}`)) throw batchFault(`RRSet with DNS name ${name}. is not permitted in zone ${zone}.`)
    if (!(ttlSeconds >= 0 && ttlSeconds <= 2_147_483_647) || records.length === 0) throw fault(400, "InvalidInput", "Invalid XML")
    return {
      action: String(change.Action),
      set: { name, type, ttlSeconds, values: records.map(({ Value }) => parseValue(type, String(Value))) },
    }
  })
}

function parseValue(type: RecordSetType, value: string): string {
  if (type !== "TXT") return type === "CAA" ? value : value.replace(/\.$/, "").toLowerCase()
  const strings = [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([quoted]) => quoted)
  const bad = (what: string) => batchFault(`Invalid Resource Record: FATAL problem: ${what} encountered with '${value}'`)
  if (strings.length === 0 || strings.join(" ") !== value) throw bad("InvalidCharacterString (Value should be enclosed in quotation marks)")
  if (strings.some((string) => Buffer.byteLength(unquoteText(string, 8)) > 255)) throw bad("CharacterStringTooLong (Value is too long)")
  return unquoteText(value, 8)
}

function recordsElement({ type, ttlSeconds, values }: RecordSet): string {
  const records = values.map(
    (value) =>
      `<ResourceRecord><Value>${inXml(type === "TXT" ? quoteText(value, 8) : zoneFileValue(type, value))}</Value></ResourceRecord>`,
  )
  return `<TTL>${ttlSeconds}</TTL><ResourceRecords>${records.join("")}</ResourceRecords>`
}

const zoneElement = (id: string, name: string, isPrivate: boolean) =>
  `<HostedZone><Id>/hostedzone/${id}</Id><Name>${escaped(name)}.</Name><CallerReference>x</CallerReference>` +
  `<Config><PrivateZone>${isPrivate}</PrivateZone></Config><ResourceRecordSetCount>3</ResourceRecordSetCount></HostedZone>`

const xml = (status: number, root: string, inside: string) =>
  new Response(`<?xml version="1.0"?>\n<${root} xmlns="${namespace}">${inside}</${root}>`, {
    status,
    headers: { "content-type": "text/xml" },
  })

const fault = (status: number, code: string, message: string) =>
  new Refusal(
    xml(
      status,
      "ErrorResponse",
      `<Error><Type>Sender</Type><Code>${code}</Code><Message>${inXml(message)}</Message></Error><RequestId>1</RequestId>`,
    ),
  )

const batchFault = (message: string) =>
  new Refusal(xml(400, "InvalidChangeBatch", `<Messages><Message>${inXml(message)}</Message></Messages><RequestId>1</RequestId>`))

const inXml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** A name as the API shows it: whatever is no letter, digit, hyphen, underscore or dot in octal. */
const escaped = (name: string) => name.replace(/[^a-z0-9._-]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`)

const plain = (name: string) =>
  name
    .toLowerCase()
    .replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
    .replace(/\.$/, "")

const sortKey = (name: string) => `${escaped(name).split(".").reverse().join(".")}.`

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

const compareStart = (name: string, second: string, fromName: string, fromSecond: string) =>
  compare(sortKey(name), sortKey(fromName)) || compare(second, fromSecond)

const uriEncoded = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
