import { create as dispositionHeader } from "content-disposition"
import { judgeRead } from "./conditions"
import type { ObjectInfo } from "./model"
import type { Transfer } from "./progress"
import type { Range, Reader } from "./reader"

export type Serving = {
  disposition: "inline" | "attachment"
  /** Whether anybody may read it, so that caches on the way may keep it. */
  isPublic: boolean
  /** Asked when so many bytes are going to be sent: who is to hear of them; without anybody the kernel may send a file by itself. */
  follow?: (total: number) => Transfer | undefined
}

const viewing = "default-src 'none'; img-src 'self' data: blob:; media-src 'self' data: blob:; font-src data:; style-src 'unsafe-inline'"
/**
 * What a browser may do with a file that it shows: nothing in our name. In the sandbox a page has no origin, no scripts and no forms. Browsers refuse to
 * show a PDF in a sandbox; its own scripts run in the viewer, which has no access to the origin. Chromium's player asks for sound and film as a page of
 * the same origin does, so those keep theirs: nothing in them runs.
 */
const policyOf = (type: string) => {
  const framing = "base-uri 'none'; form-action 'none'"
  if (/^application\/pdf\s*(;|$)/i.test(type)) return `${viewing}; object-src 'self'; ${framing}`
  return `${isPlayed(type) ? "sandbox allow-same-origin" : "sandbox"}; ${viewing}; ${framing}`
}
/** Whether browsers play it, and do not read it as a document: what ends in `+xml` is one. */
export const isPlayed = (type: string) => /^(audio|video)\/[\w.-]+\s*(;|$)/i.test(type)
/** Fields that the writer of an object may have given it for its readers. */
const kept = ["content-encoding", "content-language", "cache-control", "expires"]

/**
 * The answer to a GET or HEAD of an object: conditions, then ranges, then bytes. Throws `precondition_failed`, and `unavailable` where the bytes are not
 * whole on disk.
 */
export async function fileResponse(reader: Reader, request: Request, object: ObjectInfo, serving: Serving): Promise<Response> {
  const outcome = judgeRead(request.method, request.headers, object)
  const headers = headersOf(object, serving)
  if (outcome.status === 304) {
    for (const name of ["content-type", "content-disposition"]) headers.delete(name)
    return new Response(null, { status: 304, headers })
  }
  if (outcome.status === 416) {
    const error = `there are no such bytes: the file has ${object.size}`
    const rest = { "content-range": `bytes */${object.size}`, "x-content-type-options": "nosniff" }
    return Response.json({ error }, { status: 416, headers: rest })
  }
  const range: Range = outcome.status === 206 ? outcome : { first: 0, last: object.size - 1 }
  const length = range.last - range.first + 1
  if (outcome.status === 206) headers.set("content-range", `bytes ${range.first}-${range.last}/${object.size}`)
  if (request.method === "HEAD") {
    headers.set("x-freehold-length", String(length))
    return new Response(null, { status: outcome.status, headers })
  }
  const bytes = await reader.open(object, range)
  const watcher = serving.follow?.(length)
  // Bun cuts the ranges of whole files by itself, also where the answer is to be the whole: then it must not know that it is a file.
  const isLeftToBun = bytes instanceof Blob && watcher === undefined && (outcome.status === 206 || !request.headers.has("range"))
  if (isLeftToBun) return new Response(bytes, { status: outcome.status, headers })
  // Bun sends streams in chunks and drops Content-Length; the edge makes it of this.
  headers.set("x-freehold-length", String(length))
  const chunks = bytes instanceof Blob ? reader.chunks(object, range) : bytes
  return new Response(streamOf(chunks, watcher), { status: outcome.status, headers })
}

function headersOf(object: ObjectInfo, { disposition, isPublic }: Serving): Headers {
  const headers = new Headers({
    "content-type": object.contentType,
    etag: `"${object.etag}"`,
    "last-modified": new Date(object.createdAt).toUTCString(),
    "accept-ranges": "bytes",
    "content-disposition": dispositionOf(object.key, disposition),
    "content-security-policy": policyOf(object.contentType),
    "x-content-type-options": "nosniff",
    // The address may carry a token.
    "referrer-policy": "no-referrer",
    "cache-control": isPublic ? "no-cache" : "private, no-cache",
  })
  for (const name of kept) {
    const value = object.headers[name]
    if (value !== undefined && (isPublic || name !== "cache-control")) headers.set(name, value)
  }
  return headers
}

/** With the last part of the key (RFC 6266, RFC 8187), which is quoted always, as the document has it. */
function dispositionOf(key: string, type: string): string {
  const name = key.split("/").findLast((part) => part !== "") ?? "file"
  return dispositionHeader(name, { type }).replace(/^(\w+; filename=)([^";]+)(?=;|$)/, '$1"$2"')
}

/** Pulled as it is sent; what is not sent is not read. */
function streamOf(chunks: AsyncIterable<Uint8Array>, watcher: Transfer | undefined): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { value, done } = await iterator.next()
          if (done === true) {
            watcher?.end()
            return controller.close()
          }
          watcher?.sent(value.byteLength)
          controller.enqueue(value)
        } catch (error) {
          watcher?.end("the file could not be read")
          controller.error(error)
        }
      },
      async cancel() {
        watcher?.end("the connection was closed")
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
