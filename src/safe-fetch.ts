/**
 * Requests to addresses that somebody else chose (server-side request forgery): URL checked → name resolved, once → every address weighed → connection
 * to exactly an address that passed → certificate checked for the name → answer within its bounds.
 *
 * Truth list:
 * - `https` alone; no redirects: a 3xx is an answer like any other. No cookies, no cache, one connection a request.
 * - node:https and not `fetch`: with HTTPS_PROXY in the environment Bun's fetch goes to the proxy, which would resolve the name again by itself.
 * - Only addresses that IANA lists as globally reachable pass (RFC 6890), so private networks, loopback, link-local (cloud metadata), NAT64 and
 *   6to4 forms of IPv4 addresses do not; `allow` opens ranges, for a house that knows its own.
 */
import { request } from "node:https"
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"
import { isInRange, parseIp } from "./ip-address"
import { kindOfAddress } from "./special-addresses"

export type SafeFetchOptions = {
  /** All addresses of a hostname; throws where it has none or cannot be asked. */
  resolve: (hostname: string) => Promise<string[]>
  /** Address ranges such as `10.0.0.0/8` that are reached although they are not public. */
  allow: readonly string[]
  /** For everything: resolving, connecting, and the answer to its last byte. */
  timeoutMs: number
  /** Of the answer's body; the rest is not read. */
  maxBytes: number
  /** Trusted roots instead of the usual ones, PEM. */
  ca?: string
  method?: string
  /** `host` and the framing of the body are not for the caller to set. */
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Ends the request early. */
  signal?: AbortSignal
}

/** `truncated` says that there was more than `maxBytes`. */
export type SafeResponse = { status: number; headers: Headers; body: Uint8Array; truncated: boolean; address: string }

/**
 * `refused`: the URL or its addresses are not allowed, nothing was sent. `unresolved`: the name has no address. `unreachable`: no connection, a
 * certificate that does not hold, or an answer that is not HTTP. `timeout`: out of time, or ended by the caller.
 */
export class SafeFetchError extends Error {
  /** The message may be shown to whoever chose the URL: it tells of refused addresses only that they are refused. */
  constructor(
    readonly reason: "refused" | "unresolved" | "unreachable" | "timeout",
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super(message, options)
    this.name = "SafeFetchError"
  }
}

const maxAddresses = 3
const nobodyThere = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"])

/** One request over HTTPS, made so that it reaches only what it may. Throws SafeFetchError for whatever the URL, the network or the far end is like. */
export async function safeFetch(url: string | URL, options: SafeFetchOptions): Promise<SafeResponse> {
  const target = parseTarget(url)
  const signal = AbortSignal.any([AbortSignal.timeout(options.timeoutMs), ...(options.signal === undefined ? [] : [options.signal])])
  const addresses = await allowedAddresses(target, options, signal)
  for (const [index, address] of addresses.entries()) {
    try {
      return await send(target, address, options, signal)
    } catch (error) {
      if (signal.aborted) throw new SafeFetchError("timeout", `${target.host} did not answer in time`, { cause: error })
      const code = String((error as { code?: unknown }).code ?? "")
      // Nothing was sent yet, so the next address may have it.
      if (nobodyThere.has(code) && index < addresses.length - 1) continue
      throw new SafeFetchError("unreachable", `${target.host} could not be asked: ${reasonOf(error, code)}`, { cause: error })
    }
  }
  throw new SafeFetchError("unresolved", `${target.host} has no address`)
}

/** Whether an address is one of the public Internet, or lies in one of the ranges that are allowed beside it. */
export function isReachableAddress(text: string, allow: readonly string[]): boolean {
  const address = parseIp(text)
  if (address === undefined) return false
  return allow.some((cidr) => isInRange(address, cidr)) || kindOfAddress(address) === undefined
}

function parseTarget(url: string | URL): URL {
  if (!URL.canParse(String(url))) throw new SafeFetchError("refused", "the URL is malformed")
  const target = new URL(url)
  if (target.protocol !== "https:") throw new SafeFetchError("refused", "the URL must begin with https://")
  if (target.username !== "" || target.password !== "") throw new SafeFetchError("refused", "the URL must not hold a name or password")
  return target
}

async function allowedAddresses(target: URL, options: SafeFetchOptions, signal: AbortSignal): Promise<string[]> {
  const host = target.hostname.replace(/^\[|\]$/g, "")
  const all = isIP(host) === 0 ? await resolved(host, options, signal) : [host]
  const allowed = all.filter((address) => isReachableAddress(address, options.allow))
  if (all.length === 0) throw new SafeFetchError("unresolved", `${target.host} has no address`)
  if (allowed.length === 0) throw new SafeFetchError("refused", `${target.host} leads to an address that is not allowed`)
  return allowed.slice(0, maxAddresses)
}

async function resolved(host: string, options: SafeFetchOptions, signal: AbortSignal): Promise<string[]> {
  const late = () => new SafeFetchError("timeout", `the address of ${host} was not found in time`)
  if (signal.aborted) throw late()
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = () => reject(late())
  signal.addEventListener("abort", end, { once: true })
  try {
    return await Promise.race([options.resolve(host), ended])
  } catch (error) {
    if (error instanceof SafeFetchError) throw error
    throw new SafeFetchError("unresolved", `the address of ${host} was not found`, { cause: error })
  } finally {
    signal.removeEventListener("abort", end)
  }
}

function send(target: URL, address: string, options: SafeFetchOptions, signal: AbortSignal): Promise<SafeResponse> {
  const host = target.hostname.replace(/^\[|\]$/g, "")
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = value
  const body = options.body === undefined ? undefined : Buffer.from(options.body)
  const { promise, resolve, reject } = Promise.withResolvers<SafeResponse>()
  const outgoing = request(
    {
      host: address,
      // A server name is never an IP address (RFC 6066 section 3); the certificate is then checked for the address itself.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      port: target.port === "" ? 443 : Number(target.port),
      path: `${target.pathname}${target.search}`,
      method: options.method ?? "GET",
      headers: {
        ...headers,
        host: target.host,
        // What is counted is what came over the wire, so that nothing small unfolds into something large.
        "accept-encoding": "identity",
        ...(body === undefined ? {} : { "content-length": String(body.length) }),
      },
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      rejectUnauthorized: true,
      agent: false,
      signal,
    },
    (incoming) => readAnswer(incoming, options.maxBytes).then((read) => resolve({ ...read, address }), reject),
  )
  outgoing.on("error", reject)
  outgoing.end(body)
  return promise.finally(() => outgoing.destroy())
}

async function readAnswer(incoming: IncomingMessage, maxBytes: number): Promise<Omit<SafeResponse, "address">> {
  const headers = new Headers()
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) headers.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    const room = maxBytes - size
    chunks.push(chunk.subarray(0, room))
    size += Math.min(chunk.length, room)
    if (chunk.length > room) return { status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks), truncated: true }
  }
  return { status: incoming.statusCode ?? 0, headers, body: Buffer.concat(chunks), truncated: false }
}

function reasonOf(error: unknown, code: string): string {
  if (/CERT|LEAF|ISSUER|SIGNATURE|ALTNAME|SELF_SIGNED/i.test(code)) return "its certificate is not valid for it"
  if (nobodyThere.has(code)) return "no connection"
  return `the connection failed (${code || (error as Error).name})`
}
