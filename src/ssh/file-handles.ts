import { type FileHandle, open, rm } from "node:fs/promises"
import { join, posix } from "node:path"
import { type ContainerFiles, fileKind } from "../engine/archive"
import { AppError } from "../errors"
import type { DraftRoom } from "./drafts"
import type { Attributes } from "./sftp-wire"
import { type TarEntry, tarHead, TarReader, tarTail } from "./tar"

const maxListingBytes = 64 * 1024 * 1024
const maxListed = 100_000

/** A file of a container that is read from front to back; a step back begins again. */
export class ReadHandle {
  private abort = new AbortController()
  private tar: TarReader | undefined
  private at = 0

  constructor(
    private files: ContainerFiles,
    readonly path: string,
  ) {}

  /** At most `length` bytes; none at the end of the file. */
  async read(offset: number, length: number): Promise<Buffer> {
    if (this.tar === undefined || offset < this.at) await this.begin()
    const { tar } = this
    if (tar === undefined) throw new Error("no tar stream")
    await tar.skipContents(offset - this.at)
    const bytes = await tar.read(length)
    this.at = offset + bytes.length
    return bytes
  }

  async close(): Promise<void> {
    this.abort.abort()
  }

  private async begin(): Promise<void> {
    this.abort.abort()
    this.abort = new AbortController()
    const tar = new TarReader(await this.files.read(this.path, this.abort.signal))
    const entry = await tar.next()
    if (entry === undefined || (entry.mode & fileKind.mask) !== fileKind.regular) throw new AppError("not_found", "not a file")
    this.tar = tar
    this.at = 0
  }
}

export type Owner = { uid: number; gid: number }

/** A file on its way into a container: it is gathered on this machine, since a tar stream begins with its size, and unpacked at the end. */
export class WriteHandle {
  private end = 0
  private given = false
  private mode: number
  private modifiedAt: number | undefined

  private constructor(
    private file: FileHandle,
    private draft: string,
    private start: number,
    private entry: TarEntry,
    readonly path: string,
    private maxBytes: number,
    private room: DraftRoom,
  ) {
    this.mode = entry.mode
  }

  /** What is gathered stands in `room`, and is removed when the handle is closed. */
  static async open(path: string, room: DraftRoom, given: Attributes, owner: Owner, maxBytes: number): Promise<WriteHandle> {
    const draft = join(room.folder, crypto.randomUUID())
    const mode = fileKind.regular | ((given.mode ?? 0o644) & 0o7777)
    const entry: TarEntry = { name: posix.basename(path), size: 0, mode, modifiedAt: 0, ...owner }
    const file = await open(draft, "wx", 0o600)
    return new WriteHandle(file, draft, tarHead(entry).length, entry, path, maxBytes, room)
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    if (offset + bytes.length > this.maxBytes) throw new AppError("too_large", `a file may have ${this.maxBytes} bytes`)
    const end = Math.max(this.end, offset + bytes.length)
    // What is skipped counts too: it would be written in the container.
    if (end > this.end) await this.room.take(end - this.end)
    this.end = end
    await this.file.write(bytes, 0, bytes.length, this.start + offset)
  }

  set(given: Attributes): void {
    if (given.mode !== undefined) this.mode = fileKind.regular | (given.mode & 0o7777)
    if (given.modifiedAt !== undefined) this.modifiedAt = given.modifiedAt
  }

  get size(): number {
    return this.end
  }

  /** Unpacks it in the container; `now` is its time unless the client said another. */
  async commit(files: ContainerFiles, now: number): Promise<void> {
    try {
      const { mode, end: size, modifiedAt = Math.floor(now / 1000) } = this
      const head = tarHead({ ...this.entry, mode, size, modifiedAt })
      await this.file.write(head, 0, head.length, 0)
      const tail = tarTail(size)
      await this.file.write(tail, 0, tail.length, this.start + size)
      await files.write(posix.dirname(this.path), this.draft)
    } finally {
      await this.discard()
    }
  }

  async discard(): Promise<void> {
    await this.file.close().catch(() => undefined)
    await rm(this.draft, { force: true })
    this.room.give(this.given ? 0 : this.end)
    this.given = true
  }
}

/** What is in a folder, by name. The engine sends all that is below with it, so a large one is refused. */
export async function listFolder(files: ContainerFiles, path: string): Promise<{ name: string; entry: TarEntry }[]> {
  const abort = new AbortController()
  const found: { name: string; entry: TarEntry }[] = []
  try {
    const tar = new TarReader(await files.read(path, abort.signal))
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
      const parts = entry.name.split("/").filter((part) => part !== "" && part !== ".")
      // The folder itself comes first, under its own name, which `/` has not.
      const depth = path === "/" ? 1 : 2
      if (parts.length === depth && found.length < maxListed) found.push({ name: parts[depth - 1] ?? "", entry })
      if (tar.bytesRead > maxListingBytes)
        throw new AppError("too_large", "the folder is too large to list without sftp-server in the container")
    }
    return found
  } finally {
    abort.abort()
  }
}
