import { Elysia } from "elysia"
import { AppError } from "../errors"
import type { StorageAccess } from "./access"
import { fileResponse } from "./file-response"
import { type Files, type Incoming, jsonArray, parseListing, type Written } from "./files"
import { allowOnly } from "./method-answer"
import type { Namespace } from "./model"
import { readFilePart } from "./multipart"
import type { Objects } from "./objects"
import type { Progress } from "./progress"
import type { Reader } from "./reader"
import type { SignedLinks } from "./signed-links"

const raw = { parse: "none" } as const
const defaultNamespace = "default"

type Common = Pick<Incoming, "mayReplace" | "headers" | "announcedBytes" | "watch">

export type FileParts = { files: Files; objects: Objects; reader: Reader; links: SignedLinks; progress: Progress; access: StorageAccess }

/**
 * Files of the document's API (platform-api.md section 4.1): by query, and by path. The guard comes before the first byte of a body. A HEAD is answered
 * by the route of GET.
 */
export const fileRoutes = ({ files, objects, reader, links, progress, access }: FileParts) => {
  const send = async (request: Request, namespace: Namespace, key: string, disposition: "inline" | "attachment") => {
    const version = versionIn(request)
    const object = await (version === undefined ? objects.get(namespace, key) : files.version(namespace, key, version))
    const id = new URL(request.url).searchParams.get("id")
    const caller = id === null ? undefined : await access.maybeCaller(request)
    const follow = (total: number) => progress.begin(caller?.personId, id, "download", total)
    return fileResponse(reader, request, object, { disposition, isPublic: namespace.visibility === "public", follow })
  }
  const receive = async (request: Request, name: string, key: string | undefined): Promise<Written> => {
    const namespace = await access.owned(request, "files", name, "create")
    const query = new URL(request.url).searchParams
    const { headers } = request
    const isForm = key === undefined || (request.method === "POST" && /^multipart\/form-data\b/i.test(headers.get("content-type") ?? ""))
    // A PUT replaces what is there unless it says otherwise (RFC 9110 section 9.3.4).
    const overwrite = query.get("overwrite")
    const mayReplace = overwrite === null ? request.method === "PUT" : overwrite === "true" || overwrite === "1"
    const said = sizeIn(headers.get("x-file-size"))
    const announcedBytes = isForm ? said : (sizeIn(headers.get("content-length")) ?? said)
    const id = query.get("id") ?? headers.get("x-transfer-id")
    const transfer = progress.begin(namespace.personId, id, "upload", announcedBytes)
    const common = { mayReplace, headers, announcedBytes, watch: transfer?.sent }
    try {
      const written = isForm ? await receiveForm(request, namespace, key, common) : await receiveRaw(request, namespace, key, common)
      transfer?.end()
      return written
    } catch (error) {
      transfer?.end(error instanceof AppError ? error.message : "internal error")
      throw error
    }
  }
  const receiveRaw = (request: Request, namespace: Namespace, key: string, common: Common) => {
    const { headers } = request
    const [contentType, contentEncoding] = ["content-type", "content-encoding"].map((name) => headers.get(name) ?? undefined)
    return files.write(namespace, key, { ...common, body: request.body ?? none(), contentType, contentEncoding })
  }
  const receiveForm = async (request: Request, namespace: Namespace, key: string | undefined, common: Common) => {
    const { body, contentType, filename } = await readFilePart(request)
    return files.write(namespace, key ?? uploadedName(filename), { ...common, body, contentType })
  }
  const remove = async (request: Request, name: string, key: string) => {
    const namespace = await access.owned(request, "files", name, "delete")
    await files.remove(namespace, key, request.headers, versionIn(request))
    return { status: "ok", name: key, namespace: namespace.name }
  }
  const list = async (request: Request) => {
    const url = new URL(request.url)
    const namespace = await access.readable(request, namespaceIn(url))
    const query = parseListing(url.searchParams)
    const headers = { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" }
    const pages = files.pages(namespace, query)
    if (query.limit === undefined) return new Response(jsonArray(pages), { headers })
    // A page whole: whether there is more is said in the head (RFC 8288).
    const entries = (await Array.fromAsync(files.pages(namespace, { ...query, limit: query.limit + 1 }))).flat()
    const last = entries.length > query.limit ? entries[query.limit - 1] : undefined
    if (last !== undefined) url.searchParams.set("after", last.name)
    if (last !== undefined) url.searchParams.delete("token")
    const link: Record<string, string> = last === undefined ? {} : { link: `<${url.pathname}${url.search}>; rel="next"` }
    return Response.json(entries.slice(0, query.limit), { headers: { ...headers, ...link } })
  }
  const named = (request: Request) => {
    const query = new URL(request.url).searchParams
    return { name: query.get("namespace") || defaultNamespace, key: query.get("name") ?? "" }
  }
  const read = async (request: Request, { name, key }: Place, disposition: "inline" | "attachment") => {
    // What a file was before is its owner's alone, also where what it is now is everybody's.
    const isOwners = versionIn(request) !== undefined
    const namespace = isOwners ? await access.owned(request, "files", name, "read") : await access.readable(request, name)
    return send(request, namespace, required(key), disposition)
  }
  const inline = async ({ request }: { request: Request }) => {
    const place = placeIn(request, "/storage/")
    // A link opens the file as it is now.
    const link = versionIn(request) === undefined ? await links.open(request, place) : undefined
    if (link === undefined) return read(request, place, "inline")
    return send(request, link.namespace, place.key, link.disposition)
  }
  const attachment = ({ request }: { request: Request }) => read(request, placeIn(request, "/storage/download/"), "attachment")
  const byQuery = ({ request }: { request: Request }) => read(request, named(request), "attachment")
  const writeAt = ({ request }: { request: Request }) => {
    const { name, key } = placeIn(request, "/storage/")
    return receive(request, name, key)
  }
  return new Elysia({ name: "storage-file-routes" })
    .get("/storage/files", ({ request }) => list(request))
    .post("/storage/upload", ({ request }) => receive(request, namespaceIn(new URL(request.url)), undefined), raw)
    .all("/storage/upload", () => allowOnly("POST"), raw)
    .get("/storage/download", byQuery)
    .delete(
      "/storage/delete",
      ({ request }) => {
        const { name, key } = named(request)
        return remove(request, name, key)
      },
      raw,
    )
    .all("/storage/delete", () => allowOnly("DELETE"), raw)
    .get("/storage/download/:namespace/*", attachment)
    .get("/storage/:namespace/*", inline)
    .post("/storage/:namespace/*", writeAt, raw)
    .put("/storage/:namespace/*", writeAt, raw)
    .delete(
      "/storage/:namespace/*",
      ({ request }) => {
        const { name, key } = placeIn(request, "/storage/")
        return remove(request, name, key)
      },
      raw,
    )
}

/** A namespace and a name in it. */
type Place = { name: string; key: string }

/** What stands behind `top` in the address as it was sent, so that nothing has made of `a/../b` another name meanwhile. Throws `invalid`. */
export function placeIn(request: Request, top: string): Place {
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(request.url)?.[1] ?? ""
  const [name = "", ...rest] = path.slice(top.length).split("/")
  try {
    return { name: decodeURIComponent(name), key: decodeURIComponent(rest.join("/")) }
  } catch {
    throw new AppError("invalid", "invalid filename: the address is not percent-encoded UTF-8")
  }
}

export const namespaceIn = (url: URL) => url.searchParams.get("namespace") || defaultNamespace

export function required(key: string): string {
  if (key === "") throw new AppError("invalid", "filename required")
  return key
}

/** Undefined for the file as it is now. Throws `invalid` for an empty one, which would be taken for that. */
function versionIn(request: Request): string | undefined {
  const id = new URL(request.url).searchParams.get("version_id")
  if (id === "") throw new AppError("invalid", "version_id is empty: leave it out for the file as it is now")
  return id ?? undefined
}

/** The name that a form gives its file: that of a file, not a path. Throws `invalid`. */
function uploadedName(raw: string | undefined): string {
  const name = (raw ?? "").trim()
  if (name === "") throw new AppError("invalid", "filename required")
  if (/[/\\]/.test(name) || name === "." || name === "..") throw new AppError("invalid", "invalid filename: it is a name, without slashes")
  return name
}

/** Undefined for what is no size: as if nothing had been announced. */
const sizeIn = (text: string | null) => (text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined)

async function* none(): AsyncGenerator<Uint8Array> {}
