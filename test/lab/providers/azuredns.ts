import { createHash, randomBytes } from "node:crypto"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, type HttpStandIn, Refusal, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// Microsoft's token endpoint (client credentials, v2.0) and the DNS part of Azure Resource Manager, API 2018-05-01: zones in pages with a link to
// the next, record sets with an etag, each replaced as a whole, and errors in the two shapes that the real one has.

const zonesAPage = 100
const apiVersion = "2018-05-01"
/** What is allowed by default. */
const recordsASet = 20
const textOctets = 4096

type Fields = Record<string, unknown>
type Given = { tenant_id: string; client_id: string; client_secret: string; subscription_id: string; resource_group: string }

export type AzureDnsStandIn = HttpStandIn & {
  /** Takes all tokens back. */
  revokeTokens(): void
  /** Metadata of record sets, by name and type. */
  metadata: Map<string, unknown>
  /** Ids of the Azure resources that sets point to, by name and type. */
  aliases: Map<string, string>
}

export async function startAzureDns({ server, zones, foreignZones, credential }: StandInWorld): Promise<AzureDnsStandIn> {
  const account = JSON.parse(credential) as Given
  const tokens = new Set<string>()
  const metadata: AzureDnsStandIn["metadata"] = new Map()
  const aliases: AzureDnsStandIn["aliases"] = new Map()

  const grant = (call: StandInCall, tenant: string): Response => {
    const form = new URLSearchParams(call.body)
    if (tenant !== account.tenant_id) return grantFault(400, "invalid_request", `AADSTS90002: Tenant '${tenant}' not found.`)
    if (form.get("grant_type") !== "client_credentials") return grantFault(400, "unsupported_grant_type", "AADSTS70003: unsupported.")
    if (form.get("scope") !== "https://management.azure.com/.default")
      return grantFault(400, "invalid_scope", "AADSTS70011: invalid scope.")
    if (form.get("client_id") !== account.client_id) return grantFault(400, "unauthorized_client", "AADSTS700016: Application not found.")
    if (form.get("client_secret") !== account.client_secret) {
      return grantFault(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
    }
    const token = `eyJ0.${randomBytes(20).toString("base64url")}`
    tokens.add(token)
    return Response.json({ token_type: "Bearer", expires_in: 3599, ext_expires_in: 3599, access_token: token })
  }

  const answer = async (call: StandInCall): Promise<Response> => {
    const token = /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(call.path)
    if (token && call.method === "POST") return grant(call, token[1] ?? "")
    if (!tokens.has(call.headers.get("authorization")?.replace(/^Bearer /, "") ?? "")) return denied()
    if (call.query.get("api-version") === null) {
      return armFault(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
    }
    if (call.query.get("api-version") !== apiVersion) return armFault(400, "InvalidResourceType", "No such API version.")
    const prefix = `/subscriptions/${account.subscription_id}/resourceGroups/${account.resource_group}/providers/Microsoft.Network/dnsZones`
    if (call.path !== prefix && !call.path.startsWith(`${prefix}/`)) {
      const words = `The client '${account.client_id}' does not have authorization to perform action 'Microsoft.Network/dnsZones/read' over this scope.`
      return armFault(403, "AuthorizationFailed", words)
    }
    const [zone, type, relative, ...rest] = call.path.slice(prefix.length + 1).split("/")
    if (!zone) return listZones(call, prefix)
    if (foreignZones.includes(zone)) return armFault(403, "AuthorizationFailed", "The client does not have authorization over this scope.")
    if (!zones.includes(zone))
      return armFault(
        404,
        "ParentResourceNotFound",
        `Can not perform requested operation on nested resource. Parent resource '${zone}' not found.`,
      )
    const known = ["A", "AAAA", "CNAME", "TXT", "MX", "CAA", "SRV"].includes(type ?? "")
    if (!known || !relative || rest.length > 0) return armFault(404, "InvalidResourceType", "The resource type could not be found.")
    const name = relative === "@" ? zone : `${relative}.${zone}`
    return recordSet(call, zone, { name, type: type as RecordSetType, relative })
  }

  const listZones = (call: StandInCall, prefix: string) => {
    const top = Math.min(zonesAPage, Number(call.query.get("$top") ?? zonesAPage))
    const from = Number(Buffer.from(call.query.get("$skiptoken") ?? "", "base64url").toString() || 0)
    const value = zones.slice(from, from + top).map((name) => ({
      id: `${prefix}/${name}`,
      name,
      type: "Microsoft.Network/dnszones",
      location: "global",
      properties: { zoneType: "Public", nameServers: ["ns1-01.azure-dns.com.", "ns2-01.azure-dns.net."] },
    }))
    const skip = encodeURIComponent(Buffer.from(String(from + top)).toString("base64url"))
    // The link is to the real host: whoever follows it meets no stand-in.
    const nextLink = `https://management.azure.com${prefix}?api-version=${apiVersion}&$top=${top}&$skiptoken=${skip}`
    return Response.json({ value, ...(from + top < zones.length ? { nextLink } : {}) })
  }

  const recordSet = async (call: StandInCall, zone: string, at: { name: string; type: RecordSetType; relative: string }) => {
    const key = `${at.name} ${at.type}`
    const find = (sets: RecordSet[]): RecordSet | undefined => {
      const found = sets.find(({ name, type }) => name === at.name && type === at.type)
      return found ?? (aliases.has(key) ? { name: at.name, type: at.type, ttlSeconds: 60, values: [] } : undefined)
    }
    const shown = (set: RecordSet) => ({
      id: `${call.path}`,
      name: at.relative,
      type: `Microsoft.Network/dnszones/${at.type}`,
      etag: etagOf(set),
      properties: {
        metadata: metadata.get(key),
        fqdn: `${at.name}.`,
        TTL: set.ttlSeconds,
        targetResource: aliases.has(key) ? { id: aliases.get(key) } : {},
        provisioningState: "Succeeded",
        ...shownRecords(set),
      },
    })
    if (call.method === "GET") {
      const set = find(await server.sets(zone))
      return set
        ? Response.json(shown(set))
        : dnsFault(404, "NotFound", `The resource record '${at.relative}' does not exist in resource group.`)
    }
    if (call.method !== "PUT" && call.method !== "DELETE") return armFault(405, "MethodNotAllowed", "Not allowed.")
    const fields = call.method === "PUT" ? fieldsIn(call, () => dnsFault(400, "BadRequest", "The request content was invalid.")) : {}
    const properties = (fields.properties ?? {}) as Fields
    const wanted = call.method === "PUT" ? parseSet(at, properties) : { ...at, ttlSeconds: 0, values: [] }
    let status = 200
    await server
      .change(zone, (sets) => {
        const there = find(sets)
        const match = call.headers.get("if-match")
        const isMet = match === null || (there !== undefined && etagOf(there) === match)
        if (!isMet || (call.headers.get("if-none-match") === "*" && there)) {
          throw new Refusal(dnsFault(412, "PreconditionFailed", `The condition '${match ?? "*"}' in the request header was not satisfied.`))
        }
        status = there ? 200 : call.method === "PUT" ? 201 : 204
        const { name, type, ttlSeconds, values } = wanted
        return [{ name, type, ttlSeconds, values }]
      })
      .catch((error: unknown) => {
        if (!(error instanceof RecordConflict)) throw error
        const words = `The ${at.type} record could not be created because another record with the same name already exists in this zone.`
        throw new Refusal(dnsFault(409, "Conflict", words))
      })
    if (call.method === "DELETE") return new Response(null, { status })
    if (properties.metadata === undefined) metadata.delete(key)
    else metadata.set(key, properties.metadata)
    return Response.json(shown({ ...wanted }), { status })
  }

  const standIn = await startStandIn({
    answer,
    isWrite: ({ method }) => method === "PUT" || method === "DELETE",
    denied,
    rateLimited: (seconds) => {
      const response = armFault(429, "TooManyRequests", "The request is being throttled.")
      response.headers.set("retry-after", String(seconds))
      return response
    },
    serverError: () => armFault(500, "InternalServerError", "An error has occurred."),
  })
  return { ...standIn, revokeTokens: () => tokens.clear(), metadata, aliases }
}

function parseSet({ name, type }: { name: string; type: RecordSetType }, properties: Fields): RecordSet {
  const bad = (words: string) => new Refusal(dnsFault(400, "BadRequest", words))
  const ttlSeconds = Number(properties.TTL)
  if (!(ttlSeconds >= 1 && ttlSeconds <= 2_147_483_647)) throw bad("The TTL of the record set is not valid.")
  const list = (key: string) => (Array.isArray(properties[key]) ? (properties[key] as Fields[]) : [])
  const values = {
    A: () => list("ARecords").map(({ ipv4Address }) => String(ipv4Address)),
    AAAA: () => list("AAAARecords").map(({ ipv6Address }) => String(ipv6Address)),
    CNAME: () => [String((properties.CNAMERecord as Fields | undefined)?.cname)],
    TXT: () =>
      list("TXTRecords").map(({ value }) => {
        if (!Array.isArray(value)) throw bad("The value of a TXT record is a list of strings.")
        if (value.some((string) => Buffer.byteLength(String(string)) > 255))
          throw bad("A string of a TXT record has more than 255 characters.")
        if (Buffer.byteLength(value.join("")) > textOctets) throw bad("The TXT record is too long.")
        return value.join("")
      }),
    MX: () => list("MXRecords").map(({ preference, exchange }) => `${Number(preference)} ${String(exchange)}`),
    SRV: () =>
      list("SRVRecords").map(
        ({ priority, weight, port, target }) => `${Number(priority)} ${Number(weight)} ${Number(port)} ${String(target)}`,
      ),
    CAA: () =>
      list("caaRecords").map(({ flags, tag, value }) => `${Number(flags)} ${String(tag)} "${String(value).replace(/["\\]/g, "\\$&")}"`),
  }[type]()
  if (values.length === 0 || values.length > recordsASet) throw bad(`A record set has at least one and at most ${recordsASet} records.`)
  return { name, type, ttlSeconds, values }
}

function shownRecords({ type, values }: RecordSet): Fields {
  const words = values.map((value) => value.split(" "))
  if (type === "A") return { ARecords: values.map((ipv4Address) => ({ ipv4Address })) }
  if (type === "AAAA") return { AAAARecords: values.map((ipv6Address) => ({ ipv6Address })) }
  if (type === "CNAME") return values[0] === undefined ? {} : { CNAMERecord: { cname: values[0] } }
  if (type === "TXT") return { TXTRecords: values.map((value) => ({ value: value.match(/[^]{1,255}/g) ?? [""] })) }
  if (type === "MX") return { MXRecords: words.map(([preference, exchange]) => ({ preference: Number(preference), exchange })) }
  if (type === "SRV") {
    return {
      SRVRecords: words.map(([priority, weight, port, target]) => ({
        priority: Number(priority),
        weight: Number(weight),
        port: Number(port),
        target,
      })),
    }
  }
  return {
    caaRecords: words.map(([flags, tag, ...value]) => ({
      flags: Number(flags),
      tag,
      value: value.join(" ").slice(1, -1).replace(/\\(.)/g, "$1"),
    })),
  }
}

const etagOf = ({ ttlSeconds, values }: RecordSet) =>
  createHash("sha256")
    .update(JSON.stringify([ttlSeconds, [...values].sort()]))
    .digest("hex")
    .slice(0, 32)

const denied = () => armFault(401, "InvalidAuthenticationToken", "The access token is invalid.")

const grantFault = (status: number, error: string, words: string) => Response.json({ error, error_description: words }, { status })

/** As the resource manager says it. */
const armFault = (status: number, code: string, message: string) => Response.json({ error: { code, message } }, { status })

/** As the DNS service behind it says it. */
const dnsFault = (status: number, code: string, message: string) => Response.json({ code, message }, { status })
