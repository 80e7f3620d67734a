import { readFile } from "node:fs/promises"
import { X509Certificate } from "node:crypto"
import type { PebbleLab } from "./pebble"

/** What the front does with a request instead of passing it on; undefined passes it on. `resource` is Pebble's path, such as `/order-plz`. */
export type AcmeBehaviour = (request: {
  method: string
  resource: string
  payload: unknown
}) => Promise<Response | undefined> | Response | undefined

/** Stands between the product and a real Pebble: sees each order and each certificate by hostname, and can be told to misbehave. */
export interface AcmeFront {
  readonly directory: string
  /** newOrder requests that Pebble took, by hostname. */
  readonly orders: Map<string, number>
  /** Serial numbers of the certificates that were downloaded, by hostname; in hexadecimal letters, as Node.js has them. */
  readonly certificates: Map<string, Set<string>>
  /** All requests since the start, passed on or not. */
  readonly requests: { method: string; resource: string; at: number }[]
  /** From now on; `undefined` ends it. */
  behave(behaviour: AcmeBehaviour | undefined): void
  /** A problem document (RFC 8555 section 6.7) as a CA sends it. */
  problem(status: number, type: string, detail: string, headers?: Record<string, string>): Response
  /** Connections are refused from now on, until it comes back. */
  leave(): Promise<void>
  comeBack(): void
  stop(): Promise<void>
}

/** Pebble makes its URLs from the Host field, so that all of them lead through here. */
export async function startAcmeFront(pebble: Pick<PebbleLab, "directory" | "caFile" | "server">): Promise<AcmeFront> {
  const [ca, cert, key] = await Promise.all(
    [pebble.caFile, pebble.server.certificate, pebble.server.privateKey].map((file) => readFile(file, "utf8")),
  )
  const behind = new URL(pebble.directory).origin
  const orders: AcmeFront["orders"] = new Map()
  const certificates: AcmeFront["certificates"] = new Map()
  const requests: AcmeFront["requests"] = []
  let behaviour: AcmeBehaviour | undefined
  const note = (resource: string, payload: unknown, status: number, body: string) => {
    if (resource === "/order-plz" && status === 201) {
      for (const { value } of (payload as { identifiers: { value: string }[] }).identifiers) orders.set(value, (orders.get(value) ?? 0) + 1)
    }
    if (resource.startsWith("/certZ/") && status === 200) {
      const leaf = new X509Certificate(body)
      const name = leaf.subjectAltName?.replace("DNS:", "") ?? ""
      certificates.set(name, (certificates.get(name) ?? new Set()).add(leaf.serialNumber))
    }
  }
  const serve = (at: number) => Bun.serve({ hostname: "127.0.0.1", port: at, idleTimeout: 0, tls: { cert, key }, fetch: take })
  const take = async (request: Request): Promise<Response> => {
    const { pathname: resource, host } = new URL(request.url)
    const { method } = request
    const body = method === "POST" ? await request.text() : undefined
    const payload = payloadOf(body)
    requests.push({ method, resource, at: Date.now() })
    const instead = await behaviour?.({ method, resource, payload })
    if (instead) return instead
    const headers = new Headers({ host, "user-agent": request.headers.get("user-agent") ?? "" })
    const type = request.headers.get("content-type")
    if (type !== null) headers.set("content-type", type)
    const answer = await fetch(behind + resource, {
      method,
      headers,
      body,
      tls: { ca },
      redirect: "manual",
      signal: AbortSignal.timeout(20_000),
    })
    const text = await answer.text()
    note(resource, payload, answer.status, text)
    const given = new Headers(answer.headers)
    for (const name of ["content-length", "content-encoding", "transfer-encoding"]) given.delete(name)
    return new Response(method === "HEAD" || answer.status === 204 ? null : text, { status: answer.status, headers: given })
  }
  let server = serve(0)
  const port = server.port ?? 0
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    leave: () => server.stop(true),
    comeBack: () => {
      server = serve(port)
    },
    orders,
    certificates,
    requests,
    behave: (next) => {
      behaviour = next
    },
    problem: (status, type, detail, headers) =>
      Response.json(
        { type: `urn:ietf:params:acme:error:${type}`, detail, status },
        { status, headers: { "content-type": "application/problem+json", "replay-nonce": "bm9uY2UtZnJvbS10aGUtZnJvbnQ", ...headers } },
      ),
    stop: () => server.stop(true),
  }
}

/** What a JWS in flattened JSON serialization (RFC 7515 section 7.2.2) says; undefined for none, and for a POST-as-GET. */
function payloadOf(body: string | undefined): unknown {
  if (!body) return undefined
  const { payload } = JSON.parse(body) as { payload?: string }
  return payload ? JSON.parse(Buffer.from(payload, "base64url").toString()) : undefined
}
