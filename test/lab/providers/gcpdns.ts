import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto"
import { jwtVerify } from "jose"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { fromZoneFile, zoneFileValue } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { fieldsIn, type HttpStandIn, Refusal, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// Google's token endpoint (https://developers.google.com/identity/protocols/oauth2/service-account#httprest) and Cloud DNS API v1: assertions
// checked with the account's public key, tokens that end, lists in pages, changes whose deletions must repeat what is there.

const itemsAPage = 100
const tokenLifeSeconds = 3599

/** The name that the stand-in gives the managed zone. */
export const managedZoneName = (zone: string) => zone.replaceAll(".", "-")

export type GcpDnsStandIn = HttpStandIn & {
  /** How many tokens were granted. */
  granted(): number
  /** Takes all tokens back. */
  revokeTokens(): void
  /** Further managed zones, such as private ones. */
  furtherZones: { name: string; dnsName: string; visibility: string }[]
  /** Sets that no zone file can hold. */
  special: Record<string, unknown>[]
}

export async function startGcpDns({ server, zones, credential }: StandInWorld): Promise<GcpDnsStandIn> {
  const account = JSON.parse(credential) as { client_email: string; private_key: string; project_id: string }
  const publicKey = createPublicKey(createPrivateKey(account.private_key))
  const tokens = new Set<string>()
  const furtherZones: GcpDnsStandIn["furtherZones"] = []
  const special: GcpDnsStandIn["special"] = []
  let granted = 0

  const grant = async (call: StandInCall): Promise<Response> => {
    const form = new URLSearchParams(call.body)
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") {
      return grantFault("unsupported_grant_type", "Invalid grant_type")
    }
    try {
      const options = { issuer: account.client_email, audience: "https://oauth2.googleapis.com/token", algorithms: ["RS256"] }
      const { payload } = await jwtVerify(form.get("assertion") ?? "", publicKey, { ...options, requiredClaims: ["iat", "exp"] })
      if ((payload.exp ?? 0) - (payload.iat ?? 0) > 3600)
        return grantFault("invalid_grant", "Invalid JWT: Token must be a short-lived token")
      if (!String(payload.scope).endsWith("/auth/ndev.clouddns.readwrite")) return grantFault("invalid_scope", "Invalid OAuth scope")
    } catch {
      return grantFault("invalid_grant", "Invalid JWT Signature.")
    }
    const token = `ya29.${randomBytes(20).toString("base64url")}`
    tokens.add(token)
    granted++
    return Response.json({ access_token: token, expires_in: tokenLifeSeconds, token_type: "Bearer" })
  }

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.path === "/token" && call.method === "POST") return grant(call)
    if (!tokens.has(call.headers.get("authorization")?.replace(/^Bearer /, "") ?? "")) return denied()
    const [dns, version, word, project, list, id, items, ...rest] = call.path.split("/").slice(1)
    if (dns !== "dns" || version !== "v1" || word !== "projects" || list !== "managedZones" || rest.length > 0) return notFound(call.path)
    if (project !== account.project_id) return fault(403, "forbidden", "Forbidden")
    const all = [...zones.map((name) => ({ name: managedZoneName(name), dnsName: `${name}.`, visibility: "public" })), ...furtherZones]
    if (id === undefined) {
      const dnsName = call.query.get("dnsName")
      const found = all.filter((zone) => dnsName === null || zone.dnsName === dnsName)
      return paged(call, "managedZones", found.map(shownZone))
    }
    const zone = all.find(({ name }) => name === id)
    if (zone === undefined) return notFound(`'parameters.managedZone' resource named '${id}'`)
    if (items === undefined) return Response.json(shownZone(zone))
    const origin = zone.dnsName.slice(0, -1)
    if (items === "rrsets" && call.method === "GET") {
      const name = call.query.get("name")
      const type = call.query.get("type")
      if (type !== null && name === null) return fault(400, "invalid", "The 'type' parameter requires the 'name' parameter")
      const sets: Record<string, unknown>[] = [...(await server.sets(origin)).map(shownSet), ...special]
      return paged(
        call,
        "rrsets",
        sets.filter((set) => (name === null || set.name === name) && (type === null || set.type === type)),
      )
    }
    if (items !== "changes" || call.method !== "POST") return notFound(call.path)
    const body = fieldsIn(call, () => fault(400, "parseError", "Parse Error"))
    const deletions = setsIn(body.deletions, "deletions", origin)
    const additions = setsIn(body.additions, "additions", origin)
    if (deletions.length + additions.length === 0)
      return fault(400, "required", "The 'entity.change' parameter is required but was missing.")
    await change(origin, deletions, additions)
    return Response.json({ kind: "dns#change", id: "1", status: "pending", ...body })
  }

  const change = (zone: string, deletions: RecordSet[], additions: RecordSet[]) =>
    server
      .change(zone, (present) => {
        const find = (set: RecordSet) => present.find(({ name, type }) => name === set.name && type === set.type)
        const key = ({ name, type, ttlSeconds, values }: RecordSet) => JSON.stringify([name, type, ttlSeconds, [...values].sort()])
        deletions.forEach((set, index) => {
          const there = find(set)
          if (there === undefined)
            throw new Refusal(notFound(`'entity.change.deletions[${index}]' resource named '${set.name}. (${set.type})'`))
          if (key(there) !== key(set))
            throw new Refusal(fault(412, "conditionNotMet", `Precondition not met for 'entity.change.deletions[${index}]'`))
        })
        additions.forEach((set, index) => {
          const goes = deletions.some(({ name, type }) => name === set.name && type === set.type)
          if (find(set) && !goes) {
            const words = `The resource 'entity.change.additions[${index}]' named '${set.name}. (${set.type})' already exists`
            throw new Refusal(fault(409, "alreadyExists", words))
          }
        })
        const added = (set: RecordSet) => additions.some(({ name, type }) => name === set.name && type === set.type)
        return [...deletions.filter((set) => !added(set)).map(emptied), ...additions]
      })
      .catch((error: unknown) => {
        if (!(error instanceof RecordConflict)) throw error
        const words = `The resource record set 'entity.change.additions[0]' is invalid because of a conflict: ${error.message}. A DNS name may have either one CNAME resource record set or resource record sets of other types, but not both.`
        throw new Refusal(fault(400, "cnameResourceRecordSetConflict", words))
      })

  const standIn = await startStandIn({
    answer,
    isWrite: ({ method, path }) => method !== "GET" && path !== "/token",
    denied,
    // Google names no time to come back, and has answered with 403 as well as with 429.
    rateLimited: () => fault(403, "rateLimitExceeded", "Rate Limit Exceeded"),
    serverError: () => fault(500, "backendError", "Backend Error"),
  })
  return { ...standIn, granted: () => granted, revokeTokens: () => tokens.clear(), furtherZones, special }
}

function setsIn(value: unknown, field: string, zone: string): RecordSet[] {
  const items = Array.isArray(value) ? (value as Record<string, unknown>[]) : []
  return items.map((item, index) => {
    const invalid = (part: string, given: unknown) =>
      new Refusal(fault(400, "invalid", `Invalid value for 'entity.change.${field}[${index}].${part}': '${String(given)}'`))
    const { name, ttl, rrdatas } = item
    const type = String(item.type) as RecordSetType
    const plain = String(name).slice(0, -1)
    if (typeof name !== "string" || !name.endsWith(".") || (plain !== zone && !plain.endsWith(`.${zone}`))) throw invalid("name", name)
    if (typeof ttl !== "number" || ttl < 0 || ttl > 2_147_483_647) throw invalid("ttl", ttl)
    if (!Array.isArray(rrdatas) || rrdatas.length === 0) throw invalid("rrdata", rrdatas)
    const values = rrdatas.map((data) => {
      const text = String(data)
      const relative = ["CNAME", "MX", "SRV"].includes(type) && !text.endsWith(".")
      const tooLong =
        type === "TXT" &&
        [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].some(([, string = ""]) => string.replace(/\\\d{3}|\\./g, "x").length > 255)
      if (relative || tooLong) throw invalid("rrdata[0]", text)
      return fromZoneFile(type, text)
    })
    return { name: plain, type, ttlSeconds: ttl, values }
  })
}

const emptied = (set: RecordSet): RecordSet => ({ ...set, values: [] })

const shownSet = ({ name, type, ttlSeconds, values }: RecordSet) => ({
  kind: "dns#resourceRecordSet",
  name: `${name}.`,
  type,
  ttl: ttlSeconds,
  rrdatas: values.map((value) => zoneFileValue(type, value)),
})

const shownZone = (zone: { name: string; dnsName: string; visibility: string }) => ({
  kind: "dns#managedZone",
  id: "4711",
  nameServers: ["ns-cloud-a1.googledomains.com.", "ns-cloud-a2.googledomains.com."],
  ...zone,
})

function paged(call: StandInCall, key: string, items: object[]): Response {
  const size = Math.min(itemsAPage, Number(call.query.get("maxResults") ?? itemsAPage))
  const from = Number(Buffer.from(call.query.get("pageToken") ?? "", "base64url").toString() || 0)
  const next = from + size < items.length ? { nextPageToken: Buffer.from(String(from + size)).toString("base64url") } : {}
  // A list without anything in it is left out.
  const shown = items.length > 0 ? { [key]: items.slice(from, from + size) } : {}
  return Response.json({ kind: `dns#${key}ListResponse`, ...shown, ...next })
}

const grantFault = (error: string, description: string) => Response.json({ error, error_description: description }, { status: 400 })

const fault = (code: number, reason: string, message: string) =>
  Response.json({ error: { code, message, errors: [{ message, domain: "global", reason }] } }, { status: code })

const denied = () =>
  fault(
    401,
    "authError",
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
  )

const notFound = (what: string) => fault(404, "notFound", `The ${what} does not exist.`)
