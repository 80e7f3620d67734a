import { describeError } from "../errors"
import { UsageError } from "./arguments"

const requestLimitMs = 30_000
const leastPauseMs = 1_000
const mostPauseMs = 10_000

export const defaultServer = "http://127.0.0.1:8080"

/** The API said no, or could not be asked: `status` is 0 when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message)
    this.name = "ApiError"
  }

  /** Whether the same request may go well later without anybody changing it. */
  get mayPass(): boolean {
    return [0, 429, 502, 503, 504].includes(this.status)
  }
}

/** The API of one Freehold server, all families at one origin; each request ends within 30 seconds, and every fault is an ApiError. */
export class ApiClient {
  constructor(
    readonly server: string,
    private token: string | undefined,
    private limitMs = requestLimitMs,
  ) {}

  get = <T>(path: string) => this.send<T>("GET", path)
  post = <T>(path: string, body?: object) => this.send<T>("POST", path, body)
  put = <T>(path: string, body: object) => this.send<T>("PUT", path, body)
  patch = <T>(path: string, body: object) => this.send<T>("PATCH", path, body)
  delete = <T>(path: string) => this.send<T>("DELETE", path)

  /** A WebSocket that is still to open. */
  openSocket(path: string, protocol: string): Bun.WebSocket {
    const headers: Record<string, string> = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }
    const options: Bun.WebSocketOptions = { protocol, headers }
    // The types of browsers, which know no header fields, hide those of Bun.
    return new WebSocket(this.server.replace(/^http/, "ws") + path, options as unknown as string[]) as unknown as Bun.WebSocket
  }

  /** The body of an answer as it comes, without a limit of time once it has begun. */
  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const headers: Record<string, string> = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), this.limitMs)
    try {
      const options: BunFetchRequestInit = { headers, redirect: "manual", signal: abort.signal, timeout: false }
      const res = await fetch(this.server + path, options)
      clearTimeout(timer)
      if (!res.ok) throw new ApiError(res.status, messageOf(res.status, await res.text()), retryAfter(res))
      if (res.body !== null) yield* res.body
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError(0, unreachable(this.server, error, this.limitMs))
    } finally {
      clearTimeout(timer)
      // Whoever stops reading wants no more of it.
      abort.abort()
    }
  }

  /** Sends a file as the body; without a limit of time, for nobody knows how long it takes. The decoded JSON answer. */
  async upload<T>(method: string, path: string, body: Blob, headers: Record<string, string>): Promise<T> {
    const res = await this.open(path, { method, body, headers })
    return (await res.json().catch(() => undefined)) as T
  }

  /** An answer whose body is still to come, without a limit of time for it. */
  download = (path: string, headers: Record<string, string>): Promise<Response> => this.open(path, { headers })

  private async open(path: string, init: BunFetchRequestInit & { headers: Record<string, string> }): Promise<Response> {
    if (this.token !== undefined) init.headers.authorization = `Bearer ${this.token}`
    const refusal = (res: Response, text: string) => new ApiError(res.status, messageOf(res.status, text), retryAfter(res))
    try {
      const res = await fetch(this.server + path, { ...init, redirect: "manual", timeout: false })
      if (!res.ok) throw refusal(res, await res.text())
      return res
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError(0, unreachable(this.server, error, this.limitMs))
    }
  }

  /** The decoded JSON body, or undefined when the answer has none (204). */
  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json" }
    if (this.token !== undefined) headers.authorization = `Bearer ${this.token}`
    if (body !== undefined) headers["content-type"] = "application/json"
    let res: Response
    let text: string
    try {
      const signal = AbortSignal.timeout(this.limitMs)
      // A redirect is not followed: it would turn a POST into a GET, or carry the token elsewhere.
      res = await fetch(this.server + path, { method, headers, body: body && JSON.stringify(body), redirect: "manual", signal })
      text = await res.text()
    } catch (error) {
      throw new ApiError(0, unreachable(this.server, error, this.limitMs))
    }
    if (res.status >= 300 && res.status < 400) {
      const elsewhere = res.headers.get("location") ?? "another place"
      throw new ApiError(res.status, `${this.server} points to ${elsewhere}; name the right address with --server`)
    }
    if (!res.ok) throw new ApiError(res.status, messageOf(res.status, text), retryAfter(res))
    if (text.trim() === "") return undefined as T
    try {
      return JSON.parse(text) as T
    } catch {
      throw new ApiError(res.status, `${this.server}${path} did not answer with JSON; is that a Freehold server?`)
    }
  }
}

/** The list named `key` of an answer; throws ApiError when the server sent something else. */
export function listIn<T>(answer: unknown, key?: string): T[] {
  const list = key === undefined ? answer : (answer as Record<string, unknown> | null | undefined)?.[key]
  if (!Array.isArray(list)) throw new ApiError(200, "the answer is not the list that was asked for; is that a Freehold server?")
  return list as T[]
}

/** Origin of a server as a person gives it; throws UsageError. */
export function parseServer(text: string, given = "--server"): string {
  const withScheme = text.includes("://") ? text : `http://${text}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined
  const plain =
    url !== undefined && url.username === "" && url.password === "" && url.pathname === "/" && url.search === "" && url.hash === ""
  if (!plain || !/^https?:$/.test(url.protocol)) throw new UsageError(`${given} is an address such as ${defaultServer}, not "${text}"`)
  return url.origin
}

/** Goes on asking after a first answer, with growing pauses; undefined when `limitMs` is over. Faults that may pass are waited out. */
export async function waitFor<T>(limitMs: number, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const deadline = performance.now() + limitMs
  let leastMs = 0
  for (let pauseMs = leastPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, mostPauseMs)) {
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) return undefined
    await Bun.sleep(Math.min(Math.max(pauseMs, leastMs), leftMs))
    leastMs = 0
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      if (!(error instanceof ApiError) || !error.mayPass) throw error
      leastMs = error.retryAfterMs ?? 0
    }
  }
}

function messageOf(status: number, text: string): string {
  const said = bodyMessage(text).trim().slice(0, 2_000)
  return said === "" ? `the server answered ${status}` : said
}

/** Networking answers plain text, the other families `{"error": "…"}` or `{"error": {"message": "…"}}`. */
function bodyMessage(text: string): string {
  if (/^\s*<(!doctype|html)/i.test(text)) return ""
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  const error = typeof value === "object" && value !== null && "error" in value ? value.error : value
  if (typeof error === "string") return error
  if (typeof error === "object" && error !== null && "message" in error && typeof error.message === "string") return error.message
  return text
}

function retryAfter(res: Response): number | undefined {
  const seconds = Number(res.headers.get("retry-after") ?? Number.NaN)
  return seconds >= 0 ? seconds * 1_000 : undefined
}

function unreachable(server: string, error: unknown, limitMs: number): string {
  if (error instanceof Error && error.name === "TimeoutError") return `${server} did not answer within ${limitMs / 1_000} seconds`
  return `cannot reach ${server}: ${describeError(error)} (is Freehold running there? --server or FREEHOLD_SERVER names another address)`
}
