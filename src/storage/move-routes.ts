import { Elysia } from "elysia"
import { readJsonObject } from "../body"
import { AppError } from "../errors"
import type { StorageAccess } from "./access"
import { writeCondition } from "./conditions"
import type { Moves } from "./moves"

/** `POST /storage/files/move`: a file, or a folder by a name that ends with a slash, under another name or in another namespace of one's own. */
export const moveRoutes = (moves: Moves, access: StorageAccess) =>
  new Elysia({ name: "storage-move-routes" }).post(
    "/storage/files/move",
    async ({ request }) => {
      await access.door.token(request)
      const body = await readJsonObject(request, "invalid payload")
      const source = textIn(body, "namespace") ?? "default"
      const namespace = await access.owned(request, "files", source, "delete")
      const name = textIn(body, "name") ?? ""
      if (name === "")
        throw new AppError("invalid", "filename required: name must be that of a file, or of a folder with a slash at its end")
      const toName = textIn(body, "to_name")
      if (toName === undefined) throw new AppError("invalid", "to_name is required: the new name, of a folder with a slash at its end")
      const { overwrite = false } = body
      if (typeof overwrite !== "boolean") throw new AppError("invalid", "overwrite must be true or false")
      // What is moved to a place that may be read is as good as read.
      await access.owned(request, "files", source, "read")
      const target = await access.owned(request, "files", textIn(body, "to_namespace") ?? source, "create")
      const [from, to] = [
        { namespace, name },
        { namespace: target, name: toName },
      ]
      const condition = sourceCondition(request.headers)
      const isFolder = name.endsWith("/")
      if (isFolder) checkFolder(toName, condition !== undefined)
      else if (toName.endsWith("/")) throw new AppError("invalid", "to_name must not end with a slash: it is the whole new name of a file")
      const done = await (isFolder ? moves.folder(from, to, { overwrite }) : moves.file(from, to, { overwrite, condition }))
      return { status: done.remaining === 0 ? "ok" : "partial", namespace: target.name, name: toName, ...done }
    },
    { parse: "none" },
  )

function checkFolder(toName: string, isConditional: boolean): void {
  if (toName !== "" && !toName.endsWith("/"))
    throw new AppError("invalid", "to_name must end with a slash where name does, or be empty for the top of the namespace")
  if (isConditional) throw new AppError("invalid", "If-Match and If-Unmodified-Since are of one file, and name is that of a folder")
}

/** What the request asks of the file that is moved; whether the new name is free is what `overwrite` says. */
function sourceCondition(headers: Headers) {
  const asked = new Headers(headers)
  asked.delete("if-none-match")
  return writeCondition(asked)
}

/** Undefined for what is left out. Throws `invalid` naming the field. */
function textIn(body: Record<string, unknown>, field: string): string | undefined {
  const value = body[field]
  if (value !== undefined && typeof value !== "string") throw new AppError("invalid", `${field} must be a text`)
  return value
}
