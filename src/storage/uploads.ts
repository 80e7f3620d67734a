import { createHash, randomBytes } from "node:crypto"
import type { Db } from "../db/open"
import type { UploadPartRow, UploadRow } from "../db/storage-schema"
import { AppError } from "../errors"
import type { Allowance } from "./allowance"
import type { Blobs } from "./blobs"
import type { Flusher } from "./flusher"
import { type ListQuery, listUploads, type PageOf, type UploadPlace } from "./listing"
import { column, type Namespace, type ObjectFacts, type ObjectInfo, parseKey } from "./model"
import { NamespaceStore } from "./namespace-store"
import type { Body, Condition, Objects } from "./objects"
import { UploadStore } from "./upload-store"

/** S3's bound. */
export const maxParts = 10_000
const maxUploadsOfPerson = 10_000

/** A part as whoever ends an upload names it. */
export type NamedPart = { number: number; etag?: string; checksum?: string }

export type UploadsNeeds = {
  db: Db
  blobs: Blobs
  objects: Objects
  allowance: Allowance
  durable: Pick<Flusher, "flush">
  now: () => number
}

export type NewUpload = {
  personId: string
  kind: UploadRow["kind"]
  facts?: Omit<ObjectFacts, "checksum">
  /** What the whole will be checked by, as whoever begins it notes it for the end. */
  checksum?: object
  announcedBytes?: number
}

/** Objects that are sent in parts: each part is kept as it comes, and the object is there when the upload is completed, whole or not at all. */
export class Uploads {
  private store: UploadStore

  constructor(private needs: UploadsNeeds) {
    this.store = new UploadStore(needs.db)
  }

  /** Throws `invalid`, `not_found` where the namespace has gone, `conflict` where too many are under way, and `out_of_space` for what was announced and cannot fit. */
  async begin(namespace: Namespace, key: string, upload: NewUpload): Promise<UploadRow> {
    parseKey(key)
    const { personId, kind, facts, checksum, announcedBytes } = upload
    if (announcedBytes !== undefined) {
      ;(await this.needs.allowance.watch(namespace))(announcedBytes)
      this.needs.blobs.checkFloor(announcedBytes)
    }
    if ((await this.store.count(personId)) >= maxUploadsOfPerson)
      throw new AppError("conflict", `no more than ${maxUploadsOfPerson} uploads of one person may be under way: end or abort some`)
    const row: UploadRow = {
      id: randomBytes(16).toString("hex"),
      namespaceId: namespace.id,
      key,
      personId,
      kind,
      contentType: facts?.contentType ?? "application/octet-stream",
      headers: column(facts?.headers),
      tags: column(facts?.tags),
      checksum: column(checksum),
      announcedSize: announcedBytes ?? null,
      createdAt: this.needs.now(),
      touchedAt: this.needs.now(),
    }
    await this.needs.db.transaction().execute(async (tx) => {
      const here = await new NamespaceStore(tx).get(namespace.id)
      if (here === undefined) throw new AppError("not_found", "namespace does not exist", { reason: "NoSuchBucket" })
      await new UploadStore(tx).insert(row)
    })
    await this.needs.durable.flush()
    return row
  }

  /** Throws `not_found` for an id that is not one of this namespace and kind. */
  async get(namespace: Namespace, kind: UploadRow["kind"], id: string): Promise<UploadRow> {
    const row = await this.store.find(id)
    if (row === undefined || row.namespaceId !== namespace.id || row.kind !== kind) throw noUpload()
    return row
  }

  /** Of any namespace; undefined where there is none. */
  find = (id: string): Promise<UploadRow | undefined> => this.store.find(id)

  /**
   * Receives a part, in place of one of the same number. `finish` is as with `Objects.put`, and answers the part's checksum; with `keepPart` what came
   * of a body that broke off is kept. Throws `invalid`, `not_found`, `out_of_space`.
   */
  async part(
    namespace: Namespace,
    upload: UploadRow,
    number: number,
    body: Body,
    options: {
      finish?: (written: { size: number; md5: string }) => string | undefined
      keepPart?: boolean
      announcedBytes?: number
      /** The most bytes; more end it. */
      limit?: number
    } = {},
  ): Promise<UploadPartRow> {
    if (!Number.isInteger(number) || number < 1 || number > maxParts)
      throw new AppError("invalid", `part number must be a whole number from 1 to ${maxParts}`, { reason: "InvalidArgument" })
    const { blobs, allowance, now } = this.needs
    const replaced = await this.store.part(upload.id, number)
    const watch = await allowance.watch(namespace, async () => replaced?.size ?? 0)
    if (options.announcedBytes !== undefined) {
      watch(options.announcedBytes)
      blobs.checkFloor(options.announcedBytes)
    }
    const { limit = Number.MAX_SAFE_INTEGER } = options
    const draft = await blobs.receive(
      body,
      (size) => {
        if (size > limit) throw new AppError("too_large", `more than the ${limit} bytes that were announced`)
        watch(size)
      },
      options.keepPart,
    )
    let checksum: string | undefined
    try {
      checksum = options.finish?.(draft)
    } catch (error) {
      await blobs.discard(draft)
      throw error
    }
    const { hash, size, md5 } = draft
    const part = { uploadId: upload.id, number, namespaceId: namespace.id, hash, size, md5, checksum: checksum ?? null, createdAt: now() }
    await blobs.keep([draft], () => this.record(namespace, part))
    await this.needs.durable.flush()
    return part
  }

  private async record(namespace: Namespace, part: UploadPartRow): Promise<void> {
    const { db, blobs, allowance, now } = this.needs
    const replaced = await db.transaction().execute(async (tx) => {
      const store = new UploadStore(tx)
      if ((await store.find(part.uploadId)) === undefined) throw noUpload()
      const before = await store.part(part.uploadId, part.number)
      if (before !== undefined) await store.deletePart(part.uploadId, part.number)
      await store.insertPart(part)
      await store.touch(part.uploadId, now())
      await allowance.check(namespace, new NamespaceStore(tx))
      return before?.hash
    })
    if (replaced !== undefined && replaced !== part.hash) blobs.release([replaced])
  }

  parts = (upload: UploadRow, after?: number, limit?: number): Promise<UploadPartRow[]> => this.store.parts(upload.id, after, limit)

  list = (namespace: Namespace, query: ListQuery<UploadPlace>): Promise<PageOf<UploadRow, UploadPlace>> =>
    listUploads(this.store, namespace.id, query)

  /**
   * Makes the object of the parts named, in their order, or of all; the others go. `leastBytes` is what each but the last must have. `whole` makes the
   * checksum of the object from its parts. Throws `not_found`, and `invalid` with the reasons of S3: InvalidPart, InvalidPartOrder, EntityTooSmall.
   */
  complete(
    namespace: Namespace,
    upload: UploadRow,
    options: {
      named?: NamedPart[]
      leastBytes?: number
      condition?: Condition
      whole?: (parts: UploadPartRow[]) => ObjectFacts["checksum"]
    } = {},
  ): Promise<ObjectInfo> {
    const content = async (tx: ConstructorParameters<typeof UploadStore>[0]) => {
      const store = new UploadStore(tx)
      if ((await store.find(upload.id)) === undefined) throw noUpload()
      const parts = chosen(await store.parts(upload.id), options.named, options.leastBytes ?? 0)
      const released = (await store.delete(upload.id)) ?? []
      const facts: ObjectFacts = {
        contentType: upload.contentType,
        headers: upload.headers === null ? {} : JSON.parse(upload.headers),
        tags: upload.tags === null ? {} : JSON.parse(upload.tags),
        checksum: options.whole?.(parts),
      }
      const [only] = parts
      // What came in one piece by tus is an object like any other; S3 shows that one was sent in parts.
      if (upload.kind === "tus" && parts.length === 1 && only !== undefined)
        return { size: only.size, etag: only.md5, hash: only.hash, segments: [], facts, released }
      const segments = parts.map(({ hash, size, number, checksum }) => ({ hash, size, partNumber: number, checksum }))
      const size = parts.reduce((sum, part) => sum + part.size, 0)
      return { size, etag: etagOfParts(parts.map(({ md5 }) => md5)), hash: undefined, segments, facts, released }
    }
    return this.needs.objects.write(namespace, upload.key, content, options.condition)
  }

  /** Whether it was there, and not touched since `untouchedSince`. */
  async abort(upload: Pick<UploadRow, "id">, untouchedSince = Number.POSITIVE_INFINITY): Promise<boolean> {
    const hashes = await this.needs.db.transaction().execute(async (tx) => {
      const store = new UploadStore(tx)
      const { touchedAt } = (await store.find(upload.id)) ?? {}
      return touchedAt !== undefined && touchedAt < untouchedSince ? store.delete(upload.id) : undefined
    })
    if (hashes === undefined) return false
    this.needs.blobs.release(hashes)
    return true
  }

  /** Ends every upload of a namespace. */
  async abortAll(namespace: Namespace): Promise<void> {
    for (const upload of await this.store.ofNamespace(namespace.id)) await this.abort(upload)
  }

  /** Ends uploads that nobody went on with since a time; answers how many. */
  async abortIdle(before: number): Promise<number> {
    let ended = 0
    // Each is asked again: somebody may have gone on with it meanwhile.
    for (const upload of await this.store.idle(before, 1000)) if (await this.abort(upload, before)) ended++
    return ended
  }
}

/** Of the parts that came those that are named, or all. */
function chosen(parts: UploadPartRow[], named: NamedPart[] | undefined, leastBytes: number): UploadPartRow[] {
  const byNumber = new Map(parts.map((part) => [part.number, part]))
  const wanted = named ?? parts.map(({ number }) => ({ number }))
  if (wanted.length === 0) throw refusal("InvalidRequest", "an upload without a part cannot be completed")
  const result = wanted.map(({ number, etag, checksum }: NamedPart, i) => {
    if (i > 0 && number <= (wanted[i - 1]?.number ?? 0)) throw refusal("InvalidPartOrder", "parts must be named in ascending order")
    const part = byNumber.get(number)
    const isSame = part !== undefined && (etag === undefined || etag === part.md5) && (checksum ?? part.checksum) === part.checksum
    if (!isSame) throw refusal("InvalidPart", `part ${number} was not sent, or is not the one that is named`)
    return part
  })
  const small = result.slice(0, -1).find(({ size }) => size < leastBytes)
  if (small !== undefined)
    throw refusal("EntityTooSmall", `part ${small.number} has ${small.size} bytes: every part but the last has at least ${leastBytes}`)
  return result
}

/** As S3 makes it: the MD5 of the parts' MD5s, and their number. */
export const etagOfParts = (md5s: string[]) =>
  `${createHash("md5")
    .update(Buffer.concat(md5s.map((md5) => Buffer.from(md5, "hex"))))
    .digest("hex")}-${md5s.length}`

const refusal = (reason: string, message: string) => new AppError("invalid", message, { reason })

const noUpload = () => new AppError("not_found", "no such upload: it was completed, aborted, or never begun", { reason: "NoSuchUpload" })
