import type { UploadRow } from "../db/storage-schema"
import { AppError } from "../errors"
import { TypeGuess } from "./content-type"
import type { Namespace, ObjectInfo } from "./model"
import type { NamespaceStore } from "./namespace-store"
import type { Objects } from "./objects"
import { maxParts, type Uploads } from "./uploads"

/** An upload as its requests know it. Of one that is finished the row is gone. */
export type Resumable = { id: string; namespace: Namespace; personId: string; length: number; row: UploadRow | undefined }

/** How far it is; `expiresAt` in Unix milliseconds, undefined when it is done. */
export type UploadState = { offset: number; length: number; metadata: string; expiresAt: number | undefined }

export type NewResumable = {
  name: string
  length: number
  contentType: string | undefined
  mayReplace: boolean
  /** As the client sent it, to be sent back. */
  metadata: string
}

export type ResumableNeeds = {
  uploads: Uploads
  objects: Objects
  namespaces: NamespaceStore
  expiryMs: () => number
  now: () => number
  /** How long a request waits for the one before it on the same upload to let go. */
  waitMs?: number
}

/** What is noted at the beginning for the end. */
type Note = { overwrite: boolean; metadata: string }

type Holder = { abort: AbortController; settled: Promise<void> }

const maxFinished = 10_000
const finishedMs = 3_600_000

/**
 * Uploads that are gone on with where a connection broke: each request's bytes are kept as a part, what came of a broken one too, and with the last byte
 * the object is there. One request at a time works on an upload: a newer one ends the body of the older, whose connection is dead as a rule, and goes on
 * where that got to.
 */
export class ResumableUploads {
  private holders = new Map<string, Holder>()
  /** So that a client that missed the last answer learns that all is well. */
  private finished = new Map<string, Resumable & { at: number; metadata: string }>()

  constructor(private needs: ResumableNeeds) {}

  /** Throws `invalid`, `conflict` for a file that is there and may not be replaced or for too many uploads, and `out_of_space`. */
  async begin(namespace: Namespace, personId: string, upload: NewResumable): Promise<Resumable> {
    const { name, length, mayReplace, metadata } = upload
    conditionOf(mayReplace, name)(await this.current(namespace, name))
    const contentType = new TypeGuess(name, upload.contentType).type
    const note: Note = { overwrite: mayReplace, metadata }
    const begun = { personId, kind: "tus" as const, facts: { contentType }, checksum: note, announcedBytes: length }
    const row = await this.needs.uploads.begin(namespace, name, begun)
    const made = { id: row.id, namespace, personId, length, row }
    if (length === 0) await this.alone(row.id, () => this.finish(made, row))
    return made
  }

  /** Undefined for what was never begun, has ended, or is too old; whose it is, others decide. */
  async find(id: string): Promise<Resumable | undefined> {
    const { uploads, namespaces, now } = this.needs
    const done = this.finished.get(id)
    if (done !== undefined && now() - done.at < finishedMs) return done
    const row = await uploads.find(id)
    if (row === undefined || row.kind !== "tus") return undefined
    if (now() >= this.expiryOf(row)) {
      await uploads.abort(row)
      return undefined
    }
    const namespace = await namespaces.get(row.namespaceId)
    return namespace && { id, namespace, personId: row.personId, length: row.announcedSize ?? 0, row }
  }

  /** How far it is. What has come whole and was not made an object, because the process ended or the disk was full, is made one now. */
  state(upload: Resumable): Promise<UploadState> {
    return this.alone(upload.id, async () => {
      const { row, offset } = await this.look(upload)
      if (row !== undefined && offset === upload.length) await this.finish(upload, row)
      return this.shown(upload, offset, row?.touchedAt)
    })
  }

  /**
   * Takes bytes from an offset on. Throws `conflict` for another offset than the one that it is at, `too_large`, `out_of_space`, and at the end what `begin`
   * throws.
   */
  append(
    upload: Resumable,
    from: number,
    body: ReadableStream<Uint8Array> | null,
    announcedBytes: number | undefined,
  ): Promise<UploadState> {
    return this.alone(upload.id, async (signal) => {
      const { row, offset, parts } = await this.look(upload)
      if (from !== offset) throw new AppError("conflict", `Upload-Offset is ${offset} by now, not ${from}`)
      if (row === undefined) return this.shown(upload, offset)
      const left = upload.length - offset
      if (announcedBytes !== undefined && announcedBytes > left)
        throw new AppError("too_large", `no more than ${left} bytes are left to come`)
      if (parts >= maxParts) throw new AppError("conflict", `no more than ${maxParts} pieces: begin again, with larger ones`)
      const incoming = body === null ? undefined : await begun(body, signal)
      let size = 0
      if (incoming !== undefined) {
        const options = { keepPart: true, limit: left, announcedBytes }
        size = (await this.needs.uploads.part(upload.namespace, row, parts + 1, incoming, options)).size
      }
      if (offset + size === upload.length) await this.finish(upload, row)
      else if (signal.aborted) throw new AppError("conflict", "another request goes on with this upload")
      return this.shown(upload, offset + size)
    })
  }

  /** What has come of it goes. */
  end(upload: Resumable): Promise<void> {
    return this.alone(upload.id, async () => {
      const isFinished = this.finished.delete(upload.id)
      if (upload.row === undefined || !(await this.needs.uploads.abort(upload.row))) if (!isFinished) throw noUpload()
    })
  }

  private async look(upload: Resumable): Promise<{ row: UploadRow | undefined; offset: number; parts: number }> {
    if (this.finished.has(upload.id)) return { row: undefined, offset: upload.length, parts: 0 }
    const row = await this.needs.uploads.find(upload.id)
    if (row === undefined) throw noUpload()
    const parts = await this.needs.uploads.parts(row)
    return { row, offset: parts.reduce((sum, { size }) => sum + size, 0), parts: parts.length }
  }

  private async finish(upload: Resumable, row: UploadRow): Promise<void> {
    const { uploads, now } = this.needs
    const { namespace } = upload
    const { overwrite, metadata } = noteOf(row)
    if (upload.length === 0 && (await uploads.parts(row)).length === 0) await uploads.part(namespace, row, 1, nothing())
    await uploads.complete(namespace, row, { condition: conditionOf(overwrite, row.key) })
    for (const [id, { at }] of this.finished) {
      if (now() - at < finishedMs && this.finished.size < maxFinished) break
      this.finished.delete(id)
    }
    this.finished.set(upload.id, { ...upload, row: undefined, at: now(), metadata })
  }

  private shown(upload: Resumable, offset: number, touchedAt = this.needs.now()): UploadState {
    const done = this.finished.get(upload.id)
    const metadata = done?.metadata ?? (upload.row === undefined ? "" : noteOf(upload.row).metadata)
    return { offset, length: upload.length, metadata, expiresAt: done === undefined ? touchedAt + this.needs.expiryMs() : undefined }
  }

  private expiryOf = (row: UploadRow) => row.touchedAt + this.needs.expiryMs()

  private async current(namespace: Namespace, name: string): Promise<ObjectInfo | undefined> {
    const found = await this.needs.objects.find(namespace, name)
    return found?.isDeleteMarker === true ? undefined : found
  }

  /** Throws `locked` where the request before does not let go in time. */
  private async alone<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const before = this.holders.get(id)
    before?.abort.abort()
    const { promise: settled, resolve: letGo } = Promise.withResolvers<void>()
    const holder: Holder = { abort: new AbortController(), settled }
    this.holders.set(id, holder)
    let timer: Timer | undefined
    try {
      if (before !== undefined) {
        const late = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(locked()), this.needs.waitMs ?? 10_000)
        })
        await Promise.race([before.settled, late])
      }
      return await work(holder.abort.signal)
    } finally {
      clearTimeout(timer)
      // Whoever comes next waits for all before.
      void (before?.settled ?? Promise.resolve()).then(() => {
        letGo()
        if (this.holders.get(id) === holder) this.holders.delete(id)
      })
    }
  }
}

const noteOf = (row: UploadRow): Note => (row.checksum === null ? { overwrite: false, metadata: "" } : (JSON.parse(row.checksum) as Note))

const conditionOf = (mayReplace: boolean, name: string) => (current: ObjectInfo | undefined) => {
  if (current !== undefined && !mayReplace) throw new AppError("conflict", `file already exists: ${name}`)
}

/** A body of which the first bytes have come, up to where it ends, breaks off, or is ended by the signal; undefined where nothing comes. */
async function begun(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
  const reader = body.getReader()
  const end = () => void reader.cancel().catch(() => undefined)
  if (signal.aborted) end()
  signal.addEventListener("abort", end, { once: true })
  const first = await reader.read().catch(() => ({ done: true, value: undefined }))
  if (first.value === undefined) return undefined
  return (async function* () {
    for (let read: { value?: Uint8Array | undefined; done: boolean } = first; read.value !== undefined; read = await reader.read())
      yield read.value
  })()
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export const noUpload = () => new AppError("not_found", "no such upload: it was finished, ended, or never begun")

const locked = () => new AppError("locked", "another request is still writing to this upload: try again", { retryAfterSeconds: 1 })
