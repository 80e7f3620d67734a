import { Elysia } from "elysia"
import { readJsonObject, readText } from "../body"
import { AppError } from "../errors"
import type { ContainerParts } from "./container-parts"
import type { Caller } from "./model"
import type { ComputeGuard } from "./routes"

const raw = { parse: "none" } as const
const badBody = "invalid request body"

/** What belongs to a container: `/compute/containers/:id/…`. The guard comes before everything else; success is always 200. */
export const containerPartRoutes = (parts: ContainerParts, guard: ComputeGuard) =>
  new Elysia({ prefix: "/compute/containers/:id" })
    .post(
      "/rebuild",
      async ({ request, params: { id } }) => {
        const caller = await guard(request, "containers", id, "update")
        return parts.compute.rebuilds.rebuild(caller, id, await maybeObject(request))
      },
      raw,
    )
    .post(
      "/release",
      async ({ request, params: { id } }) => {
        const caller = await guard(request, "containers", id, "delete")
        await parts.adoption.release(caller, id, await maybeObject(request))
        return { status: "ok" }
      },
      raw,
    )
    .put(
      "/pull-policy",
      async ({ request, params: { id } }) => {
        const caller = await guard(request, "containers", id, "update")
        return parts.compute.rebuilds.setPullPolicy(caller, id, await readJsonObject(request, badBody))
      },
      raw,
    )
    .get("/mounts", async ({ request, params: { id } }) =>
      parts.compute.rebuilds.mountPaths(await guard(request, "containers", id, "read"), id),
    )
    .put(
      "/mounts",
      async ({ request, params: { id } }) => {
        const caller = await guard(request, "containers", id, "update")
        return parts.compute.rebuilds.setMountPaths(caller, id, await readJsonObject(request, badBody))
      },
      raw,
    )
    .get("/volumes", async ({ request, params: { id } }) => parts.volumes(await guard(request, "containers", id, "read"), id))
    .delete(
      "/volumes/:volume",
      async ({ request, params: { id, volume } }) => {
        await parts.deleteVolume(await guard(request, "containers", id, "update"), id, volume)
        return { status: "ok" }
      },
      raw,
    )
    .get("/ingress", async ({ request, params: { id } }) => parts.ingress.list(await guard(request, "containers", id, "read"), id))
    .post(
      "/ingress",
      async ({ request, params: { id } }) => {
        const caller = await guard(request, "containers", id, "update")
        return parts.ingress.put(caller, id, await readJsonObject(request, badBody))
      },
      raw,
    )
    .delete(
      "/ingress/:port",
      async ({ request, params: { id, port } }) => {
        await parts.ingress.delete(await guard(request, "containers", id, "update"), id, port)
        return { status: "ok" }
      },
      raw,
    )
    .get("/stats", async ({ request, params: { id } }) => parts.usage.of(await guard(request, "containers", id, "read"), id))
    .get("/logs", async ({ request, params: { id } }) => {
      const caller = await guard(request, "containers", id, "read")
      // A copy, since the request itself is over when it is asked again.
      const asked = new Request(request.url, { headers: request.headers })
      const mayStay = () => guard(asked, "containers", id, "read")
      const lines = await parts.output.open(caller, id, new URL(request.url).searchParams, mayStay)
      return new Response(lines, { headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } })
    })

/** The session of an administrator; throws `unauthorized` or `forbidden`. */
export type ComputeAdminGuard = (request: Request) => Promise<Caller>

/** What belongs to compute as a whole: images, registries, instance types, and what only administrators' sessions may. */
export const computeWideRoutes = (parts: ContainerParts, guard: ComputeGuard, admin: ComputeAdminGuard) =>
  new Elysia({ prefix: "/compute" })
    .get("/engine", async ({ request }) => {
      await guard(request, "containers", undefined, "read")
      return parts.compute.engineState()
    })
    .get("/images", async ({ request }) => {
      await guard(request, "containers", undefined, "read")
      return parts.images()
    })
    .get("/registries", async ({ request }) => parts.registries.list(await guard(request, "containers", undefined, "read")))
    .post(
      "/registries",
      async ({ request }) => {
        const caller = await guard(request, "containers", undefined, "update")
        return parts.registries.add(caller, await readJsonObject(request, badBody))
      },
      raw,
    )
    .delete(
      "/registries/:id",
      async ({ request, params }) => {
        await parts.registries.delete(await guard(request, "containers", undefined, "update"), params.id)
        return { status: "ok" }
      },
      raw,
    )
    .get("/instance-types", async ({ request }) => {
      await guard(request, "containers", undefined, "read")
      return { instance_types: await parts.instanceTypes.list() }
    })
    .put(
      "/instance-types/:name",
      async ({ request, params }) => {
        await admin(request)
        return parts.instanceTypes.put(params.name, await readJsonObject(request, badBody))
      },
      raw,
    )
    .delete(
      "/instance-types/:name",
      async ({ request, params }) => {
        await admin(request)
        await parts.instanceTypes.delete(params.name)
        return { status: "ok" }
      },
      raw,
    )
    .get("/admin/containers", async ({ request }) => {
      await admin(request)
      return parts.adoption.containers()
    })
    .get("/admin/foreign-containers", async ({ request }) => {
      await admin(request)
      return parts.adoption.foreign()
    })
    .post(
      "/admin/adopt",
      async ({ request }) => {
        const caller = await admin(request)
        return parts.adoption.adopt(caller, await readJsonObject(request, badBody))
      },
      raw,
    )

/** Where there is no body, nothing is asked for. */
async function maybeObject(request: Request): Promise<Record<string, unknown>> {
  const text = await readText(request)
  if (text.trim() === "") return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new AppError("invalid", badBody)
  return value as Record<string, unknown>
}
