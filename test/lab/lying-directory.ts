import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { freePort } from "./ports"
import type { PebbleLab } from "./pebble"

/** A real ACME server behind somebody who can be told to answer orders with a rate limit instead (RFC 8555 section 6.6). */
export interface LyingDirectory {
  readonly directory: string
  /** How many orders were asked for, refused ones among them. */
  orders(): number
  /** From now on orders are refused with this text, for so long; undefined lets them through. */
  limit(said: { detail: string; retryAfterSeconds: number } | undefined): void
  stop(): Promise<void>
}

/** Stands in front of Pebble, under Pebble's own certificate. */
export async function startLyingDirectory(pebble: PebbleLab): Promise<LyingDirectory> {
  const file = (name: string) => readFile(join(dirname(pebble.caFile), name), "utf8")
  const [ca, cert, key] = await Promise.all([readFile(pebble.caFile, "utf8"), file("directory.pem"), file("directory.key")])
  const port = await freePort()
  let said: { detail: string; retryAfterSeconds: number } | undefined
  let orders = 0
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    tls: { cert, key },
    async fetch(req) {
      const { pathname, search } = new URL(req.url)
      if (pathname === "/order-plz") {
        orders++
        if (said !== undefined) {
          const problem = { type: "urn:ietf:params:acme:error:rateLimited", detail: said.detail, status: 429 }
          const nonce = await fetch(new URL("/nonce-plz", pebble.directory), { tls: { ca } })
          return Response.json(problem, {
            status: 429,
            headers: {
              "content-type": "application/problem+json",
              "retry-after": String(said.retryAfterSeconds),
              "replay-nonce": nonce.headers.get("replay-nonce") ?? "",
            },
          })
        }
      }
      // Pebble makes its addresses of the Host, so that everything comes this way.
      const headers = new Headers(req.headers)
      headers.set("host", `127.0.0.1:${port}`)
      const body = req.method === "POST" ? await req.arrayBuffer() : undefined
      return fetch(new URL(pathname + search, pebble.directory), { method: req.method, headers, body, tls: { ca }, redirect: "manual" })
    },
  })
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    orders: () => orders,
    limit: (next) => void (said = next),
    stop: () => server.stop(true),
  }
}
