import { Elysia } from "elysia"
import { readText } from "../body"
import { linkPage, overPage, renewSeconds } from "./link-page"
import { linkStyle } from "./link-style"
import { linkText, standingOf } from "./link-words"
import type { Links } from "./links"
import { type ConnectGuard, readBody } from "./request"

const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Nobody keeps, frames, indexes or refers from the customer's page, whose address is a secret. */
const quiet = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-robots-tag": "noindex, nofollow",
  "x-content-type-options": "nosniff",
  "content-security-policy": policy,
}

/**
 * Links for customers: `/v1/connections/:id/link` for whoever may write connections, and the page at `/c/:secret` for whoever has its address, as HTML or
 * with `?format=text` as plain text. The parameter is called a secret so that the audit trail leaves it out.
 */
export const linkRoutes = (links: Links, guard: ConnectGuard) =>
  new Elysia({ name: "link-routes" })
    .post(
      "/v1/connections/:id/link",
      async ({ request, params }) => {
        const principal = await guard(request, ["connections:write"])
        const made = await links.create(principal, params.id, await readBody(request))
        return Response.json(made, { status: 201, headers: { "cache-control": "no-store" } })
      },
      { parse: "none" },
    )
    .get("/v1/connections/:id/link", async ({ request, params }) => links.list(await guard(request, ["connections:read"]), params.id))
    .delete("/v1/connections/:id/link", async ({ request, params }) => {
      await links.revoke(await guard(request, ["connections:write"]), params.id)
      return new Response(null, { status: 204 })
    })
    .get(
      "/link.css",
      () => new Response(linkStyle, { headers: { "content-type": "text/css; charset=utf-8", "cache-control": "no-cache" } }),
    )
    .get("/c/:secret", async ({ params, query }) => {
      const view = await links.view(params.secret)
      if (view === undefined) return html(404, overPage())
      if (query.format === "text")
        return new Response(linkText(view), { headers: { ...quiet, "content-type": "text/plain; charset=utf-8" } })
      const mode = { path: pathOf(params.secret), isStill: query.still !== undefined, isEarly: query.early !== undefined }
      const renews = !mode.isStill && standingOf(view).look !== "done"
      // The header does what a meta element would, and without `early`, which was said once.
      return html(200, linkPage(view, mode), renews ? { refresh: `${renewSeconds};url=${mode.path}` } : {})
    })
    .post(
      "/c/:secret/check",
      async ({ request, params }) => {
        const isStill = new URLSearchParams(await readText(request)).has("still")
        const outcome = await links.check(params.secret)
        if (outcome === undefined) return html(404, overPage())
        const query = [...(isStill ? ["still=1"] : []), ...(outcome === "early" ? ["early=1"] : [])].join("&")
        const location = pathOf(params.secret) + (query === "" ? "" : `?${query}`)
        return new Response(null, { status: 303, headers: { ...quiet, location } })
      },
      { parse: "none" },
    )

const pathOf = (secret: string) => `/c/${encodeURIComponent(secret)}`

const html = (status: number, text: string, more: Record<string, string> = {}) =>
  new Response(text, { status, headers: { ...quiet, ...more, "content-type": "text/html; charset=utf-8" } })
