/** What the API refused, in its own words. `status` 0 means that nothing answered. */
export class ApiFault extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code?: string,
    readonly details?: Record<string, unknown>,
    readonly retryAfterSeconds?: number,
  ) {
    super(message)
  }
}

/** The origin of the API where the page comes from another one (`<meta name="freehold-api" content="https://…">`); else empty. */
export const apiOrigin = document.querySelector<HTMLMetaElement>('meta[name="freehold-api"]')?.content.replace(/\/$/, "") ?? ""

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

export type AskOptions = { signal?: AbortSignal; headers?: Record<string, string> }

/** Asks the API and answers what it said: JSON as a value, other text as a string, nothing as undefined. Throws `ApiFault`. */
export async function ask<T = unknown>(method: Method, path: string, body?: unknown, options: AskOptions = {}): Promise<T> {
  const isJson = body !== undefined && !(body instanceof Blob) && !(body instanceof FormData) && typeof body !== "string"
  const res = await reach(apiOrigin + path, {
    method,
    credentials: "include",
    signal: options.signal,
    headers: { ...(isJson ? { "content-type": "application/json" } : {}), ...options.headers },
    body: isJson ? JSON.stringify(body) : (body as BodyInit | undefined),
  })
  const text = await res.text().catch((error: unknown) => {
    if (options.signal?.aborted) throw error
    throw new ApiFault(0, "The answer broke off. Try again.")
  })
  if (!res.ok) throw faultOf(res, text)
  if (text === "") return undefined as T
  return (res.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text) as T
}

/** The body of an answer as it comes. Throws `ApiFault`. */
export async function askStream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const res = await reach(apiOrigin + path, { credentials: "include", signal })
  if (!res.ok || res.body === null) throw faultOf(res, await res.text())
  return res.body
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ApiFault(0, "Freehold does not answer. Is the server running, and is this device online?")
  }
}

/** Families of the API differ in how they say what is wrong: plain text, `{"error": "…"}`, `{"error": {"code", "message", "details"}}`. */
function faultOf(res: Response, text: string): ApiFault {
  const retryAfter = Number(res.headers.get("retry-after") ?? Number.NaN)
  const retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : undefined
  let error: unknown = text.trim()
  try {
    error = (JSON.parse(text) as { error?: unknown }).error ?? error
  } catch {
    // Plain text.
  }
  if (typeof error === "object" && error !== null) {
    const { code, message, details } = error as { code?: string; message?: string; details?: Record<string, unknown> }
    return new ApiFault(res.status, sentence(message ?? text), code, details, retryAfterSeconds)
  }
  const said = typeof error === "string" && error !== "" ? error : `the server answered ${res.status}`
  return new ApiFault(res.status, sentence(said), undefined, undefined, retryAfterSeconds)
}

/** The API writes its messages to stand within others; here they stand alone. */
export const sentence = (text: string): string => {
  const trimmed = text.trim()
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1)
  return /[.!?…]$/.test(first) ? first : `${first}.`
}
