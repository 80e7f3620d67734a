import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import type { StorageAccess } from "./access"
import type { Objects } from "./objects"
import type { SignedLinks } from "./signed-links"

/** `POST /storage/links`: an address that opens one file for a while without a token. */
export const linkRoutes = (links: SignedLinks, objects: Objects, access: StorageAccess) =>
  new Elysia({ name: "storage-link-routes" }).post(
    "/storage/links",
    async ({ request }) => {
      await access.door.token(request)
      const body = await readJsonObject(request, "invalid payload")
      const namespace = await access.owned(request, "files", typeof body.namespace === "string" ? body.namespace : "default", "read")
      const name = typeof body.name === "string" ? body.name : ""
      if (name === "") throw new AppError("invalid", "filename required")
      const { key } = await objects.get(namespace, name)
      return links.create(namespace, key, body)
    },
    { parse: "none" },
  )
