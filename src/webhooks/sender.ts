import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"
import { isIP } from "node:net"
import { type ConnectionOptions, createSecureContext, rootCertificates, type SecureContext } from "node:tls"
import { describeError } from "../errors"
import { type Target, TargetRefused, type TargetRule, TargetUnknown } from "./target-rule"

/** How one try went: delivered when `error` is null. `reply` is the beginning of the answer's body. */
export type Outcome = { status: number | null; error: string | null; durationMs: number; reply: string }

export type SenderNeeds = {
  rule: TargetRule
  /** For the whole try: the name, the connection, the request and all of the answer. */
  limitMs: number
  /** PEM roots that are trusted besides the usual ones. */
  extraRoots: () => Promise<string[]>
}

/** What is kept of an answer, and what is read of it before we hang up. */
const keptBytes = 1024
const readBytes = 64 * 1024

/** Addresses of one name that are tried one after the other. */
const maxAddresses = 4

/*
 * One POST: look up the name → check every address → connect to one of exactly these → TLS for the hostname, verified → request → answer.
 * By node:https rather than fetch, which heeds HTTP_PROXY (the proxy would look the name up again), follows redirects and unpacks answers by
 * itself. Not done: a redirect is never followed, no connection is used twice, an answer is not unpacked.
 */
export class Sender {
  private trusted: Promise<SecureContext> | undefined

  constructor(private needs: SenderNeeds) {}

  /** Sends once; whatever the receiver or the network does is an outcome. Rejects only when `signal` says so. */
  async post(href: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<Outcome> {
    const start = performance.now()
    const { limitMs } = this.needs
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new Error(`no whole answer within ${limitMs / 1000} s`)), limitMs)
    const exchange = new Exchange(AbortSignal.any([signal, late.signal]))
    let error: string | null = null
    try {
      await this.exchange(exchange, href, headers, body)
      error = fault(exchange)
    } catch (thrown) {
      signal.throwIfAborted()
      error = late.signal.aborted ? describeError(late.signal.reason) : inWords(thrown)
    } finally {
      clearTimeout(timer)
    }
    return { status: exchange.status, error, durationMs: Math.round(performance.now() - start), reply: exchange.reply }
  }

  private async exchange(exchange: Exchange, href: string, headers: Record<string, string>, body: string): Promise<void> {
    const target = await exchange.within(this.needs.rule.target(href))
    const context = await exchange.within(this.roots())
    const addresses = target.addresses.slice(0, maxAddresses)
    for (const [index, address] of addresses.entries()) {
      try {
        return await exchange.run(requestTo(href, target, address, headers, body, context), body)
      } catch (error) {
        // Where the connection was made, the receiver may have heard us: that was the try.
        if (exchange.isConnected || exchange.signal.aborted || index === addresses.length - 1) throw error
      }
    }
  }

  /** Made once: to read all the roots takes longer than all the rest of a try. */
  private roots(): Promise<SecureContext> {
    const made = (this.trusted ??= this.needs.extraRoots().then((extra) => createSecureContext({ ca: [...rootCertificates, ...extra] })))
    made.catch(() => (this.trusted = undefined))
    return made
  }
}

/** One request on its way, and what came back of it. */
class Exchange {
  status: number | null = null
  isConnected = false
  private kept: Buffer[] = []
  private size = 0

  constructor(readonly signal: AbortSignal) {}

  /** Control characters apart, as a person may see it. */
  get reply(): string {
    const text = new TextDecoder().decode(Buffer.concat(this.kept).subarray(0, keptBytes))
    return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "\ufffd")
  }

  /** The result, or a rejection when the time is up before. */
  within<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const stop = () => reject(this.signal.reason)
    if (this.signal.aborted) stop()
    this.signal.addEventListener("abort", stop, { once: true })
    work.then(resolve, reject)
    return promise.finally(() => this.signal.removeEventListener("abort", stop))
  }

  /** Resolves at the end of the answer, or when enough of it was read; the connection is gone afterwards in any case. */
  async run(request: ClientRequest, body: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    request.on("socket", (socket) => {
      const connected = () => (this.isConnected = true)
      if (!socket.connecting) connected()
      socket.once("connect", connected)
    })
    request.on("response", (response: IncomingMessage) => {
      this.status = response.statusCode ?? null
      response.on("data", (chunk: Buffer) => {
        if (this.size < keptBytes) this.kept.push(chunk.subarray(0, keptBytes - this.size))
        this.size += chunk.length
        if (this.size >= readBytes) resolve()
      })
      response.on("end", () => (response.complete ? resolve() : reject(brokenOff())))
      response.on("error", () => reject(brokenOff()))
    })
    request.on("error", (error) => reject(this.status === null ? error : brokenOff()))
    request.on("upgrade", (response) => reject(new Error(`the receiver answered ${response.statusCode}, which no webhook asked for`)))
    // Should nothing else have said why; once there is an answer, its own events say how it ends.
    request.on("close", () => this.status === null && reject(new Error("the connection ended without an answer")))
    request.end(body)
    try {
      await this.within(promise)
    } finally {
      request.destroy()
    }
  }
}

function requestTo(
  href: string,
  { hostname, port }: Target,
  host: string,
  headers: Record<string, string>,
  body: string,
  secureContext: SecureContext,
): ClientRequest {
  const url = new URL(href)
  const options: RequestOptions = {
    // The address itself, so that nothing is looked up a second time.
    host,
    port,
    method: "POST",
    path: `${url.pathname}${url.search}`,
    agent: false,
    headers: { ...headers, Host: url.host, "Content-Length": String(Buffer.byteLength(body)) },
  }
  if (url.protocol === "http:") return requestHttp(options)
  // RFC 6066 section 3: an address is no server name; its certificate is checked for the address.
  const servername = isIP(hostname) === 0 ? { servername: hostname } : {}
  // Said out loud, so that NODE_TLS_REJECT_UNAUTHORIZED has no say.
  const tls: Pick<ConnectionOptions, "secureContext" | "servername" | "rejectUnauthorized"> = {
    ...servername,
    secureContext,
    rejectUnauthorized: true,
  }
  return requestHttps({ ...options, ...tls })
}

const brokenOff = () => new Error("the answer broke off")

/** Why an answer that came is none that counts. */
function fault({ status }: Exchange): string | null {
  if (status !== null && status >= 200 && status < 300) return null
  if (status !== null && status >= 300 && status < 400) return `the receiver answered ${status}: redirects are not followed`
  return `the receiver answered ${status}`
}

function inWords(error: unknown): string {
  if (error instanceof TargetRefused || error instanceof TargetUnknown) return error.message
  const { code } = error as NodeJS.ErrnoException
  const said = describeError(error).slice(0, 300)
  if (code === undefined) return said
  return /CERT|TLS|SSL|SIGNATURE/.test(code) ? `the certificate was refused: ${said}` : (faults[code] ?? said)
}

const faults: Record<string, string> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the receiver cut the connection",
  EPIPE: "the receiver cut the connection",
  ENETUNREACH: "the network is unreachable",
  EHOSTUNREACH: "the host is unreachable",
  ETIMEDOUT: "the connection timed out",
  HPE_HEADER_OVERFLOW: "the receiver's header is too large",
}
