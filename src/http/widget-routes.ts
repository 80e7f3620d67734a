import { createHash } from "node:crypto"
import { Elysia } from "elysia"
import { takes } from "./dashboard-routes"

type Served = { plain: Uint8Array<ArrayBuffer>; gzipped: Uint8Array<ArrayBuffer>; etag: string }

/**
 * `GET /widget.js`, for pages of every origin. Browsers ask after five minutes whether it changed (ETag, RFC 9110 section 8.8.3), so that an update of
 * the appliance reaches every page soon.
 */
export function widgetRoutes(text: () => Promise<string>) {
  let served: Promise<Served> | undefined
  return new Elysia({ name: "widget-routes" }).get("/widget.js", async ({ request }) => {
    served ??= text().then(prepare)
    const { plain, gzipped, etag } = await served
    const headers = {
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=300",
      etag,
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
      // For pages that isolate themselves (COEP); what is in it is no secret.
      "cross-origin-resource-policy": "cross-origin",
    }
    const known = request.headers.get("if-none-match") ?? ""
    if (known === "*" || known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag))
      return new Response(null, { status: 304, headers })
    return takes(request.headers.get("accept-encoding") ?? "", "gzip")
      ? new Response(gzipped, { headers: { ...headers, "content-encoding": "gzip" } })
      : new Response(plain, { headers })
  })
}

function prepare(script: string): Served {
  const plain = new TextEncoder().encode(script)
  const etag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`
  return { plain, gzipped: Bun.gzipSync(plain, { level: 9 }), etag }
}
