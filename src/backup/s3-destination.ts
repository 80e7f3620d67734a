import { AppError } from "../errors"
import type { Destination, Stored } from "./destination"
import { backupOfList, copyAt, isBackupName } from "./names"
import { elementIn, errorIn, type S3Access, type S3Answer, S3Bucket, withinIdleLimit } from "./s3-bucket"

const mib = 1024 ** 2
/** What is smaller goes in one request. S3 takes parts from 5 MiB on, and 10,000 of them. */
const leastPart = 16 * mib
const mostParts = 10_000
const readTries = 5

/**
 * A prefix of a bucket. Bytes are signed by their SHA-256, so that the server refuses what was changed on the way; large files go in parts, of
 * which one is held in memory; such a file is there when its last part is, and then its size is asked for.
 */
export class S3Destination implements Destination {
  readonly shown: string
  private bucket: S3Bucket

  constructor(
    access: S3Access,
    bucket: string,
    private prefix: string,
    private partBytes = leastPart,
    pauseMs?: number,
    private idleLimitMs?: number,
  ) {
    this.bucket = new S3Bucket(access, bucket, pauseMs, idleLimitMs)
    this.shown = [this.bucket.shown, prefix].filter((part) => part !== "").join("/")
  }

  /** Uploads in parts that a run of ours did not end cost space and are seen by nobody. A server that cannot list them keeps them. */
  async prepare(): Promise<void> {
    const prefix = this.key("")
    const res = await this.bucket.ask("GET", { query: { uploads: "", prefix }, accepts: [400, 403, 405, 501] })
    const text = await res.text()
    if (res.status !== 200) return
    for (const { Key, UploadId } of (elementIn(text, "ListMultipartUploadsResult").Upload ?? []) as { Key: string; UploadId: string }[]) {
      const name = String(Key).slice(prefix.length)
      if (String(Key).startsWith(prefix) && (isBackupName(name) || backupOfList(name) !== undefined || copyAt(name) !== undefined))
        await this.bucket.ask("DELETE", { key: String(Key), query: { uploadId: String(UploadId) }, accepts: [404] })
    }
  }

  async *list(folder?: string): AsyncGenerator<Stored> {
    const own = this.key("")
    const prefix = folder === undefined ? own : this.key(`${folder}/`)
    for (let token: string | undefined = ""; token !== undefined;) {
      const query: Record<string, string> = { "list-type": "2", prefix }
      if (folder === undefined) query.delimiter = "/"
      if (token !== "") query["continuation-token"] = token
      const page = elementIn(await (await this.bucket.ask("GET", { query })).text(), "ListBucketResult")
      for (const { Key, Size, LastModified } of (page.Contents ?? []) as Record<string, string>[]) {
        const key = String(Key)
        if (key.startsWith(prefix) && key !== own)
          yield { name: key.slice(own.length), bytes: Number(Size), modifiedAt: Date.parse(String(LastModified)) }
      }
      const next = page.IsTruncated === "true" ? String(page.NextContinuationToken ?? "") : undefined
      if (next !== undefined && (next === "" || next === token)) throw new AppError("bad_gateway", `${this.shown} lists without an end`)
      token = next
    }
  }

  async put(name: string, body: ReadableStream<Uint8Array>, expectedBytes: number): Promise<number> {
    const key = this.key(name)
    // A copy is written over by what is the same.
    if (copyAt(name) === undefined && (await this.size(key)) !== undefined)
      throw new AppError("conflict", `${this.shown}/${name} is there already: a backup writes over nothing`)
    // Twice as much as was expected still fits.
    const partBytes = Math.max(this.partBytes, Math.ceil(expectedBytes / (mostParts / 2) / mib) * mib)
    const parts = cut(body, partBytes)
    try {
      const first = await parts.next()
      const second = first.done === true ? first : await parts.next()
      if (second.done === true) {
        const bytes = first.done === true ? new Uint8Array() : first.value
        await this.bucket.ask("PUT", { key, body: bytes })
        return bytes.byteLength
      }
      return await this.putParts(key, [first.value as Uint8Array, second.value], parts)
    } catch (error) {
      await parts.return(undefined)
      throw error
    }
  }

  private async putParts(key: string, begun: Uint8Array[], rest: AsyncGenerator<Uint8Array>): Promise<number> {
    const started = elementIn(
      await (await this.bucket.ask("POST", { key, query: { uploads: "" } })).text(),
      "InitiateMultipartUploadResult",
    )
    const uploadId = String(started.UploadId)
    const tags: string[] = []
    let bytes = 0
    const send = async (part: Uint8Array) => {
      if (tags.length === mostParts) throw new AppError("invalid", `${this.shown} takes no file of more than ${mostParts} parts`)
      const res = await this.bucket.ask("PUT", { key, query: { partNumber: String(tags.length + 1), uploadId }, body: part })
      tags.push(res.headers.get("etag") ?? "")
      bytes += part.byteLength
    }
    try {
      for (let part = begun.shift(); part !== undefined; part = begun.shift()) await send(part)
      for await (const part of rest) await send(part)
      await this.complete(key, uploadId, tags)
    } catch (error) {
      await this.bucket.ask("DELETE", { key, query: { uploadId }, accepts: [404] }).catch(() => {})
      throw error
    }
    return this.proven(key, bytes)
  }

  private async complete(key: string, uploadId: string, tags: string[]): Promise<void> {
    const parts = tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag.replaceAll('"', "&quot;")}</ETag></Part>`,
    )
    const body = new TextEncoder().encode(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`)
    // One whose answer was lost is done, and unknown when it is asked for once more: the size tells.
    const res = await this.bucket.ask("POST", { key, query: { uploadId }, body, accepts: [404] })
    // Servers begin to answer before they are done: an error comes with the status of success.
    const { Code, Message } = errorIn(await res.text())
    if (res.status !== 404 && Code !== undefined) throw new AppError("bad_gateway", `${this.shown} refused (${Code}: ${Message ?? ""})`)
  }

  /** What was written must be there in its whole length. */
  private async proven(key: string, bytes: number): Promise<number> {
    const found = await this.size(key)
    if (found === bytes) return bytes
    if (found !== undefined) await this.bucket.ask("DELETE", { key }).catch(() => {})
    throw new AppError("bad_gateway", `${this.bucket.shown}/${key} has ${found ?? "no"} bytes where ${bytes} were written`)
  }

  private async size(key: string): Promise<number | undefined> {
    const res = await this.bucket.ask("HEAD", { key, accepts: [404] })
    return res.status === 404 ? undefined : Number(res.headers.get("content-length"))
  }

  /** Goes on where a connection broke off, as long as each try brings something. */
  async get(name: string): Promise<ReadableStream<Uint8Array>> {
    const key = this.key(name)
    const first = await this.bucket.ask("GET", { key, accepts: [404] })
    if (first.status === 404) {
      await first.body?.cancel()
      throw new AppError("not_found", `there is no file ${this.shown}/${name}`)
    }
    return fromGenerator(this.chunks(key, first))
  }

  private async *chunks(key: string, first: S3Answer): AsyncGenerator<Uint8Array> {
    // Not every server says it of what it streams; then the end of the body is the end.
    const length = first.headers.get("content-length")
    const total = length === null ? undefined : Number(length)
    const tag = first.headers.get("etag")
    let [offset, vain] = [0, 0]
    for (let res = first; ;) {
      const before = offset
      let fault: unknown
      try {
        for await (const chunk of withinIdleLimit(res.body, this.idleLimitMs)) {
          offset += chunk.byteLength
          yield chunk
        }
      } catch (error) {
        fault = error
      }
      if (total === undefined ? fault === undefined : offset >= total) return
      vain = offset > before ? 0 : vain + 1
      if (vain === readTries)
        throw new AppError("bad_gateway", `${this.bucket.shown}/${key} broke off at ${offset} of ${total ?? "so many"} bytes`, {
          cause: fault,
        })
      const headers = { range: `bytes=${offset}-`, ...(tag === null ? {} : { "if-match": tag }) }
      res = await this.bucket.ask("GET", { key, headers })
      if (res.status !== 206) throw new AppError("bad_gateway", `${this.bucket.shown} does not go on where it broke off`)
    }
  }

  async remove(name: string): Promise<void> {
    await (await this.bucket.ask("DELETE", { key: this.key(name), accepts: [404] })).body?.cancel()
  }

  private key(name: string): string {
    return this.prefix === "" ? name : `${this.prefix}/${name}`
  }
}

/** Bytes in pieces of one size, the last one smaller; each is one buffer. */
async function* cut(body: ReadableStream<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let gathered: Uint8Array[] = []
  let filled = 0
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength;) {
      const taken = chunk.subarray(at, at + size - filled)
      gathered.push(taken)
      filled += taken.byteLength
      at += taken.byteLength
      if (filled < size) continue
      yield Buffer.concat(gathered)
      gathered = []
      filled = 0
    }
  }
  if (filled > 0) yield Buffer.concat(gathered)
}

function fromGenerator(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel: async () => void (await chunks.return(undefined)),
  })
}
