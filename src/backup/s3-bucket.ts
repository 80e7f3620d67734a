import { createHash } from "node:crypto"
import { AwsV4Signer } from "aws4fetch"
import { XMLParser } from "fast-xml-parser"
import { AppError, describeError } from "../errors"

/** How a bucket is reached: any server that speaks S3, signed by Signature Version 4. */
export type S3Access = {
  /** Without a path. */
  endpoint: string
  region: string
  accessKey: string
  secretKey: string
  /** `path`: `https://host/bucket/key`; `virtual`: `https://bucket.host/key`. */
  style: "path" | "virtual"
  /** PEM of the root that the server's certificate is checked against; undefined for those of the system. */
  ca: string | undefined
}

export type S3Request = {
  key?: string
  query?: Record<string, string>
  body?: Uint8Array
  headers?: Record<string, string>
  /** Statuses that the caller understands, beside those of success. */
  accepts?: number[]
}

/** An answer whose body is still to come. */
export type S3Answer = { status: number; headers: Headers; body: ReadableStream<Uint8Array> | null; text: () => Promise<string> }

const tries = 5
const answerLimitMs = 60_000
const mostIdleMs = 60_000
/** A page of a list has a thousand names of at most a kilobyte, and some words around each. */
const mostTextBytes = 8 * 1024 ** 2
/** What the slowest line that is still of use sends: 64 KiB a second. */
const leastRate = 64

/** One bucket of an S3 server: signs, limits the time of and repeats requests. What may pass (no answer, 5xx, 429) is tried five times, a bit later each time. */
export class S3Bucket {
  readonly shown: string

  constructor(
    private access: S3Access,
    private bucket: string,
    private pauseMs = 500,
    private idleLimitMs = mostIdleMs,
  ) {
    this.shown = `s3://${bucket}`
  }

  /** The answer of a request that went well, or with a status that is accepted. Throws an AppError that says what the server said. */
  async ask(method: string, request: S3Request): Promise<S3Answer> {
    for (let attempt = 1; ; attempt++) {
      let fault: AppError
      let leastPauseMs = 0
      try {
        const res = await this.send(method, request)
        const text = () => this.text(res)
        if (res.ok || request.accepts?.includes(res.status) === true)
          return { status: res.status, headers: res.headers, body: res.body, text }
        const said = await text().catch(() => "")
        fault = this.refusal(res.status, said)
        if (!mayPass(res.status, said)) throw fault
        leastPauseMs = Math.min(Number(res.headers.get("retry-after") ?? 0) * 1000 || 0, 30_000)
      } catch (error) {
        if (error instanceof AppError) throw error
        fault = new AppError("unavailable", `${this.access.endpoint} cannot be reached: ${inWords(error)}`, { cause: error })
      }
      if (attempt === tries) throw fault
      await Bun.sleep(Math.max(leastPauseMs, this.pauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)))
    }
  }

  private text(res: Response): Promise<string> {
    return textOf(res.body, this.idleLimitMs).catch((error) => {
      throw new AppError("bad_gateway", `${this.access.endpoint} broke off in its answer: ${inWords(error)}`, { cause: error })
    })
  }

  private async send(method: string, { key = "", query = {}, body, headers = {} }: S3Request): Promise<Response> {
    const { accessKey, secretKey, region, ca } = this.access
    const sent: Record<string, string> = {
      ...headers,
      "x-amz-content-sha256": createHash("sha256")
        .update(body ?? "")
        .digest("hex"),
    }
    // Of every server that checks one of the two, it is checked on the way.
    if (body !== undefined) sent["content-md5"] = createHash("md5").update(body).digest("base64")
    const signed = await new AwsV4Signer({
      method,
      url: this.url(key, query),
      headers: sent,
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      service: "s3",
      region,
    }).sign()
    const limit = new AbortController()
    const limitMs = answerLimitMs + ((body?.byteLength ?? 0) / leastRate / 1024) * 1000
    const timer = setTimeout(() => limit.abort(new Error(`no answer within ${Math.round(limitMs / 1000)} seconds`)), limitMs)
    try {
      return await fetch(signed.url, {
        method,
        headers: signed.headers,
        body: body as BodyInit | undefined,
        redirect: "manual",
        timeout: false,
        signal: limit.signal,
        ...(ca === undefined ? {} : { tls: { ca } }),
      } as BunFetchRequestInit)
    } finally {
      clearTimeout(timer)
    }
  }

  private url(key: string, query: Record<string, string>): string {
    const url = new URL(this.access.endpoint)
    if (this.access.style === "virtual") url.hostname = `${this.bucket}.${url.hostname}`
    const path = [...(this.access.style === "path" ? [this.bucket] : []), ...key.split("/")]
    url.pathname = `/${path.map((part) => encodeURIComponent(part)).join("/")}`
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    return url.href
  }

  private refusal(status: number, text: string): AppError {
    const { Code, Message } = errorIn(text)
    // The answer to HEAD has no body that could say more.
    const silent = status === 403 ? "its keys are unknown there, or may not do this" : ""
    const said = [Code, Message].filter((part) => part !== undefined && part !== "").join(": ") || silent
    const code = status === 404 ? "not_found" : status === 403 ? "forbidden" : status === 507 ? "out_of_space" : "bad_gateway"
    const elsewhere = status >= 300 && status < 400 ? "; is its region or its endpoint the right one?" : ""
    return new AppError(code, `${this.shown} refused (${status}${said === "" ? "" : ` ${said.slice(0, 300)}`})${elsewhere}`)
  }
}

/** A whole document; an answer that is longer than any of S3's is none. */
async function textOf(body: ReadableStream<Uint8Array> | null, limitMs: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of withinIdleLimit(body, limitMs)) {
    bytes += chunk.byteLength
    if (bytes > mostTextBytes) throw new Error(`its answer has more than ${mostTextBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The chunks of a body, and an error where none comes for a minute. */
export async function* withinIdleLimit(body: ReadableStream<Uint8Array> | null, limitMs = mostIdleMs): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (;;) {
      let timer: Timer | undefined
      const idle = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`nothing came for ${Math.round(limitMs / 1000)} seconds`)), limitMs)
      })
      const { done, value } = await Promise.race([reader.read(), idle]).finally(() => clearTimeout(timer))
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, isArray: (name) => ["Contents", "Upload"].includes(name) })

/** The element of an answer's document; throws `bad_gateway` for what is none. */
export function elementIn(text: string, name: string): Record<string, unknown> {
  let found: unknown
  try {
    found = (parser.parse(text) as Record<string, unknown>)[name]
  } catch {
    found = undefined
  }
  if (found === "") return {}
  if (typeof found !== "object" || found === null)
    throw new AppError("bad_gateway", `the S3 server did not answer with ${name}; is its endpoint the right one?`)
  return found as Record<string, unknown>
}

/** The code and message of an error document; none for what is no such document. */
export function errorIn(text: string): { Code?: string; Message?: string } {
  if (!text.includes("<Error")) return {}
  try {
    return elementIn(text, "Error") as { Code?: string; Message?: string }
  } catch {
    return {}
  }
}

function mayPass(status: number, text: string): boolean {
  // No space is nothing that passes in a minute.
  if (status === 507 || status === 501) return false
  return status >= 500 || status === 429 || status === 408 || errorIn(text).Code === "RequestTimeout"
}

function inWords(error: unknown): string {
  const code = (error as { code?: string }).code
  const said = describeError(error)
  return code === undefined || said.includes(code) ? said : `${said} (${code})`
}
