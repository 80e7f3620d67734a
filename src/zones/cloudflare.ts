import { APIError } from "cloudflare/core/error"
import type { V4PagePaginationArray } from "cloudflare/core/pagination"
import { BaseRecords } from "cloudflare/resources/dns/records"
import { BaseZones } from "cloudflare/resources/zones/zones"
import { createClient } from "cloudflare/tree-shakable"
import { describeError } from "../errors"
import { canonicalHost } from "../hostname"
import { maxZones, ProviderError, type ProviderZone, type ZoneProvider } from "./provider"

// One change of an address record, in order:
//   1. list the records at exactly that name (any type); keep A, AAAA and CNAME, leave the rest alone
//   2. nothing there: create the CNAME
//      something there: one batch, which the provider runs as one transaction, so a refused CNAME leaves the old addresses standing
// Not done: CNAMEs behind the provider's proxy (it would end TLS before we do), and retries (the caller falls back to manual verification).

const zonesPerPage = 50
const recordsPerName = 1000
const maxAnswerBytes = 4 * 1024 * 1024
/** The shortest that the API takes. */
const txtTtlSeconds = 60
const addressTypes = new Set(["A", "AAAA", "CNAME"])

/** Codes by which the API says that it is the token it does not like, whatever the HTTP status. */
const tokenCodes = new Set([1000, 1001, 6003, 6111, 9103, 9106, 9107, 9109, 10000, 10001])

/** The official library against Cloudflare's v4 API; `timeoutMs` limits each method as a whole. */
export class CloudflareProvider implements ZoneProvider {
  private readonly baseUrl: string
  private readonly timeoutMs: number

  constructor(options: { baseUrl?: string; timeoutMs?: number } = {}) {
    this.baseUrl = options.baseUrl ?? "https://api.cloudflare.com/client/v4"
    this.timeoutMs = options.timeoutMs ?? 15_000
  }

  listZones(token: string, options: { timeoutMs?: number } = {}): Promise<ProviderZone[]> {
    return this.ask(token, options.timeoutMs ?? this.timeoutMs, async (client, signal) => {
      const zones: ProviderZone[] = []
      for (let page = 1; zones.length < maxZones; page++) {
        const { result, result_info } = await client.zones.list({ page, per_page: zonesPerPage }, { signal })
        for (const zone of result) {
          const name = canonicalHost(zone.name)
          if (name !== undefined) zones.push({ id: zone.id, name, proven: zone.status === "active" && zone.type !== "internal" })
        }
        if (result.length < (result_info.per_page ?? zonesPerPage)) break
      }
      return zones.slice(0, maxZones)
    })
  }

  upsertCname(token: string, zoneId: string, host: string, target: string): Promise<void> {
    return this.ask(token, this.timeoutMs, async (client, signal) => {
      const wanted = { type: "CNAME" as const, name: host, content: target, proxied: false, ttl: 1 as const }
      const present = (await recordsAt(client, zoneId, host, signal)).filter((record) => addressTypes.has(record.type))
      const cname = present.find((record) => record.type === "CNAME")
      const deletes = present.filter((record) => record !== cname).map(({ id }) => ({ id }))
      if (present.length === 0) {
        await client.dns.records.create({ zone_id: zoneId, ...wanted }, { signal })
      } else if (cname === undefined) {
        await client.dns.records.batch({ zone_id: zoneId, deletes, posts: [wanted] }, { signal })
      } else if (deletes.length > 0 || cname.proxied || cname.ttl !== 1 || canonical(cname.content ?? "") !== canonical(target)) {
        await client.dns.records.batch({ zone_id: zoneId, deletes, puts: [{ id: cname.id, ...wanted }] }, { signal })
      }
    })
  }

  removeCname(token: string, zoneId: string, host: string, target: string): Promise<boolean> {
    return this.ask(token, this.timeoutMs, async (client, signal) => {
      const ours = (await recordsAt(client, zoneId, host, signal)).filter(
        (record) => record.type === "CNAME" && canonical(record.content ?? "") === canonical(target),
      )
      for (const record of ours) await client.dns.records.delete(record.id, { zone_id: zoneId }, { signal })
      return ours.length > 0
    })
  }

  addTxt(token: string, zoneId: string, name: string, text: string): Promise<void> {
    return this.ask(token, this.timeoutMs, async (client, signal) => {
      if ((await textsAt(client, zoneId, name, text, signal)).length > 0) return
      await client.dns.records.create({ zone_id: zoneId, type: "TXT", name, content: quoted(text), ttl: txtTtlSeconds }, { signal })
    })
  }

  removeTxt(token: string, zoneId: string, name: string, text: string): Promise<boolean> {
    return this.ask(token, this.timeoutMs, async (client, signal) => {
      const ours = await textsAt(client, zoneId, name, text, signal)
      for (const record of ours) await client.dns.records.delete(record.id, { zone_id: zoneId }, { signal })
      return ours.length > 0
    })
  }

  private async ask<T>(token: string, timeoutMs: number, work: (client: Client, signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await work(connect(this.baseUrl, token, timeoutMs), AbortSignal.timeout(timeoutMs))
    } catch (error) {
      throw providerError(error, token)
    }
  }
}

type Client = ReturnType<typeof connect>

function connect(baseURL: string, token: string, timeout: number) {
  return createClient({
    resources: [BaseZones, BaseRecords],
    baseURL,
    apiToken: token,
    // Left out, the library takes these from CLOUDFLARE_* of the environment and sends the operator's own key beside a user's token.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    timeout,
    // The library sleeps as long as `Retry-After` says, without a limit, before it tries again.
    maxRetries: 0,
    logLevel: "off",
    fetch: fetchEnvelope,
  })
}

async function recordsAt(client: Client, zoneId: string, host: string, signal: AbortSignal) {
  const query = { zone_id: zoneId, name: { exact: host }, per_page: recordsPerName }
  const page: V4PagePaginationArray<{ id: string; name: string; type: string; content?: string; proxied?: boolean; ttl: number }> =
    await client.dns.records.list(query, { signal })
  return page.result.filter((record) => canonical(record.name) === canonical(host))
}

/** The API takes and shows a text with or without its quotes. */
async function textsAt(client: Client, zoneId: string, name: string, text: string, signal: AbortSignal) {
  const records = await recordsAt(client, zoneId, name, signal)
  return records.filter((record) => record.type === "TXT" && (record.content === text || record.content === quoted(text)))
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`

/**
 * The library limits neither the size nor the time of a body, and takes `success: false` with status 200, or a page of HTML, for an empty list:
 * here the whole answer is read, and whatever is no envelope of success becomes a failure with a status that says which kind.
 */
async function fetchEnvelope(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: "error" })
  const text = await readLimited(response)
  const envelope = parseEnvelope(text)
  const status = envelope === undefined ? 502 : response.ok && envelope.success !== true ? 400 : response.status
  return new Response(envelope === undefined ? undefined : text, { status, headers: { "content-type": "application/json" } })
}

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new Error("the answer is too long")
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

function parseEnvelope(text: string): { success?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && "success" in value ? value : undefined
  } catch {
    return undefined
  }
}

function providerError(error: unknown, token: string): ProviderError {
  if (error instanceof APIError && error.status !== undefined && error.status < 500) {
    const faults = Array.isArray(error.errors) ? error.errors : []
    const text = faults.map((fault) => `${fault.code} ${fault.message}`).join("; ") || "no reason given"
    const said = `cloudflare answered ${error.status}: ${text}`.replaceAll(token, "…").slice(0, 500)
    if ([408, 429].includes(error.status)) return new ProviderError("unreachable", said)
    const denied = [401, 403].includes(error.status) || faults.some((fault) => tokenCodes.has(fault.code ?? 0))
    return new ProviderError(denied ? "denied" : "refused", said)
  }
  const cause = error instanceof Error && error.cause !== undefined ? ` (${describeError(error.cause)})` : ""
  return new ProviderError("unreachable", `${describeError(error)}${cause}`.replaceAll(token, "…").slice(0, 500))
}

/** The names of records are A-labels already, and may begin with `*` or `_`. */
function canonical(name: string): string {
  return name.replace(/\.$/, "").toLowerCase()
}
