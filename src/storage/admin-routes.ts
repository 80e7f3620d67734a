import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { StorageAccess } from "./access"
import { jsonArray, parseListing } from "./files"
import type { Scrubber } from "./scrubber"
import type { Usage } from "./usage"

const raw = { parse: "none" } as const

/** What a person uses, and administration of storage for administrators' sessions: names, quotas and faults, never the bytes of others. */
export const usageRoutes = (usage: Usage, scrubber: Pick<Scrubber, "request">, { door }: StorageAccess) => {
  const namespaces = async ({ request }: { request: Request }) => {
    await door.admin(request)
    return usage.allNamespaces(parseListing(new URL(request.url).searchParams))
  }
  const files = async ({ request }: { request: Request }) => {
    await door.admin(request)
    const pages = usage.allFiles(parseListing(new URL(request.url).searchParams))
    const headers = { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" }
    return new Response(jsonArray(pages), { headers })
  }
  return (
    new Elysia({ name: "storage-usage-routes" })
      .get("/storage/usage", async ({ request }) => {
        const { personId } = await door.scoped(request, "namespaces", undefined, "read")
        return usage.of(personId)
      })
      .get("/storage/admin/namespaces", namespaces)
      .get("/storage/admin/files", files)
      // As stock clients know them.
      .get("/admin/namespaces", namespaces)
      .get("/admin/files", files)
      .get("/storage/admin/quotas", async ({ request }) => {
        await door.admin(request)
        return usage.ofAll()
      })
      .get("/storage/admin/quotas/:person", async ({ request, params }) => {
        await door.admin(request)
        return usage.of(params.person)
      })
      .put(
        "/storage/admin/quotas/:person",
        async ({ request, params }) => {
          await door.admin(request)
          return usage.setQuota(params.person, await readJsonObject(request, "invalid payload"))
        },
        raw,
      )
      .get("/storage/admin/faults", async ({ request }) => {
        await door.admin(request)
        return usage.faults()
      })
      .post(
        "/storage/admin/scrub",
        async ({ request }) => {
          await door.admin(request)
          scrubber.request()
          return { status: "ok" }
        },
        raw,
      )
  )
}
