import { rootCertificates } from "node:tls"

/** An answer of the directory, in the shape acme-client expects of its HTTP library. */
export type DirectoryResponse = { status: number; headers: Record<string, string>; data: unknown }

const RESPONSE_LIMIT_BYTES = 1024 * 1024
const DIRECTORY_LIFETIME_MS = 3_600_000
const BAD_NONCE = "urn:ietf:params:acme:error:badNonce"

/** The directory answered with an error: `raw` is its problem document as it stands (RFC 7807), or a sentence where it sent none. */
export class DirectoryError extends Error {
  constructor(
    readonly status: number,
    readonly type: string | undefined,
    message: string,
    readonly raw: string,
    readonly retryAfterMs: number | undefined,
  ) {
    super(message)
    this.name = "DirectoryError"
  }
}

/**
 * HTTP to one ACME directory. acme-client's own transport is one axios instance for the whole process, which cannot hold a trust root for one
 * directory alone, retries for minutes, and reduces problem documents to their `detail`; hence this one, given to each client.
 */
export class DirectoryTransport {
  private trusted: string[] | undefined
  private directory: { response: DirectoryResponse; at: number } | undefined

  /** `caPem` is trusted for this directory in addition to the usual roots. */
  constructor(
    private directoryUrl: string,
    private options: { caPem?: string; requestTimeoutMs: number; now: () => number },
  ) {
    this.trusted = options.caPem === undefined ? undefined : [...rootCertificates, options.caPem]
  }

  /** One request with a time limit. Throws DirectoryError for error statuses, except a bad nonce, which acme-client answers by itself. */
  async request(url: string, method: string, options: { headers?: Record<string, string>; data?: unknown; signal?: AbortSignal } = {}) {
    const { now, requestTimeoutMs } = this.options
    const isDirectory = url === this.directoryUrl && method.toLowerCase() === "get"
    if (isDirectory && this.directory && now() - this.directory.at < DIRECTORY_LIFETIME_MS) return this.directory.response
    this.mustBeOurs(url)
    const timeout = AbortSignal.timeout(requestTimeoutMs)
    const res = await fetch(url, {
      method: method.toUpperCase(),
      headers: { "User-Agent": "freehold", ...options.headers },
      body: options.data === undefined ? undefined : JSON.stringify(options.data),
      signal: options.signal ? AbortSignal.any([timeout, options.signal]) : timeout,
      tls: this.trusted ? { ca: this.trusted } : undefined,
      redirect: "manual",
    })
    const location = res.headers.get("location")
    if (res.status >= 300 && res.status < 400)
      throw new Error(`${new URL(url).host} answered ${res.status} and leads to ${location ?? "nowhere"}, which is not followed`)
    if (location !== null) this.mustBeOurs(new URL(location, url).href)
    const text = await readLimited(res)
    const response: DirectoryResponse = { status: res.status, headers: Object.fromEntries(res.headers), data: parseBody(res, text) }
    if (res.status >= 400) {
      const problem = problemOf(response.data)
      if (problem?.type === BAD_NONCE && res.status === 400) return response
      const message = problem?.detail ?? problem?.type ?? `${new URL(url).host} answered ${res.status}`
      const retryAfterMs = parseRetryAfter(res.headers.get("retry-after"), now())
      throw new DirectoryError(res.status, problem?.type, message, problem ? text : message, retryAfterMs)
    }
    if (/html/i.test(res.headers.get("content-type") ?? ""))
      throw new Error(`${new URL(url).host} answered with a page for people: somebody else may be answering in the CA's place`)
    if (isDirectory) this.directory = { response, at: now() }
    return response
  }

  /**
   * Throws for a URL that leads to another host than the directory's own and those it lists itself (RFC 8555 section 7.1.1), or away from TLS: a CA, or who
   * speaks in its place, must not send us about the network.
   */
  private mustBeOurs(url: string): void {
    const home = new URL(this.directoryUrl)
    const { origin, protocol, host } = new URL(url)
    const listed = typeof this.directory?.response.data === "object" ? Object.values(this.directory.response.data ?? {}) : []
    const isListed = () => listed.some((one) => typeof one === "string" && URL.parse(one)?.origin === origin)
    if (origin === home.origin || (protocol === "https:" && isListed())) return
    throw new Error(`${home.host} leads to ${protocol}//${host}, which its directory does not name`)
  }

  /** The directory object (RFC 8555 section 7.1.1), remembered for an hour. */
  async resources(signal?: AbortSignal): Promise<Record<string, unknown>> {
    const { data } = await this.request(this.directoryUrl, "get", { signal })
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {}
  }
}

/** Milliseconds from `Retry-After`: seconds or an HTTP date (RFC 9110 section 10.2.3), at most a week; undefined when absent or past. */
export function parseRetryAfter(header: string | null | undefined, now: number): number | undefined {
  if (!header) return undefined
  const ms = /^\d+$/.test(header.trim()) ? Number(header.trim()) * 1000 : Date.parse(header) - now
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, 7 * 86_400_000) : undefined
}

async function readLimited(res: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of res.body ?? []) {
    size += chunk.length
    if (size > RESPONSE_LIMIT_BYTES) throw new Error(`the answer of ${new URL(res.url).host} is larger than ${RESPONSE_LIMIT_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

function parseBody(res: Response, text: string): unknown {
  if (!/json/.test(res.headers.get("content-type") ?? "")) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function problemOf(data: unknown): { type: string | undefined; detail: string | undefined } | undefined {
  if (typeof data !== "object" || data === null) return undefined
  const { type, detail } = data as Record<string, unknown>
  return { type: typeof type === "string" ? type : undefined, detail: typeof detail === "string" ? detail : undefined }
}
