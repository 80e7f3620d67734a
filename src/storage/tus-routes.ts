import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { StorageAccess } from "./access"
import { noUpload, type Resumable, type ResumableUploads, type UploadState } from "./resumable-uploads"
import { parseMetadata } from "./upload-metadata"

/*
 * The tus protocol 1.0.0 (tus.io/protocols/resumable-upload), for uploads that are gone on with: POST says how long a file will be and what it is, HEAD
 * how much of it is here, PATCH brings more, DELETE ends it. With its extensions creation, creation-with-upload, expiration and termination.
 *
 * What we do not do: a length that is told later (Upload-Defer-Length), checksums, concatenation, X-HTTP-Method-Override.
 */

const version = "1.0.0"
const raw = { parse: "none" } as const
const bytesType = "application/offset+octet-stream"

/** What OPTIONS of the collection says of the protocol. */
export const tusDiscovery: Record<string, Record<string, string>> = {
  "/storage/uploads": {
    "tus-resumable": version,
    "tus-version": version,
    "tus-extension": "creation,creation-with-upload,expiration,termination",
  },
}

export const tusRoutes = (uploads: ResumableUploads, access: StorageAccess) => {
  const mine = async ({ request, set, id }: { request: Request; set: { headers: object }; id: string }): Promise<Resumable> => {
    const found = await uploads.find(id)
    const { personId } = await access.door.scoped(request, "files", found?.namespace.name, "create")
    speak(set)
    if (found === undefined || found.personId !== personId) throw noUpload()
    hear(request, set)
    return found
  }
  const begin = async ({ request, set }: { request: Request; set: { headers: object } }) => {
    const { headers } = request
    const { personId } = await access.door.token(request)
    const metadata = headers.get("upload-metadata") ?? ""
    const { filename, name, filetype, type, namespace: named, overwrite } = parseMetadata(metadata) as Partial<Record<string, string>>
    const namespace = await access.owned(request, "files", named || "default", "create")
    speak(set)
    hear(request, set)
    if (headers.has("upload-defer-length"))
      throw new AppError("invalid", "Upload-Defer-Length is not supported: say the length with Upload-Length")
    const length = wholeNumber(headers, "upload-length")
    const key = filename ?? name ?? ""
    if (key === "") throw new AppError("invalid", "filename required: as filename in Upload-Metadata")
    const contentType = filetype ?? type
    const upload = await uploads.begin(namespace, personId, { name: key, length, contentType, mayReplace: overwrite === "true", metadata })
    const location = { location: `/storage/uploads/${upload.id}` }
    const hasBytes = headers.get("content-type") === bytesType && length > 0
    const state = hasBytes ? await uploads.append(upload, 0, request.body, announced(headers)) : await uploads.state(upload)
    return new Response(null, { status: 201, headers: { ...location, ...headersOf(state) } })
  }
  return new Elysia({ name: "storage-tus-routes" })
    .post("/storage/uploads", begin, raw)
    .get("/storage/uploads/:id", async ({ request, set, params: { id } }) => {
      const upload = await mine({ request, set, id })
      const state = await uploads.state(upload)
      const headers = { ...headersOf(state), "upload-length": String(state.length), "cache-control": "no-store" }
      const metadata: Record<string, string> = state.metadata === "" ? {} : { "upload-metadata": state.metadata }
      return new Response(null, { status: 200, headers: { ...headers, ...metadata } })
    })
    .patch(
      "/storage/uploads/:id",
      async ({ request, set, params: { id } }) => {
        const upload = await mine({ request, set, id })
        const { headers } = request
        if (headers.get("content-type") !== bytesType) throw new AppError("unsupported_media_type", `Content-Type must be ${bytesType}`)
        const state = await uploads.append(upload, wholeNumber(headers, "upload-offset"), request.body, announced(headers))
        return new Response(null, { status: 204, headers: headersOf(state) })
      },
      raw,
    )
    .delete(
      "/storage/uploads/:id",
      async ({ request, set, params: { id } }) => {
        await uploads.end(await mine({ request, set, id }))
        return new Response(null, { status: 204 })
      },
      raw,
    )
}

/** Every answer names the version, those of errors too. */
const speak = (set: { headers: object }) => Object.assign(set.headers, { "tus-resumable": version, "cache-control": "no-store" })

/** Every request must name it. Throws `precondition_failed`. */
function hear(request: Request, set: { headers: object }): void {
  if (request.headers.get("tus-resumable") === version) return
  Object.assign(set.headers, { "tus-version": version })
  throw new AppError("precondition_failed", `Tus-Resumable must be ${version}`)
}

function headersOf({ offset, expiresAt }: UploadState): Record<string, string> {
  const expires: Record<string, string> = expiresAt === undefined ? {} : { "upload-expires": new Date(expiresAt).toUTCString() }
  return { "upload-offset": String(offset), ...expires }
}

function wholeNumber(headers: Headers, name: string): number {
  const text = headers.get(name) ?? ""
  const shown = name.replace(/(^|-)./g, (letter) => letter.toUpperCase())
  if (!/^\d{1,15}$/.test(text)) throw new AppError("invalid", `${shown} must be a whole number of bytes`)
  return Number(text)
}

function announced(headers: Headers): number | undefined {
  const text = headers.get("content-length")
  return text === null || !/^\d{1,15}$/.test(text) ? undefined : Number(text)
}
