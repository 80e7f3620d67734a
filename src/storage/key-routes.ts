import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import type { StorageAccess } from "./access"
import type { AccessKeys } from "./access-keys"

const raw = { parse: "none" } as const

/** `/storage/keys`: access keys of the S3 door, for sessions only; the secret is in the answer to the POST and nowhere else. */
export const keyRoutes = (keys: AccessKeys, { door }: StorageAccess) =>
  new Elysia({ name: "storage-key-routes" })
    .get("/storage/keys", async ({ request }) => keys.list((await door.session(request)).personId))
    .post(
      "/storage/keys",
      async ({ request }) => {
        const { personId } = await door.session(request)
        return keys.create(personId, await readJsonObject(request, "invalid payload"))
      },
      raw,
    )
    .delete(
      "/storage/keys/:id",
      async ({ request, params }) => {
        await keys.delete((await door.session(request)).personId, params.id)
        return { status: "ok" }
      },
      raw,
    )
