import { APIError } from "cloudflare/core/error"
import type { V4PagePaginationArray } from "cloudflare/core/pagination"
import { BaseRecords } from "cloudflare/resources/dns/records"
import { BaseZones } from "cloudflare/resources/zones/zones"
import { createClient } from "cloudflare/tree-shakable"
import { describeError } from "../errors"
import { readLimited } from "./http-api"
import { ProviderFault, type RecordSet } from "./provider"
import {
  canonicalName,
  canonicalValue,
  fromZoneFile,
  joinCaa,
  joinMx,
  joinSrv,
  quoteText,
  splitCaa,
  splitMx,
  splitSrv,
} from "./record-value"
import { retryAfter } from "./retry-after"

// A change of record sets, in order:
//   1. list the records at each name (any type), keep those of the sets
//   2. a record whose value is wanted stays where it is right in all else; one that is not wanted becomes one that is missing
//   3. one batch of deletes, puts and posts, which the provider runs as one transaction: all of it or nothing
// Not done: records behind the provider's proxy (it would end TLS before we do), and retries (the caller knows whether anybody waits).

const requestTimeoutMs = 15_000
const recordsPerName = 1000
const maxAnswerBytes = 4 * 1024 * 1024

/** Codes by which the API says that it is the token it does not like, whatever the HTTP status. */
const tokenCodes = new Set([1000, 1001, 6003, 6111, 9103, 9106, 9107, 9109, 10000, 10001])

/** A TTL as Cloudflare takes it: 1 is automatic, 300 seconds. */
export const automaticTtl = 1

export type CloudflareZoneAnswer = { id: string; name: string; status?: string; type?: string; name_servers?: string[] }
/** A record as Cloudflare has it; its value in canonical form is `valueOf` of it. */
export type CloudflareRecordAnswer = {
  id: string
  name: string
  type: string
  content?: string
  proxied?: boolean
  ttl: number
  priority?: number
  data?: object
}

/** The official library with one token; every method throws ProviderFault, whose message holds no token, and ends when the signal says. */
export class CloudflareApi {
  private client: Client

  constructor(
    private token: string,
    baseUrl = "https://api.cloudflare.com/client/v4",
  ) {
    this.client = connect(baseUrl, token)
  }

  /** One page of the zones that the token can see, and how many a page has. */
  zones(
    query: { page?: number; per_page?: number; name?: string },
    signal: AbortSignal,
  ): Promise<{ zones: CloudflareZoneAnswer[]; perPage?: number }> {
    return this.ask(async () => {
      const { result, result_info } = await this.client.zones.list(query, { signal })
      return { zones: result, perPage: result_info.per_page }
    })
  }

  /** The records of every type at exactly that name. */
  recordsAt(zoneId: string, name: string, signal: AbortSignal): Promise<CloudflareRecordAnswer[]> {
    return this.ask(async () => {
      const query = { zone_id: zoneId, name: { exact: name }, per_page: recordsPerName }
      const page: V4PagePaginationArray<CloudflareRecordAnswer> = await this.client.dns.records.list(query, { signal })
      return page.result.filter((record) => canonicalName(record.name) === canonicalName(name))
    })
  }

  /** Makes the sets exactly these, DNS-only, or changes nothing at all; the TTL is Cloudflare's own. False where all was so already. */
  async replace(zoneId: string, sets: RecordSet[], signal: AbortSignal): Promise<boolean> {
    const names = [...new Set(sets.map(({ name }) => name))]
    const present = (await Promise.all(names.map((name) => this.recordsAt(zoneId, name, signal)))).flat()
    const change: Change = { deletes: [], puts: [], posts: [] }
    for (const set of sets) plan(set, present, change)
    return this.batch(zoneId, change, signal)
  }

  /** Adds the values of a set beside the records that are there, all or none; throws ProviderFault `refused` where one is there already. */
  add(zoneId: string, set: RecordSet, signal: AbortSignal): Promise<boolean> {
    return this.batch(zoneId, { deletes: [], puts: [], posts: set.values.map((value) => fieldsOf(set, value)) }, signal)
  }

  /** Removes the records with these ids, all or none. False where there are none to remove. */
  delete(zoneId: string, ids: string[], signal: AbortSignal): Promise<boolean> {
    return this.batch(zoneId, { deletes: ids.map((id) => ({ id })), puts: [], posts: [] }, signal)
  }

  private async batch(zoneId: string, change: Change, signal: AbortSignal): Promise<boolean> {
    if (change.deletes.length + change.puts.length + change.posts.length === 0) return false
    await this.ask(() => this.client.dns.records.batch({ zone_id: zoneId, ...change }, { signal }))
    return true
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw faultOf(error, this.token)
    }
  }
}

type Client = ReturnType<typeof connect>
type BatchParams = Parameters<Client["dns"]["records"]["batch"]>[0]
type Change = { deletes: { id: string }[]; puts: NonNullable<BatchParams["puts"]>; posts: NonNullable<BatchParams["posts"]> }

function plan(set: RecordSet, records: CloudflareRecordAnswer[], change: Change): void {
  const missing = new Set(set.values)
  const stale: string[] = []
  for (const record of records.filter(({ name, type }) => canonicalName(name) === set.name && type === set.type)) {
    const value = valueOf(record)
    if (!missing.delete(value)) stale.push(record.id)
    else if (record.proxied === true || record.ttl !== set.ttlSeconds) change.puts.push({ id: record.id, ...fieldsOf(set, value) })
  }
  for (const value of missing) {
    const id = stale.pop()
    if (id === undefined) change.posts.push(fieldsOf(set, value))
    else change.puts.push({ id, ...fieldsOf(set, value) })
  }
  change.deletes.push(...stale.map((id) => ({ id })))
}

function fieldsOf({ name, type, ttlSeconds: ttl }: RecordSet, value: string): Change["posts"][number] {
  const common = { name, ttl, proxied: false }
  if (type === "TXT") return { ...common, type, content: quoteText(value) }
  if (type === "MX") {
    const { preference, host } = splitMx(value)
    return { ...common, type, priority: preference, content: host }
  }
  if (type === "SRV") {
    const { host, ...numbers } = splitSrv(value)
    return { ...common, type, data: { ...numbers, target: host } }
  }
  if (type === "CAA") {
    const { text, ...rest } = splitCaa(value)
    return { ...common, type, data: { ...rest, value: text } }
  }
  return { ...common, type, content: value }
}

/** The value of a record in canonical form. */
export function valueOf({ type, content = "", priority = 0, ...record }: CloudflareRecordAnswer): string {
  const data: Record<string, unknown> = { ...record.data }
  if (type === "MX") return joinMx({ preference: priority, host: content })
  if (type === "SRV" && typeof data.target === "string") {
    return joinSrv({ priority: Number(data.priority), weight: Number(data.weight), port: Number(data.port), host: data.target })
  }
  if (type === "CAA" && typeof data.value === "string")
    return joinCaa({ flags: Number(data.flags), tag: String(data.tag), text: data.value })
  if (type === "TXT") return fromZoneFile("TXT", content)
  return type === "A" || type === "AAAA" ? canonicalValue(type, content) : canonicalName(content)
}

function connect(baseURL: string, token: string) {
  return createClient({
    resources: [BaseZones, BaseRecords],
    baseURL,
    apiToken: token,
    // Left out, the library takes these from CLOUDFLARE_* of the environment and sends the operator's own key beside a user's token.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    timeout: requestTimeoutMs,
    // The library sleeps as long as `Retry-After` says, without a limit, before it tries again.
    maxRetries: 0,
    logLevel: "off",
    fetch: fetchEnvelope,
  })
}

/**
 * The library limits neither the size nor the time of a body, and takes `success: false` with status 200, or a page of HTML, for an empty list:
 * here the whole answer is read, and whatever is no envelope of success becomes a failure with a status that says which kind.
 */
async function fetchEnvelope(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: "error", keepalive: false })
  const text = await readLimited(response, maxAnswerBytes)
  const envelope = parseEnvelope(text)
  const status = envelope === undefined ? 502 : response.ok && envelope.success !== true ? 400 : response.status
  const headers = new Headers({ "content-type": "application/json" })
  const after = response.headers.get("retry-after")
  if (after !== null) headers.set("retry-after", after)
  return new Response(envelope === undefined ? undefined : text, { status, headers })
}

function parseEnvelope(text: string): { success?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && "success" in value ? value : undefined
  } catch {
    return undefined
  }
}

function faultOf(error: unknown, token: string): ProviderFault {
  if (error instanceof ProviderFault) return error
  if (error instanceof APIError && error.status !== undefined && error.status < 500) {
    const faults = Array.isArray(error.errors) ? error.errors : []
    const text = faults.map((fault) => `${fault.code} ${fault.message}`).join("; ") || "no reason given"
    const said = `cloudflare answered ${error.status}: ${text}`.replaceAll(token, "…").slice(0, 500)
    if (error.status === 429) {
      return new ProviderFault("rate_limited", said, { retryAfterMs: retryAfter(new Headers(error.headers), Date.now()) })
    }
    if (error.status === 408) return new ProviderFault("unreachable", said)
    const denied = [401, 403].includes(error.status) || faults.some((fault) => tokenCodes.has(fault.code ?? 0))
    return new ProviderFault(denied ? "denied" : "refused", said)
  }
  const cause = error instanceof Error && error.cause !== undefined ? ` (${describeError(error.cause)})` : ""
  return new ProviderFault("unreachable", `${describeError(error)}${cause}`.replaceAll(token, "…").slice(0, 500))
}
