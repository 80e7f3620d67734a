import { describeError } from "../errors"
import { type FaultReason, ProviderFault } from "./provider"
import { retryAfter } from "./retry-after"

// One call, in order: send, read the whole answer within the bounds → what the adapter says of it (`judge`) → else what its status says:
// 2xx and `handed` statuses go to the adapter, 401 and 403 are denied, 429 is later, other 4xx are refused, and the rest is unreachable.
// Not done: retries (who calls knows whether anybody waits), redirects (the credential would go along), cookies.

const callTimeoutMs = 15_000
const maxAnswerBytes = 8 * 1024 * 1024
const maxMessageLength = 500

export type Fields = Record<string, unknown>

/** What an adapter can tell of an answer beyond its status: that it is a fault, or which of its words say why. */
export type Judgement = { reason?: FaultReason; words?: string; retryAfterMs?: number }

export type HttpApiOptions = {
  /** For messages. */
  provider: string
  /** Without a slash at its end. */
  baseUrl: string
  /** Sent with every call. */
  headers?: Record<string, string>
  /** Texts that no message may hold; what is derived from the credential and sent (such as Basic authentication) belongs here too. */
  secrets: string[]
  /** Headers that depend on the call, such as a signature. */
  sign?: (call: { method: string; url: URL; headers: Headers; body: string }) => Record<string, string> | Promise<Record<string, string>>
  /** Asked about every answer; a `reason` makes it a fault even where its status is a good one. */
  judge?: (answer: ApiAnswer) => Judgement | undefined
  timeoutMs?: number
  now?: () => number
}

export type CallOptions = {
  signal: AbortSignal
  query?: Record<string, string | number | undefined>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it stands, with its type. */
  body?: { type: string; text: string }
  headers?: Record<string, string>
  /** Statuses that go to the adapter as they are; 404 unless given. */
  handed?: number[]
}

/** What a provider answered, read to its end. */
export class ApiAnswer {
  constructor(
    private provider: string,
    readonly status: number,
    readonly headers: Headers,
    readonly text: string,
  ) {}

  /** The JSON in the body, or undefined where it is none. */
  value(): unknown {
    try {
      return JSON.parse(this.text)
    } catch {
      return undefined
    }
  }

  /** The JSON object in the body; throws `unreachable` where it is none. */
  object(): Fields {
    const value = this.value()
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.unlike("an object")
    return value as Fields
  }

  /** The list of objects in the body, or at a key of its object; throws `unreachable` where there is none, lest it be taken for an empty one. */
  list(key?: string): Fields[] {
    const value = key === undefined ? this.value() : this.object()[key]
    if (!Array.isArray(value) || value.some((item) => typeof item !== "object" || item === null)) throw this.unlike("a list")
    return value as Fields[]
  }

  private unlike(what: string): ProviderFault {
    return new ProviderFault("unreachable", `${this.provider} answered ${this.status} without ${what} where its API documents one`)
  }
}

/** Calls one provider's HTTP API with one credential; whatever goes wrong is a ProviderFault without the credential in it. */
export class HttpApi {
  private secrets: string[]
  private now: () => number

  constructor(private options: HttpApiOptions) {
    const { secrets, now = Date.now } = options
    const forms = secrets.flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    this.secrets = [...new Set(forms)].filter((secret) => secret !== "").sort((a, b) => b.length - a.length)
    this.now = now
  }

  /** One call; `path` begins with a slash, its parts are encoded by the caller. Answers for 2xx and `handed` statuses. */
  async call(method: string, path: string, options: CallOptions): Promise<ApiAnswer> {
    const answer = await this.send(method, path, options)
    const judgement = this.options.judge?.(answer)
    const isGood = (answer.status >= 200 && answer.status < 300) || (options.handed ?? [404]).includes(answer.status)
    if (isGood && judgement?.reason === undefined) return answer
    const reason = judgement?.reason ?? reasonOf(answer)
    const words = judgement?.words ?? usualWords(answer)
    const retryAfterMs = judgement?.retryAfterMs ?? retryAfter(answer.headers, this.now())
    const later = reason === "rate_limited" || reason === "unreachable" ? { retryAfterMs } : {}
    throw this.fault(
      reason,
      `${this.options.provider} answered ${answer.status} to ${method} ${path}: ${words || "no reason given"}`,
      later,
    )
  }

  /** A fault in the adapter's own words, which are cleaned of the credential as all others are. */
  fault(reason: FaultReason, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}): ProviderFault {
    return new ProviderFault(reason, this.scrub(message), options)
  }

  private async send(method: string, path: string, options: CallOptions): Promise<ApiAnswer> {
    const { provider, baseUrl, headers, sign, timeoutMs = callTimeoutMs } = this.options
    if (!/^\/[^\s?#\\]*$/.test(path) || /\/\.{1,2}(\/|$)/.test(path))
      throw this.fault("refused", `"${path}" is no path of the API of ${provider}`)
    const url = new URL(baseUrl + path)
    for (const [key, value] of Object.entries(options.query ?? {})) if (value !== undefined) url.searchParams.set(key, String(value))
    const body = options.json === undefined ? options.body : { type: "application/json", text: JSON.stringify(options.json) }
    const sent = new Headers({ accept: "application/json", "user-agent": "freehold", ...headers, ...options.headers })
    if (body) sent.set("content-type", body.type)
    try {
      if (sign)
        for (const [name, value] of Object.entries(await sign({ method, url, headers: sent, body: body?.text ?? "" })))
          sent.set(name, value)
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)])
      // On a kept connection that breaks, Bun sends a PUT or DELETE once more by itself, so that nobody learns of the first one.
      const response = await fetch(url, { method, headers: sent, body: body?.text, signal, redirect: "manual", keepalive: false })
      return new ApiAnswer(provider, response.status, response.headers, await readLimited(response, maxAnswerBytes))
    } catch (error) {
      // The fault keeps no cause: fetch's own errors carry the URL, whose query is where some providers want the credential.
      throw this.fault("unreachable", `${provider} could not be asked (${method} ${path}): ${describeError(error)}`)
    }
  }

  private scrub(text: string): string {
    // Cut last: a credential that lay across the end would lose its tail and be no match.
    return this.secrets.reduce((clean, secret) => clean.replaceAll(secret, "…"), text).slice(0, maxMessageLength)
  }
}

/** The text of a field, of a number its digits; empty where there is neither. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : ""
}

/** The number in a field, or `otherwise`. */
export function numberOf(value: unknown, otherwise: number): number {
  const number = typeof value === "string" && value !== "" ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) ? number : otherwise
}

/** The object in a field, or one without fields. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function reasonOf({ status, headers }: ApiAnswer): FaultReason {
  // A page with 403 comes from something in between, which knows nothing of the credential.
  if (status === 403 && headers.get("content-type")?.startsWith("text/html")) return "unreachable"
  if (status === 401 || status === 403) return "denied"
  if (status === 429) return "rate_limited"
  return status >= 400 && status < 500 && status !== 408 ? "refused" : "unreachable"
}

/** Texts in an error body, wherever the usual fields have them; a page is no words. */
function usualWords(answer: ApiAnswer): string {
  if (answer.status >= 300 && answer.status < 400) return "a redirect, which is not followed"
  const value = answer.value()
  const words = value === undefined ? (answer.text.trimStart().startsWith("<") ? "" : answer.text) : textsIn(value).join("; ")
  return words.replaceAll(/\s+/g, " ").trim()
}

function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === "string") return [value]
  if (typeof value !== "object" || value === null || depth > 5) return []
  if (Array.isArray(value)) return value.flatMap((item) => textsIn(item, depth + 1))
  return Object.entries(value).flatMap(([key, item]) =>
    textsIn(item, depth + 1).map((text) => (plainKeys.has(key) ? text : `${key}: ${text}`)),
  )
}

const plainKeys = new Set(["message", "error", "errors", "detail", "details", "description", "reason"])

/** The whole body as text; throws where it is longer than `maxBytes`. */
export async function readLimited(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the answer is too long: more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}
