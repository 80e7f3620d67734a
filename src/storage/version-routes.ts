import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import type { StorageAccess } from "./access"
import { namespaceIn, required } from "./file-routes"
import { type Files, parseListing } from "./files"

const pageSize = 100

/** What a file was before: listed, and made the newest again. A version is read and deleted as the file is, with `version_id` in the query. */
export const versionRoutes = (files: Files, access: StorageAccess) =>
  new Elysia({ name: "storage-version-routes" })
    .get("/storage/files/versions", async ({ request }) => {
      const url = new URL(request.url)
      const namespace = await access.owned(request, "files", namespaceIn(url), "read")
      const name = required(url.searchParams.get("name") ?? "")
      const { limit = pageSize, after } = parseListing(url.searchParams)
      const versions = await files.versions(namespace, name, limit + 1, after)
      const last = versions.length > limit ? versions[limit - 1] : undefined
      if (last !== undefined) url.searchParams.set("after", last.version_id)
      url.searchParams.delete("token")
      const link: Record<string, string> = last === undefined ? {} : { link: `<${url.pathname}${url.search}>; rel="next"` }
      return Response.json(versions.slice(0, limit), {
        headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", ...link },
      })
    })
    .post(
      "/storage/files/restore",
      async ({ request }) => {
        await access.door.token(request)
        const { namespace: place = "default", name, version_id: id } = await readJsonObject(request, "invalid payload")
        if (typeof place !== "string") throw new AppError("invalid", "namespace must be a name")
        const namespace = await access.owned(request, "files", place, "create")
        if (typeof name !== "string" || name === "") throw new AppError("invalid", "filename required: name must be that of a file")
        if (typeof id !== "string" || id === "") throw new AppError("invalid", "version_id must be that of a version of the file")
        return files.restore(namespace, name, id, request.headers)
      },
      { parse: "none" },
    )
