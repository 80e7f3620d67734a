import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import { canonicalHost } from "../hostname"
import { registrableDomain } from "../registrable-domain"
import type { EmailDns } from "./service"

/** Who asks, with at least one of the scopes; `hostname` is the only name a bound widget token may act on. Throws `unauthorized` and `forbidden`. */
export type EmailGuard = (
  request: Request,
  ...anyOf: string[]
) => Promise<{ personId: string; environment: "test" | "live" | undefined; hostname?: string }>

/** `POST /v1/email/records`: what a domain's mail needs, for a reader or a widget, whose token may be bound to a hostname. */
export const emailRoutes = (email: EmailDns, guard: EmailGuard) =>
  new Elysia({ name: "email-routes" })
    .post(
      "/v1/email/records",
      async ({ request }) => {
        const { hostname } = await guard(request, "connections:read")
        const body = await readJsonObject(request, "the request body must be a JSON object")
        if (hostname !== undefined) checkBinding(body.domain, hostname)
        return email.records(body)
      },
      { parse: "none" },
    )
    .all(
      "/v1/email/records",
      async ({ request }) => {
        await guard(request, "connections:read")
        throw new AppError("method_not_allowed", "method not allowed")
      },
      { parse: "none" },
    )

/** Mail belongs to the domain that was registered, so that one is open to a token of a name below it. */
function checkBinding(domain: unknown, hostname: string): void {
  const wanted = typeof domain === "string" ? canonicalHost(domain) : undefined
  if (wanted === undefined || wanted === hostname || wanted === registrableDomain(hostname)) return
  throw new AppError("forbidden", `this token is for ${hostname} only`)
}
