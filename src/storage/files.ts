import { AppError } from "../errors"
import { writeCondition } from "./conditions"
import { TypeGuess } from "./content-type"
import { successor } from "./key-order"
import type { Namespace, ObjectInfo } from "./model"
import type { Listed } from "./object-store"
import type { Body, Condition, Objects } from "./objects"

/** A file as a listing of the document's API shows it; times are Unix seconds, the ETag stands as in the header. */
export type FileEntry = {
  name: string
  path: string
  namespace: string
  size: number
  created_at: number
  modified_at: number
  etag: string
  content_type: string
}

/** A version of a file; `sha256` is null where it came in several parts, `version_id` is `null`, as text, for what was written without versioning. */
export type VersionEntry = {
  version_id: string
  is_latest: boolean
  is_delete_marker: boolean
  size: number
  created_at: number
  etag: string
  content_type: string
  sha256: string | null
}

/** What is rolled up by a delimiter. */
export type FolderEntry = { name: string; path: string; namespace: string; is_folder: true }

export type ListRequest = { prefix: string; delimiter: string; after: string; limit: number | undefined }

/** What comes in under a name. */
export type Incoming = {
  body: Body
  /** What the client says it is. */
  contentType: string | undefined
  contentEncoding?: string | undefined
  announcedBytes: number | undefined
  mayReplace: boolean
  /** The request's, for its conditions. */
  headers: Headers
  watch?: (bytes: number) => void
}

export type Written = { status: "ok"; name: string; namespace: string; size: number; etag: string; content_type: string }

/** `version_id` is that of the version that is the newest now. */
export type Restored = Written & { version_id: string }

const pageSize = 1000
const maxLimit = 1000

/** Files as the document's API has them: written, listed and removed by name, over the objects of the core. */
export class Files {
  constructor(private objects: Objects) {}

  /** Throws `conflict` for a file that is there and may not be replaced, `precondition_failed`, `out_of_space` and `invalid`. */
  async write(namespace: Namespace, name: string, incoming: Incoming): Promise<Written> {
    const { headers, mayReplace, announcedBytes, contentEncoding } = incoming
    const guess = new TypeGuess(name, incoming.contentType)
    const asked = writeCondition(headers)
    const condition: Condition = (current) => {
      asked?.(current)
      // Whoever names what he writes over knows that it is there.
      if (current !== undefined && !mayReplace && !headers.has("if-match")) throw new AppError("conflict", `file already exists: ${name}`)
    }
    const info = await this.objects.put(namespace, name, watched(incoming.body, guess, incoming.watch), {
      condition,
      announcedBytes,
      facts: contentEncoding === undefined ? {} : { headers: { "content-encoding": contentEncoding } },
      finish: () => ({ contentType: guess.type }),
    })
    return writtenReply(namespace, info)
  }

  /** With a version id that version for good. Throws `not_found` and `precondition_failed`. */
  async remove(namespace: Namespace, name: string, headers: Headers, versionId?: string): Promise<void> {
    const asked = writeCondition(headers)
    const deleted = await this.objects.delete(namespace, name, versionId, (current) => {
      if (current === undefined && versionId === undefined) throw new AppError("not_found", `file not found: ${name}`)
      asked?.(current)
    })
    if (deleted === undefined) throw noVersion(name, versionId)
  }

  /** One version of a file, to be read. Throws `not_found`. */
  async version(namespace: Namespace, name: string, versionId: string): Promise<ObjectInfo> {
    const found = await this.objects.find(namespace, name, versionId)
    if (found === undefined) throw noVersion(name, versionId)
    if (found.isDeleteMarker) throw new AppError("not_found", `file not found: ${name} was deleted with the version ${versionId}`)
    return found
  }

  /**
   * Makes an older version the newest again, as a copy of it without moving bytes; what is the newest already stays as it is. Throws `not_found`,
   * `precondition_failed`, `out_of_space`, and `conflict` where the version goes meanwhile.
   */
  async restore(namespace: Namespace, name: string, versionId: string, headers: Headers): Promise<Restored> {
    const source = await this.version(namespace, name, versionId)
    const asked = writeCondition(headers)
    const { contentType, headers: fields, tags, checksum } = source
    if (source.isLatest) asked?.(source)
    const info = source.isLatest
      ? source
      : await this.objects.copy(source, namespace, name, { contentType, headers: fields, tags, checksum }, asked)
    return { ...writtenReply(namespace, info), version_id: info.versionId }
  }

  /** Versions of a file, the newest first, older than `after` where it is given; what was deleted without versioning has none. Throws `not_found` where there are none. */
  async versions(namespace: Namespace, name: string, limit: number, after = ""): Promise<VersionEntry[]> {
    const before = after === "" ? undefined : await this.objects.find(namespace, name, after)
    if (after !== "" && before === undefined) throw noVersion(name, after)
    const from = before === undefined ? { key: name, including: true } : { key: name, including: false, before: before.id }
    const { objects } = await this.objects.versions(namespace, { prefix: name, delimiter: "", from, limit })
    // The name itself comes before all that it begins.
    const own = objects.filter(({ key }) => key === name)
    if (own.length === 0 && before === undefined) throw new AppError("not_found", `file not found: ${name}`)
    const whole = await Promise.all(own.map(({ versionId }) => this.objects.find(namespace, name, versionId)))
    return whole.filter((version) => version !== undefined).map(versionEntry)
  }

  /** In the order of names, page by page, so that memory holds one at a time. */
  async *pages(namespace: Namespace, query: ListRequest): AsyncGenerator<(FileEntry | FolderEntry)[]> {
    const { prefix, delimiter, after } = query
    let left = query.limit ?? Number.MAX_SAFE_INTEGER
    // What was rolled up was seen whole.
    const behind = delimiter !== "" && after.endsWith(delimiter) && after.length > prefix.length ? successor(after) : undefined
    let from: { key: string; including: boolean } | undefined =
      behind === undefined ? { key: after, including: after === "" } : { key: behind, including: true }
    while (from !== undefined && left > 0) {
      const page = await this.objects.list(namespace, { prefix, delimiter, from, limit: Math.min(left, pageSize) })
      const entries = [
        ...page.objects.map((object) => fileEntry(namespace.name, object)),
        ...page.prefixes.map((folder) => folderEntry(namespace.name, folder)),
      ]
      if (page.prefixes.length > 0) entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
      left -= entries.length
      from = page.next
      if (entries.length > 0) yield entries
    }
  }
}

export const writtenReply = (namespace: Namespace, { key, size, etag, contentType }: ObjectInfo): Written => ({
  status: "ok",
  name: key,
  namespace: namespace.name,
  size,
  etag: `"${etag}"`,
  content_type: contentType,
})

const noVersion = (name: string, versionId: string | undefined) =>
  new AppError("not_found", versionId === undefined ? `file not found: ${name}` : `version not found: ${name} has no version ${versionId}`)

/** `limit` 1 to 1000, or none for all. Throws `invalid` naming the field. */
export function parseListing(query: URLSearchParams): ListRequest {
  const limit = query.get("limit")
  if (limit !== null && (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > maxLimit))
    throw new AppError("invalid", `limit must be a whole number from 1 to ${maxLimit}`)
  const [prefix, delimiter, after] = ["prefix", "delimiter", "after"].map((name) => query.get(name) ?? "") as [string, string, string]
  return { prefix, delimiter, after, limit: limit === null ? undefined : Number(limit) }
}

/** The address of a file below the API's own. */
export const pathOf = (namespace: string, key: string): string =>
  `/storage/${namespace}/${key.split("/").map(encodeURIComponent).join("/")}`

const seconds = (ms: number) => Math.floor(ms / 1000)

function fileEntry(namespace: string, { key, size, etag, contentType, createdAt }: Listed): FileEntry {
  const at = seconds(createdAt)
  const times = { created_at: at, modified_at: at }
  return { name: key, path: pathOf(namespace, key), namespace, size, ...times, etag: `"${etag}"`, content_type: contentType }
}

const versionEntry = ({ versionId, isLatest, isDeleteMarker, size, createdAt, etag, contentType, hash }: ObjectInfo): VersionEntry => ({
  version_id: versionId,
  is_latest: isLatest,
  is_delete_marker: isDeleteMarker,
  size,
  created_at: seconds(createdAt),
  etag: `"${etag}"`,
  content_type: contentType,
  sha256: hash ?? null,
})

const folderEntry = (namespace: string, name: string): FolderEntry => ({ name, path: pathOf(namespace, name), namespace, is_folder: true })

/** A body that ends before its end is nobody's fault of ours, and whoever could be told has gone. */
async function* watched(body: Body, guess: TypeGuess, watch?: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      guess.see(chunk)
      watch?.(chunk.byteLength)
      yield chunk
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError("invalid", "the upload was broken off before its end", { cause: error })
  }
}

/** A JSON array of what comes in pages, written as it is read. */
export function jsonArray(pages: AsyncIterable<object[]>): ReadableStream<Uint8Array> {
  const iterator = pages[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let isFirst = true
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await iterator.next()
        if (done === true) {
          controller.enqueue(encoder.encode(isFirst ? "[]" : "]"))
          return controller.close()
        }
        const text = value.map((entry) => JSON.stringify(entry)).join(",")
        controller.enqueue(encoder.encode((isFirst ? "[" : ",") + text))
        isFirst = false
      },
      async cancel() {
        await iterator.return?.(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
