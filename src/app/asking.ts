import { canonicalHost } from "../hostname"

/**
 * `GET /internal/ask`, for proxies that ask before they order a certificate: 200 `{"allow":true}` or 403 `{"allow":false}`, from memory, by `?domain=`
 * (as Caddy asks) or `?host=` (as kamal-proxy does). Whoever may ask learns nothing else.
 */
export class Asking {
  constructor(private mayIssue: (hostname: string) => boolean) {}

  /** Undefined for every other request. */
  answer(request: Request): Response | undefined {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname !== "/internal/ask") return undefined
    if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET" } })
    const hostname = canonicalHost(searchParams.get("domain") ?? searchParams.get("host") ?? "")
    const allow = hostname !== undefined && this.mayIssue(hostname)
    return Response.json({ allow }, { status: allow ? 200 : 403, headers: { "cache-control": "no-store" } })
  }
}
