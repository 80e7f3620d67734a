import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { Caller } from "./model"
import type { ComputeService } from "./service"

export type ComputeAction = "read" | "create" | "update" | "delete" | "start" | "stop"

/** Says who asks and that they may; throws `unauthorized` or `forbidden`. `id` is the path segment that the scope names. */
export type ComputeGuard = (request: Request, resource: "containers", id: string | undefined, action: ComputeAction) => Promise<Caller>

const raw = { parse: "none" } as const

/** `/compute/containers`. The guard comes before everything else; success is always 200 (platform-api.md section 3). */
export const computeRoutes = (compute: ComputeService, guard: ComputeGuard) =>
  new Elysia({ prefix: "/compute/containers" })
    .get("/", async ({ request }) => ({ containers: await compute.list(await guard(request, "containers", undefined, "read")) }))
    .post(
      "/",
      async ({ request }) => {
        const caller = await guard(request, "containers", undefined, "create")
        return compute.create(caller, await readJsonObject(request, "invalid request body"))
      },
      raw,
    )
    .get("/:id", async ({ request, params }) => compute.get(await guard(request, "containers", params.id, "read"), params.id))
    .delete(
      "/:id",
      async ({ request, params }) => {
        await compute.delete(await guard(request, "containers", params.id, "delete"), params.id)
        return { status: "ok" }
      },
      raw,
    )
    .post(
      "/:id/start",
      async ({ request, params }) => compute.start(await guard(request, "containers", params.id, "start"), params.id),
      raw,
    )
    .post("/:id/stop", async ({ request, params }) => compute.stop(await guard(request, "containers", params.id, "stop"), params.id), raw)
