import { randomBytes } from "node:crypto"
import { Elysia } from "elysia"

/** A file of the dashboard: its bytes by coding. */
export type DashboardFile = { type: string; gzip: Uint8Array<ArrayBuffer>; brotli: Uint8Array<ArrayBuffer> }

/** `page` is the document that opens every page, with `{{nonce}}` where the nonce of its policy goes; `files` are by their path. */
export type Dashboard = { page: string; files: Map<string, DashboardFile> }

/** First segments of the dashboard's own addresses; what is not here belongs to the APIs. */
export const dashboardPlaces = [
  "login",
  "welcome",
  "hostnames",
  "domains",
  "containers",
  "files",
  "access",
  "applications",
  "administration",
  "reference",
]

/** Where the files of the dashboard lie; their names change with what they hold. */
export const assetsPath = "/dashboard"

/**
 * The dashboard: one document at each of its addresses and the files that it names. The document's policy lets in what this host serves and nothing
 * else (CSP Level 3); the nonce is for style sheets that libraries make while they run.
 */
export function dashboardRoutes(dashboard: () => Promise<Dashboard>) {
  const document = async () => {
    const nonce = randomBytes(16).toString("base64url")
    const { page } = await dashboard()
    return new Response(page.replaceAll("{{nonce}}", nonce), { headers: { ...common, "content-security-policy": policy(nonce) } })
  }
  const app = new Elysia({ name: "dashboard-routes" }).get("/", document)
  for (const place of dashboardPlaces) app.get(`/${place}`, document).get(`/${place}/*`, document)
  return app.get(`${assetsPath}/:file`, async ({ request, params }) => {
    const { files } = await dashboard()
    const file = files.get(params.file)
    if (file === undefined) return new Response("not found", { status: 404, headers: { "cache-control": "no-store" } })
    const headers = {
      "content-type": file.type,
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
    }
    const accepts = request.headers.get("accept-encoding") ?? ""
    if (takes(accepts, "br")) return new Response(file.brotli, { headers: { ...headers, "content-encoding": "br" } })
    if (takes(accepts, "gzip")) return new Response(file.gzip, { headers: { ...headers, "content-encoding": "gzip" } })
    return new Response(Bun.gunzipSync(file.gzip), { headers })
  })
}

const common = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
}

const policy = (nonce: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ")

/** Whether a coding is taken; a weight of zero is a refusal (RFC 9110 section 12.5.3). */
export const takes = (accepts: string, coding: string): boolean =>
  accepts.split(",").some((one) => {
    const [name = "", ...parameters] = one.split(";").map((part) => part.trim().toLowerCase())
    return name === coding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
