import {
  ApiFault,
  type CloudflareRecord,
  type CloudflareZone,
  Draft,
  type Fields,
  noRecord,
  published,
  type PublishedRecord,
  reconciled,
  type ZoneChange,
} from "./cloudflare-records"

// A stand-in for the parts of Cloudflare's v4 API that we use, in front of real zones: tokens, envelope, error codes, paging and filters.

/** What a token may do: edit DNS in these zones, or with `edit: false` only read them. */
export type CloudflareGrant = string[] | { zones: string[]; edit: boolean }

export type CloudflareLab = {
  /** The base URL, for FREEHOLD_CLOUDFLARE_API. */
  url: string
  /** Every request, the oldest first. */
  requests: { method: string; path: string; query: string }[]
  /** May be changed at any time, such as to revoke a token. */
  tokens: Record<string, CloudflareGrant>
  zones: CloudflareZone[]
  records(zoneId: string): CloudflareRecord[]
  stop(): Promise<void>
}

export type CloudflareOptions = {
  zones: CloudflareZone[]
  tokens: Record<string, CloudflareGrant>
  /** Brings each change to the zone's name server; a change it throws on is not made. */
  apply?: (zone: string, change: ZoneChange) => Promise<void>
  /** What the zone's name server has, where others change it too: then that is what the zone is. */
  load?: (zone: string) => Promise<PublishedRecord[]>
}

/** Starts the API on a loopback port. */
export function startCloudflare(options: CloudflareOptions): CloudflareLab {
  const { answer, records, settled } = cloudflareApi(options)
  const requests: CloudflareLab["requests"] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const { pathname, search } = new URL(request.url)
      requests.push({ method: request.method, path: pathname, query: decodeURIComponent(search) })
      return answer(request)
    },
  })
  const { zones, tokens } = options
  const stop = async () => {
    await server.stop(true)
    await settled()
  }
  return { url: `http://127.0.0.1:${server.port}/client/v4`, requests, tokens, zones, records, stop }
}

/** The API itself, to be served from anywhere; `settled` resolves when no change is under way. */
export function cloudflareApi(options: CloudflareOptions): {
  answer(request: Request): Promise<Response>
  records(zoneId: string): CloudflareRecord[]
  settled(): Promise<void>
} {
  const { zones, tokens, load } = options
  const apply = options.apply ?? (async () => {})
  const records = new Map<string, CloudflareRecord[]>()
  const recordsOf = (zone: CloudflareZone) => records.get(zone.id) ?? []
  let queue: Promise<unknown> = Promise.resolve()

  const commit = async (zone: CloudflareZone, next: CloudflareRecord[]) => {
    const before = published(recordsOf(zone))
    const after = published(next)
    const remove = [...before].filter(([key]) => !after.has(key)).map(([, record]) => record)
    const add = [...after].filter(([key]) => !before.has(key)).map(([, record]) => record)
    if (remove.length + add.length > 0) await apply(zone.name, { remove, add })
    records.set(zone.id, next)
  }

  const reload = async (zone: CloudflareZone) => {
    if (load) records.set(zone.id, reconciled(recordsOf(zone), await load(zone.name)))
  }

  const edit = async (zone: CloudflareZone, method: string, id: string | undefined, body: Fields): Promise<unknown> => {
    await reload(zone)
    const draft = new Draft(zone, recordsOf(zone))
    const result =
      method === "POST" && id === "batch"
        ? {
            deletes: list(body.deletes).map((item) => draft.delete(String(item.id))),
            patches: list(body.patches).map((item) => draft.change(String(item.id), item, true)),
            puts: list(body.puts).map((item) => draft.change(String(item.id), item, false)),
            posts: list(body.posts).map((item) => draft.create(item)),
          }
        : method === "POST" && id === undefined
          ? draft.create(body)
          : method === "PUT" || method === "PATCH"
            ? draft.change(id ?? "", body, method === "PATCH")
            : method === "DELETE"
              ? { id: draft.delete(id ?? "").id }
              : undefined
    if (result === undefined) throw new ApiFault(405, 10405, "Method not allowed for this endpoint")
    await commit(zone, draft.records)
    return result
  }

  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url)
    const grant = authenticate(request, tokens)
    const [, zoneId, recordsWord, recordId, ...rest] = url.pathname.replace(/^\/client\/v4\//, "").split("/")
    if (!/^\/client\/v4\/zones(\/|$)/.test(url.pathname) || rest.length > 0) throw noRoute(url)
    const seen = zones.filter((zone) => grant.zones.includes(zone.id))
    if (zoneId === undefined) {
      const name = url.searchParams.get("name")
      const status = url.searchParams.get("status")
      const found = seen.filter((zone) => (name ?? zone.name) === zone.name && (status ?? statusOf(zone)) === statusOf(zone))
      return paged(found.map(describeZone), url, { usual: 20, most: 50 })
    }
    const zone = seen.find(({ id }) => id === zoneId)
    if (zone === undefined) throw new ApiFault(403, 9109, "Unauthorized to access requested resource")
    if (recordsWord === undefined && request.method === "GET") return success(describeZone(zone))
    if (recordsWord !== "dns_records") throw noRoute(url)
    if (request.method === "GET") {
      await reload(zone)
      const found = recordsOf(zone).filter((record) => matches(record, url.searchParams))
      if (recordId === undefined) return paged(found.map(describeRecord), url, { usual: 100, most: 5_000_000 })
      const record = found.find(({ id }) => id === recordId)
      if (record === undefined) throw noRecord()
      return success(describeRecord(record))
    }
    if (!grant.edit) throw new ApiFault(403, 10000, "Authentication error")
    const body = request.method === "DELETE" ? {} : await readFields(request)
    // One change at a time, so that two requests cannot each check a state that the other is about to leave.
    const change = queue.then(() => edit(zone, request.method, recordId, body))
    queue = change.catch(() => undefined)
    return success(await change)
  }

  return {
    answer: (request) => answer(request).catch((error: unknown) => failure(error)),
    records: (zoneId) => records.get(zoneId) ?? [],
    settled: async () => {
      await queue
    },
  }
}

function authenticate(request: Request, tokens: Record<string, CloudflareGrant>): { zones: string[]; edit: boolean } {
  const header = request.headers.get("authorization")
  if (header === null) throw new ApiFault(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
  const token = /^Bearer ([A-Za-z0-9_-]{8,})$/.exec(header)?.[1]
  if (token === undefined) {
    throw new ApiFault(400, 6003, "Invalid request headers", [{ code: 6111, message: "Invalid format for Authorization header" }])
  }
  const grant = Object.hasOwn(tokens, token) ? tokens[token] : undefined
  if (grant === undefined) throw new ApiFault(403, 9109, "Invalid access token")
  return Array.isArray(grant) ? { zones: grant, edit: true } : grant
}

function matches(record: CloudflareRecord, query: URLSearchParams): boolean {
  for (const [filter, wanted] of query) {
    const [field, operator = "exact"] = filter.split(".", 2)
    if (field !== "name" && field !== "content" && field !== "type") continue
    const value = record[field].toLowerCase()
    const sought = wanted.toLowerCase()
    const fits =
      operator === "contains"
        ? value.includes(sought)
        : operator === "startswith"
          ? value.startsWith(sought)
          : operator === "endswith"
            ? value.endsWith(sought)
            : value === sought
    if (!fits) return false
  }
  return true
}

async function readFields(request: Request): Promise<Fields> {
  const value: unknown = await request.json().catch(() => undefined)
  if (typeof value !== "object" || value === null) throw new ApiFault(400, 9207, "Request body is invalid.")
  return value as Fields
}

const list = (value: unknown): Fields[] => (Array.isArray(value) ? (value as Fields[]) : [])

const statusOf = (zone: CloudflareZone) => zone.status ?? "active"

const describeZone = (zone: CloudflareZone) => ({
  id: zone.id,
  name: zone.name,
  status: statusOf(zone),
  type: "full",
  paused: false,
  name_servers: [],
})

const describeRecord = (record: CloudflareRecord) => ({
  ...record,
  proxiable: ["A", "AAAA", "CNAME"].includes(record.type),
  settings: {},
  meta: {},
  comment: null,
  tags: [],
})

function paged(items: object[], url: URL, size: { usual: number; most: number }): Response {
  const number = (name: string, usual: number) => Math.max(1, Number(url.searchParams.get(name) ?? usual) || usual)
  const perPage = Math.min(size.most, number("per_page", size.usual))
  const page = number("page", 1)
  const shown = items.slice((page - 1) * perPage, page * perPage)
  const totals = { count: shown.length, total_count: items.length, total_pages: Math.ceil(items.length / perPage) }
  return Response.json({ success: true, errors: [], messages: [], result: shown, result_info: { page, per_page: perPage, ...totals } })
}

const success = (result: unknown) => Response.json({ success: true, errors: [], messages: [], result })

const noRoute = (url: URL) => new ApiFault(404, 7003, `Could not route to ${url.pathname}, perhaps your object identifier is invalid?`)

function failure(error: unknown): Response {
  const fault = error instanceof ApiFault ? error : new ApiFault(500, 1000500, `Internal error: ${String(error)}`)
  const { status, code, message, chain } = fault
  const shown = { code, message, ...(chain.length > 0 ? { error_chain: chain } : {}) }
  return Response.json({ success: false, errors: [shown], messages: [], result: null }, { status })
}
