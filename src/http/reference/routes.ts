import { createHash } from "node:crypto"
import { Elysia } from "elysia"
import { takes } from "../dashboard-routes"
import { openApiDocument } from "./document"
import type { Example } from "./example"
import examples from "./examples.json"

type Served = { plain: Uint8Array<ArrayBuffer>; gzipped: Uint8Array<ArrayBuffer>; etag: string }

/** `GET /openapi.json`: the reference, made when it is first asked for. It has an ETag (RFC 9110 section 8.8.3), which changes with the build. */
export function referenceRoutes(routes: () => readonly { method: string; path: string }[]) {
  let served: Served | undefined
  return new Elysia({ name: "reference-routes" }).get("/openapi.json", ({ request }) => {
    served ??= prepare(openApiDocument(routes(), examples as Record<string, Example>))
    const { plain, gzipped, etag } = served
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "public, max-age=300",
      etag,
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
    }
    const known = request.headers.get("if-none-match") ?? ""
    if (known === "*" || known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag))
      return new Response(null, { status: 304, headers })
    return takes(request.headers.get("accept-encoding") ?? "", "gzip")
      ? new Response(gzipped, { headers: { ...headers, "content-encoding": "gzip" } })
      : new Response(plain, { headers })
  })
}

function prepare(document: object): Served {
  const plain = new TextEncoder().encode(JSON.stringify(document))
  const etag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`
  return { plain, gzipped: Bun.gzipSync(plain, { level: 9 }), etag }
}
