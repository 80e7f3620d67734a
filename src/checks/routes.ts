import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { BaseDomain } from "./base-domain"
import type { Check } from "./check"
import type { HostnameReport } from "./hostname"

/** The session of an administrator; throws `unauthorized` or `forbidden`. */
type Guard = (request: Request) => Promise<{ personId: string }>

/** What can be looked at. */
export type Checkup = {
  /** Every check of this server, at once. */
  server(): Promise<Check[]>
  /** A hostname that is served, or should be, whoever has it. Throws `invalid`. */
  served(name: string): Promise<Check[]>
  /** The base domain in force, or one that is thought of. Throws `invalid`. */
  baseDomain(
    name?: string,
  ): Promise<BaseDomain & { in_force: boolean; is_default: boolean; public_addresses: string[]; lan_addresses: string[] }>
  /** Throws `invalid`. */
  hostname(personId: string, name: string): Promise<HostnameReport>
}

/** `/admin/checks`: how the server stands as it is now, for administrators' sessions. Nothing is changed by looking. Errors are `{"error": "…"}`. */
export const checkRoutes = (checkup: Checkup, guard: Guard) =>
  new Elysia({ name: "check-routes" })
    .get("/admin/checks", async ({ request }) => {
      await guard(request)
      const hostname = parameter(request, "hostname")
      return { checks: await (hostname === undefined ? checkup.server() : checkup.served(hostname)) }
    })
    .get("/admin/checks/base-domain", async ({ request }) => {
      await guard(request)
      return checkup.baseDomain(parameter(request, "name"))
    })
    .get("/admin/checks/hostname", async ({ request }) => {
      const { personId } = await guard(request)
      const name = parameter(request, "name")
      if (name === undefined) throw new AppError("invalid", "name required, such as ?name=app.example.com")
      return checkup.hostname(personId, name)
    })

const parameter = (request: Request, name: string) => new URL(request.url).searchParams.get(name)?.trim() || undefined
