import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import { parseCertificateQuery } from "./certificate-list"
import type { HouseCertificates } from "./certificates"
import type { HouseSettings } from "./settings"
import type { System } from "./system"

/** The session of an administrator; throws `unauthorized` or `forbidden`. */
export type HouseGuard = (request: Request) => Promise<unknown>

export type HouseParts = {
  settings: HouseSettings
  certificates: HouseCertificates
  system: System
  /** What the limits of the directories leave. */
  limits: (limit: number) => Promise<object>
}

const raw = { parse: "none" } as const

/** The house itself, `/admin/settings`, `/admin/issuers`, `/admin/certificates`, `/admin/issuance-limits`, `/admin/system`: for administrators' sessions. Errors are `{"error": "…"}`. */
export const houseRoutes = ({ settings, certificates, system, limits }: HouseParts, guard: HouseGuard) =>
  new Elysia({ name: "house-routes" })
    .get("/admin/settings", async ({ request }) => {
      await guard(request)
      return { settings: settings.list() }
    })
    .put(
      "/admin/settings/:name",
      async ({ request, params }) => {
        await guard(request)
        const { value } = await readJsonObject(request, "invalid request body")
        return settings.set(params.name, value)
      },
      raw,
    )
    .delete("/admin/settings/:name", async ({ request, params }) => {
      await guard(request)
      return settings.unset(params.name)
    })
    .get("/admin/issuers", async ({ request }) => {
      await guard(request)
      return { issuers: await certificates.issuers() }
    })
    .get("/admin/certificates", async ({ request }) => {
      await guard(request)
      return certificates.page(parseCertificateQuery(new URL(request.url).searchParams))
    })
    .get("/admin/issuance-limits", async ({ request }) => {
      await guard(request)
      return limits(parseLimit(new URL(request.url).searchParams.get("limit")))
    })
    .get("/admin/system", async ({ request }) => {
      await guard(request)
      return system.read()
    })

/** How many buckets are shown; throws `invalid` naming the field. */
function parseLimit(raw: string | null): number {
  const most = 500
  if (raw === null) return most
  if (!/^[1-9]\d{0,2}$/.test(raw) || Number(raw) > most) throw new AppError("invalid", `limit must be a whole number from 1 to ${most}`)
  return Number(raw)
}
