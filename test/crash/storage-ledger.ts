import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { sql } from "kysely"
import { contentOf } from "./storage-content"
import type { Core } from "./storage-core"
import { type Mark, markField, seedsOf, type Step } from "./storage-journal"

/** What there may be, as far as the journals tell: one thing where the last write was acknowledged, more where one was cut off. */
type Versions = { known: Map<string, Mark | undefined>; maybeGone: Set<string>; maybeMade: (Mark | undefined)[] }
type Upload = { key: string; isSure: boolean; mayBeGone: boolean; parts: Map<number, Set<number | undefined>> }

export type Verdict = { acknowledged: number; cutOff: number; ofThoseDone: number; objects: number; bytes: number; orphansSwept: number }

const hashes = new Map<number, string>()
const hashOf = (seed: number) => {
  const known = hashes.get(seed) ?? createHash("sha256").update(contentOf(seed)).digest("hex")
  hashes.set(seed, known)
  return known
}

/** Knows what writers were told, and compares it with what a core has. */
export class Ledger {
  /** Of `plain`; undefined stands for no object. */
  private plain = new Map<string, Set<Mark | undefined>>()
  private lastComplete = new Map<string, Mark | undefined>()
  private kept = new Map<string, Versions>()
  private uploads = new Map<Mark, Upload>()
  private counts = { acknowledged: 0, cutOff: 0 }
  private cutOff: Mark[] = []

  note(steps: Step[]): void {
    for (const step of steps) {
      this.counts[step.acknowledged ? "acknowledged" : "cutOff"]++
      if (!step.acknowledged && "mark" in step && step.do !== "part" && step.do !== "abort" && step.do !== "begin")
        this.cutOff.push(step.mark)
      this.noteOne(step)
    }
  }

  private noteOne(step: Step): void {
    const { acknowledged: isSure } = step
    switch (step.do) {
      case "put":
      case "delete":
        this.lastComplete.delete(step.key)
        return this.noteObject(step.key, step.do === "put" ? step.mark : undefined, isSure)
      case "version":
      case "marker": {
        const [versions, mark] = [this.versions(step.key), step.do === "version" ? step.mark : undefined]
        if (isSure) versions.known.set(step.madeVersion ?? "none", mark)
        else versions.maybeMade.push(mark)
        return
      }
      case "unversion":
        if (isSure) this.versions(step.key).known.delete(step.versionId)
        else this.versions(step.key).maybeGone.add(step.versionId)
        return
      case "begin":
        this.uploads.set(step.mark, { key: step.key, isSure, mayBeGone: false, parts: new Map() })
        return
      case "part": {
        const upload = this.upload(step.mark)
        if (isSure) upload.isSure = true
        const before = upload.parts.get(step.number) ?? [undefined]
        upload.parts.set(step.number, new Set(isSure ? [step.seed] : [...before, step.seed]))
        return
      }
      case "complete":
        if (isSure) this.uploads.delete(step.mark)
        else Object.assign(this.upload(step.mark), { isSure: true, mayBeGone: true })
        this.lastComplete.set(step.key, isSure ? undefined : step.mark)
        return this.noteObject(step.key, step.mark, isSure)
      case "abort":
        // It was there to be aborted, so it was not completed.
        this.plain.get(this.upload(step.mark).key)?.delete(step.mark)
        this.lastComplete.delete(this.upload(step.mark).key)
        if (isSure) this.uploads.delete(step.mark)
        else Object.assign(this.upload(step.mark), { isSure: true, mayBeGone: true })
    }
  }

  private noteObject(key: string, mark: Mark | undefined, isSure: boolean): void {
    this.plain.set(key, new Set(isSure ? [mark] : [...(this.plain.get(key) ?? [undefined]), mark]))
  }

  private versions(key: string): Versions {
    const found = this.kept.get(key) ?? { known: new Map(), maybeGone: new Set(), maybeMade: [] }
    this.kept.set(key, found)
    return found
  }

  private upload(mark: Mark): Upload {
    const found = this.uploads.get(mark)
    if (found === undefined) throw new Error(`the journal speaks of an upload that was never begun: ${mark}`)
    return found
  }

  /**
   * Compares, once the core has swept, and takes what is there for what is known from now on. Throws with everything that is wrong. Nobody else may
   * write meanwhile.
   */
  async verify(core: Core, folder: string): Promise<Verdict> {
    await core.swept
    const wrong: string[] = []
    const marks = new Set<Mark>()
    await this.verifyStore(core, wrong)
    await this.verifyPlain(core, wrong, marks)
    await this.verifyKept(core, wrong, marks)
    await this.verifyUploads(core, wrong, marks)
    const totals = await this.verifyCounters(core, wrong)
    await this.verifyDisk(core, folder, wrong)
    if (wrong.length > 0) throw new Error(`after a kill:\n${wrong.slice(0, 20).join("\n")}\n${core.logged.join("")}`)
    const ofThoseDone = this.cutOff.filter((mark) => marks.has(mark)).length
    const orphansSwept = core.logged.reduce((sum, line) => sum + Number((JSON.parse(line) as { removed?: number }).removed ?? 0), 0)
    const verdict = { ...this.counts, ofThoseDone, orphansSwept, ...totals }
    this.counts = { acknowledged: 0, cutOff: 0 }
    this.cutOff = []
    return verdict
  }

  private async verifyStore({ db, logged }: Core, wrong: string[]): Promise<void> {
    const { rows: faults } = await sql<{ integrityCheck: string }>`PRAGMA integrity_check`.execute(db)
    for (const { integrityCheck } of faults) if (integrityCheck !== "ok") wrong.push(`the store is damaged: ${integrityCheck}`)
    const { rows: dangling } = await sql`PRAGMA foreign_key_check`.execute(db)
    for (const row of dangling) wrong.push(`a row refers to nothing: ${JSON.stringify(row)}`)
    for (const line of logged) if (!line.includes("stored bytes were compared")) wrong.push(`the core says ${line}`)
  }

  private async verifyPlain(core: Core, wrong: string[], marks: Set<Mark>): Promise<void> {
    const rows = await core.db.selectFrom("objectVersions").select("key").where("namespaceId", "=", core.plain.id).execute()
    const keys = rows.map(({ key }) => key)
    if (new Set(keys).size < keys.length) wrong.push("a key without versions has several")
    for (const key of new Set([...keys, ...this.plain.keys()])) {
      const mark = await this.verifyObject(core, key, undefined, wrong)
      const possible = this.plain.get(key) ?? new Set([undefined])
      if (!possible.has(mark)) wrong.push(`${key} is ${mark ?? "not there"}, and should be ${[...possible].map(String).join(" or ")}`)
      const completed = this.lastComplete.get(key)
      if (completed !== undefined && mark !== completed && !(await this.isUnderWay(core, completed)))
        wrong.push(`the upload ${completed} has gone, and ${key} is not made of it`)
      if (mark !== undefined) marks.add(mark)
      this.plain.set(key, new Set([mark]))
    }
    this.lastComplete.clear()
  }

  private async isUnderWay({ db }: Core, mark: Mark): Promise<boolean> {
    const rows = await db.selectFrom("storageUploads").select("headers").execute()
    return rows.some(({ headers }) => headers?.includes(`"${mark}"`))
  }

  private async verifyKept(core: Core, wrong: string[], marks: Set<Mark>): Promise<void> {
    const rows = await core.db
      .selectFrom("objectVersions")
      .select(["id", "key", "versionId", "isLatest", "isDeleteMarker"])
      .where("namespaceId", "=", core.kept.id)
      .orderBy("id", "desc")
      .execute()
    for (const key of new Set([...rows.map((row) => row.key), ...this.kept.keys()])) {
      const there = rows.filter((row) => row.key === key)
      const { known, maybeGone, maybeMade } = this.versions(key)
      const found: Versions["known"] = new Map()
      for (const [i, { versionId, isLatest, isDeleteMarker }] of there.entries()) {
        if ((isLatest === 1) !== (i === 0)) wrong.push(`of ${key} not the newest version has the mark of the newest`)
        const mark = isDeleteMarker === 1 ? undefined : await this.verifyObject(core, key, versionId, wrong)
        if (known.has(versionId) && known.get(versionId) !== mark)
          wrong.push(`${key} ${versionId} is ${mark}, and was ${known.get(versionId)}`)
        if (!known.has(versionId)) {
          const at = maybeMade.indexOf(mark)
          if (at < 0) wrong.push(`${key} has a version that nobody made: ${mark}`)
          else maybeMade.splice(at, 1)
        }
        if (mark !== undefined) marks.add(mark)
        found.set(versionId, mark)
      }
      for (const [versionId, mark] of known)
        if (!found.has(versionId) && !maybeGone.has(versionId)) wrong.push(`${key} has lost its version ${versionId}: ${mark}`)
      this.kept.set(key, { known: found, maybeGone: new Set(), maybeMade: [] })
    }
  }

  private async verifyUploads(core: Core, wrong: string[], marks: Set<Mark>): Promise<void> {
    const rows = await core.db.selectFrom("storageUploads").selectAll().execute()
    const found = new Map(rows.map((row) => [(JSON.parse(row.headers ?? "{}") as Record<string, string>)[markField] ?? "", row]))
    for (const [mark, upload] of this.uploads) {
      const row = found.get(mark)
      if (row === undefined) {
        if (upload.isSure && !upload.mayBeGone) wrong.push(`the upload ${mark} has gone`)
        this.uploads.delete(mark)
        continue
      }
      if (marks.has(mark)) wrong.push(`the upload ${mark} is under way and completed`)
      const parts = new Map((await core.storage.uploads.parts(row)).map((part) => [part.number, part]))
      for (const number of new Set([...parts.keys(), ...upload.parts.keys()])) {
        const possible = upload.parts.get(number) ?? new Set([undefined])
        const hash = parts.get(number)?.hash
        const seed = [...possible].find((one) => (one === undefined ? undefined : hashOf(one)) === hash)
        if (seed === undefined && (hash !== undefined || !possible.has(undefined)))
          wrong.push(`part ${number} of ${mark} is ${hash ?? "not there"}, and should be of ${[...possible].map(String).join(" or ")}`)
        upload.parts.set(number, new Set([seed]))
      }
      Object.assign(upload, { isSure: true, mayBeGone: false })
    }
    for (const mark of found.keys()) if (!this.uploads.has(mark)) wrong.push(`an upload that nobody began, or that was ended: ${mark}`)
  }

  /** The mark of what is there, whose bytes must be those of its seeds; undefined for nothing. */
  private async verifyObject(
    { storage, plain, kept }: Core,
    key: string,
    versionId: string | undefined,
    wrong: string[],
  ): Promise<Mark | undefined> {
    const info = await storage.objects.find(versionId === undefined ? plain : kept, key, versionId)
    if (info === undefined) return undefined
    const mark = info.headers[markField] ?? ""
    const expected = createHash("sha256")
    for (const seed of seedsOf(mark)) expected.update(contentOf(seed))
    const actual = createHash("sha256")
    let size = 0
    try {
      for await (const chunk of storage.reader.chunks(info)) {
        actual.update(chunk)
        size += chunk.byteLength
      }
    } catch (error) {
      wrong.push(`${key} ${mark} cannot be read: ${String(error)}`)
      return mark
    }
    if (size !== info.size || actual.digest("hex") !== expected.digest("hex"))
      wrong.push(`${key} ${mark} is torn: ${size} of ${info.size} bytes`)
    return mark
  }

  private async verifyCounters({ db }: Core, wrong: string[]): Promise<{ objects: number; bytes: number }> {
    const { rows } = await sql<{ name: string; objects: number; bytes: number; realObjects: number; realBytes: number }>`
      SELECT name, objects, bytes,
        (SELECT count(*) FROM object_versions v WHERE v.namespace_id = n.id AND is_latest = 1 AND is_delete_marker = 0) AS real_objects,
        (SELECT coalesce(sum(size), 0) FROM object_versions v WHERE v.namespace_id = n.id)
          + (SELECT coalesce(sum(size), 0) FROM upload_parts p WHERE p.namespace_id = n.id) AS real_bytes
      FROM namespaces n`.execute(db)
    for (const { name, objects, bytes, realObjects, realBytes } of rows)
      if (objects !== realObjects || bytes !== realBytes)
        wrong.push(`${name} counts ${objects} objects of ${bytes} bytes, and has ${realObjects} of ${realBytes}`)
    const sum = (of: "objects" | "bytes") => rows.reduce((total, row) => total + row[of], 0)
    return { objects: sum("objects"), bytes: sum("bytes") }
  }

  private async verifyDisk({ db, storage }: Core, folder: string, wrong: string[]): Promise<void> {
    const { rows } = await sql<{ hash: string }>`
      SELECT hash FROM object_versions WHERE hash IS NOT NULL UNION SELECT hash FROM object_segments UNION SELECT hash FROM upload_parts`.execute(
      db,
    )
    const referenced = new Set(rows.map(({ hash }) => hash))
    const present = Array.from({ length: 256 }, (_, shard) => storage.blobs.names(shard.toString(16).padStart(2, "0"))).flat()
    for (const hash of present) {
      if (!referenced.delete(hash)) wrong.push(`an orphan: ${hash}`)
      const found = createHash("sha256")
        .update(readFileSync(storage.blobs.path(hash)))
        .digest("hex")
      if (found !== hash) wrong.push(`the bytes of ${hash} are torn`)
    }
    for (const hash of referenced) wrong.push(`the bytes of ${hash} are missing`)
    const incoming = join(folder, "storage/incoming")
    const folders = existsSync(incoming) ? readdirSync(incoming) : []
    const files = folders.flatMap((name) => readdirSync(join(incoming, name)))
    if (folders.length !== 1 || files.length > 0) wrong.push(`incoming holds ${folders.length} folders and ${files.length} files`)
    for (const { hash } of await storage.references.faults()) wrong.push(`a fault on record: ${hash}`)
  }
}
