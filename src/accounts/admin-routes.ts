import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import type { Administration } from "./administration"

/** The session of an administrator; throws `unauthorized` or `forbidden`. */
export type AdminGuard = (request: Request) => Promise<{ personId: string; sessionId: string | undefined }>

const raw = { parse: "none" } as const

/** Administration of people, `/admin/users`: for administrators' sessions only. Errors are `{"error": "…"}`, success is 200. */
export const adminRoutes = (people: Administration, guard: AdminGuard) => {
  const remove = async (request: Request, id: string) => {
    const { personId } = await guard(request)
    if (id === "") throw new AppError("invalid", "id required")
    return people.delete(personId, id, new URL(request.url).searchParams.get("confirm") ?? "")
  }
  return (
    new Elysia({ name: "admin-routes" })
      .get("/admin/users", async ({ request }) => {
        await guard(request)
        return people.list()
      })
      .post(
        "/admin/users",
        async ({ request }) => {
          await guard(request)
          return people.create(await readJsonObject(request, "invalid request body"))
        },
        raw,
      )
      // The form that stock clients know.
      .delete("/admin/users", ({ request }) => remove(request, new URL(request.url).searchParams.get("id") ?? ""), raw)
      .get("/admin/users/:id", async ({ request, params }) => {
        await guard(request)
        return people.get(params.id)
      })
      .get("/admin/users/:id/deletion", async ({ request, params }) => {
        await guard(request)
        return people.preview(params.id)
      })
      .delete("/admin/users/:id", ({ request, params }) => remove(request, params.id), raw)
      .post(
        "/admin/users/:id/disable",
        async ({ request, params }) => {
          await guard(request)
          return people.disable(params.id)
        },
        raw,
      )
      .post(
        "/admin/users/:id/enable",
        async ({ request, params }) => {
          await guard(request)
          return people.enable(params.id)
        },
        raw,
      )
      .post(
        "/admin/users/:id/reset",
        async ({ request, params }) => {
          await guard(request)
          return people.reset(params.id)
        },
        raw,
      )
      .put(
        "/admin/users/:id/role/:role",
        async ({ request, params }) => {
          await guard(request)
          return people.setRole(params.id, params.role)
        },
        raw,
      )
  )
}
