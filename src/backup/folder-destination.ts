import { createReadStream, createWriteStream } from "node:fs"
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { AppError } from "../errors"
import type { Destination, Stored } from "./destination"
import { copiesFolder } from "./names"

const chunkBytes = 1024 * 1024

/** A folder of this machine, or one that is mounted here. Files are readable by their owner alone, flushed, and named only when they are whole. */
export class FolderDestination implements Destination {
  readonly shown: string

  constructor(folder: string) {
    this.shown = resolve(folder)
  }

  async prepare(): Promise<void> {
    await this.mustBeThere()
    for await (const name of this.names("")) if (isDraft(name)) await rm(join(this.shown, name), { force: true })
    for await (const name of this.below(copiesFolder)) if (isDraft(name)) await rm(join(this.shown, name), { force: true })
  }

  async *list(folder?: string): AsyncGenerator<Stored> {
    // What is not mounted is not empty.
    if (folder === undefined) await this.mustBeThere()
    for await (const name of folder === undefined ? this.names("") : this.below(folder)) {
      const found = await stat(join(this.shown, name)).catch(absent)
      if (found?.isFile() === true && !isDraft(name)) yield { name, bytes: found.size, modifiedAt: Math.round(found.mtimeMs) }
    }
  }

  async put(name: string, body: ReadableStream<Uint8Array>): Promise<number> {
    const file = join(this.shown, name)
    const draft = join(dirname(file), `.${basename(file)}.part`)
    try {
      if ((await stat(file).catch(absent)) !== undefined)
        throw new AppError("conflict", `${file} is there already: a backup writes over nothing`)
      if (dirname(file) !== this.shown) await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await rm(draft, { force: true })
      await pipeline(Readable.fromWeb(body as never), createWriteStream(draft, { mode: 0o600, flags: "wx", highWaterMark: chunkBytes }))
      const bytes = await flush(draft, "r+")
      await rename(draft, file)
      await flush(dirname(file), "r")
      return bytes
    } catch (error) {
      await body.cancel().catch(() => {})
      await rm(draft, { force: true }).catch(() => {})
      throw explained(error, file)
    }
  }

  async get(name: string): Promise<ReadableStream<Uint8Array>> {
    const file = join(this.shown, name)
    if ((await stat(file).catch(() => undefined))?.isFile() !== true) throw new AppError("not_found", `there is no file ${file}`)
    return Readable.toWeb(createReadStream(file, { highWaterMark: chunkBytes })) as unknown as ReadableStream<Uint8Array>
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.shown, name), { force: true }).catch((error) => {
      throw explained(error, join(this.shown, name))
    })
  }

  private async mustBeThere(): Promise<void> {
    if ((await stat(this.shown).catch(() => undefined))?.isDirectory() !== true)
      throw new AppError("not_found", `${this.shown} is no folder that is there: make it, or mount it`)
  }

  private async *names(folder: string): AsyncGenerator<string> {
    const found = await readdir(join(this.shown, folder), { withFileTypes: true }).catch(absent)
    for (const one of (found ?? []).sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (one.isFile()) yield folder === "" ? one.name : `${folder}/${one.name}`
  }

  private async *below(folder: string): AsyncGenerator<string> {
    yield* this.names(folder)
    const found = await readdir(join(this.shown, folder), { withFileTypes: true }).catch(absent)
    for (const one of found ?? []) if (one.isDirectory()) yield* this.below(`${folder}/${one.name}`)
  }
}

/** What an end in the middle leaves of a backup, of its list or of a copy; nobody else's files are called so. */
const isDraft = (path: string) => /^\.(freehold-\d{8}T\d{6}Z\.(age|copies)|[0-9a-f]{32}\.age)\.part$/.test(basename(path))

/** Brings a file or folder to disk; its size. */
async function flush(path: string, mode: "r" | "r+"): Promise<number> {
  const handle: FileHandle = await open(path, mode)
  try {
    await handle.sync()
    return (await handle.stat()).size
  } finally {
    await handle.close()
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined
  throw error
}

function explained(error: unknown, file: string): unknown {
  const reason = reasonOf(error)
  return reason === undefined ? error : new AppError("invalid", `${file} cannot be written: ${reason}`, { cause: error })
}

/** What a fault of a disk is in words; undefined for what is none. */
export const reasonOf = (error: unknown): string | undefined =>
  ({
    ENOENT: "its folder does not exist",
    ENOTDIR: "its folder does not exist",
    EACCES: "that is not permitted",
    EPERM: "that is not permitted",
    ENOSPC: "the disk is full",
    EDQUOT: "the disk is full for this user",
    EROFS: "it is read-only here, by the disk or by a unit whose ReadWritePaths= does not name it",
    EIO: "the disk fails",
  })[(error as NodeJS.ErrnoException).code ?? ""]
