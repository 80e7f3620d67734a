import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import type { StorageAccess } from "./access"
import { allowOnly } from "./method-answer"
import type { Namespace } from "./model"
import { namespaceReply, parseChange, parseVisibility } from "./namespace-input"
import type { Namespaces } from "./namespaces"

const raw = { parse: "none" } as const
const badBody = "invalid payload"

/** `/storage/namespaces` (platform-api.md section 4.2). Success is 200, errors are `{"error": "…"}`. */
export const namespaceRoutes = (namespaces: Namespaces, access: StorageAccess) => {
  const change = async (request: Request, named: string | undefined) => {
    // A body is read for those who are somebody alone.
    await access.door.token(request)
    const body = await readJsonObject(request, badBody)
    const namespace = await access.owned(request, "namespaces", named ?? nameIn(request, body), "update")
    return namespaceReply(await namespaces.update(namespace, parseChange(body, namespace)))
  }
  const remove = async (request: Request, namespace: Namespace) => {
    const confirmation = new URL(request.url).searchParams.get("confirm") ?? ""
    let gone = await namespaces.preview(namespace)
    await namespaces.deleteWhole(namespace, async () => {
      gone = await namespaces.preview(await namespaces.current(namespace))
      if (["", gone.digest, gone.name].includes(confirmation)) return
      throw new AppError("conflict", "confirm is not the name, and what is in the namespace is not what the digest stands for: look again")
    })
    const { name, objects, bytes } = gone
    return { status: "ok", name, objects, bytes }
  }
  return (
    new Elysia({ name: "storage-namespace-routes" })
      .get("/storage/namespaces", async ({ request }) => {
        const { personId } = await access.door.scoped(request, "namespaces", undefined, "read")
        return (await namespaces.list(personId)).map(namespaceReply)
      })
      .post(
        "/storage/namespaces",
        async ({ request }) => {
          await access.door.token(request)
          const body = await readJsonObject(request, badBody)
          const named = typeof body.name === "string" && body.name.trim() !== "" ? body.name.trim() : undefined
          const { personId } = await access.door.scoped(request, "namespaces", named, "create")
          return namespaceReply(await namespaces.create(personId, body.name, parseVisibility(body)))
        },
        raw,
      )
      .get("/storage/namespaces/:name", async ({ request, params: { name } }) =>
        namespaceReply(await access.owned(request, "namespaces", name, "read")),
      )
      .put("/storage/namespaces/:name", ({ request, params: { name } }) => change(request, name), raw)
      .get("/storage/namespaces/:name/deletion", async ({ request, params: { name } }) =>
        namespaces.preview(await access.owned(request, "namespaces", name, "delete")),
      )
      .delete(
        "/storage/namespaces/:name",
        async ({ request, params: { name } }) => remove(request, await access.owned(request, "namespaces", name, "delete")),
        raw,
      )
      // The forms that stock clients of another year know.
      .patch("/storage/namespaces", ({ request }) => change(request, undefined), raw)
      .delete(
        "/storage/namespaces",
        async ({ request }) => {
          await access.door.token(request)
          const name = nameIn(request, {}) || nameIn(request, await readJsonObject(request, badBody))
          return remove(request, await access.owned(request, "namespaces", name, "delete"))
        },
        raw,
      )
      .all("/storage/namespaces", () => allowOnly("GET, POST, PATCH, DELETE"), raw)
      .all("/storage/namespaces/:name", () => allowOnly("GET, PUT, DELETE"), raw)
  )
}

/** The name in the query or, for clients that send it there, in the body. */
function nameIn(request: Request, body: Record<string, unknown>): string {
  const name = new URL(request.url).searchParams.get("name") ?? new URL(request.url).searchParams.get("namespace") ?? body.name
  return typeof name === "string" ? name.trim() : ""
}
