import { cors } from "@elysiajs/cors"
import { Elysia } from "elysia"

/** Decides which browser origins may read our answers: exact origins, and `https://*.<base>` patterns. */
export function allowOrigins(patterns: string[]): (origin: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")))
  const suffixes = patterns.filter((pattern) => pattern.includes("*")).map((pattern) => pattern.split("*", 2) as [string, string])
  return (origin) =>
    exact.has(origin) ||
    suffixes.some(([scheme, tail]) => {
      const label = origin.slice(scheme.length, origin.length - tail.length)
      return origin.startsWith(scheme) && origin.endsWith(tail) && /^[a-z0-9.-]+$/.test(label)
    })
}

/** Whether a page of this origin is a container's own name below the base domain, unless `listed` names just that origin. */
export function isContainerPage(origin: string, baseDomain: string, listed: string[]): boolean {
  return URL.canParse(origin) && new URL(origin).hostname.endsWith(`.compute.${baseDomain}`) && !listed.includes(origin)
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
const names = (...lists: string[]) => lists.flatMap((list) => list.split(", "))
const allowedHeaders = names(
  "Content-Type, Authorization, Idempotency-Key, X-Requested-With",
  // Of files, and of uploads that are gone on with.
  "X-File-Size, X-Transfer-Id, Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range",
  "Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, Upload-Defer-Length",
)
const exposeHeaders = names(
  "Retry-After, X-Request-ID",
  "ETag, Link, Content-Length, Content-Range, Accept-Ranges, Content-Disposition, Last-Modified",
  "Location, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires, Tus-Resumable, Tus-Version, Tus-Extension",
)

/**
 * Cross-origin headers before authentication (Fetch standard); every OPTIONS is answered here, 200 and empty. Pages that `embeds` the widget may call the
 * connect API with tokens of their own, and never with a cookie. `discovery` is what OPTIONS of a path says besides.
 */
export const corsPolicy = (
  isAllowed: (origin: string) => boolean,
  embeds: (origin: string) => boolean = () => false,
  discovery: Record<string, Record<string, string>> = {},
) =>
  new Elysia({ name: "cors-policy" })
    .use(
      cors({
        origin: (request) => isAllowed(request.headers.get("origin") ?? ""),
        methods,
        allowedHeaders,
        exposeHeaders,
        credentials: true,
        preflight: false,
      }),
    )
    .onRequest(({ request, set }) => {
      // The plugin sends the rest of its headers to everybody; an origin that is not allowed is told nothing.
      const origin = request.headers.get("origin") ?? ""
      if (!isAllowed(origin)) {
        for (const name of Object.keys(set.headers)) if (name.startsWith("access-control-")) delete set.headers[name]
        if (new URL(request.url).pathname.startsWith("/v1/") && embeds(origin)) {
          set.headers["access-control-allow-origin"] = origin
          set.headers["access-control-allow-methods"] = methods.join(", ")
          set.headers["access-control-allow-headers"] = allowedHeaders.join(", ")
          set.headers["access-control-expose-headers"] = exposeHeaders.join(", ")
          set.headers.vary = "Origin"
        }
      }
      if (request.method === "OPTIONS") return new Response(null, { status: 200, headers: discovery[new URL(request.url).pathname] ?? {} })
    })
