import { createWriteStream } from "node:fs"
import { chmod, chown, mkdir, open, statfs, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Readable, Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { extract, type Header } from "tar-stream"
import { AppError } from "../errors"
import { reasonOf } from "./folder-destination"

export type UnpackOptions = {
  folder: string
  /** Which names may come; any other ends it. */
  isWanted: (name: string) => boolean
  /** Those that keep owner, mode and kind; all others are plain files of mode 0600. */
  keepsOwner: (name: string) => boolean
  /** Read and judged, and not written. */
  isDrained?: (name: string) => boolean
  /** The SHA-256 that a file must have; undefined where nothing is known. */
  sumOf: (name: string) => string | undefined
  /** How large a file may be that is read into memory afterwards. */
  mostBytes?: (name: string) => number | undefined
  /** What the disk of the folder has left; asked now and then. */
  freeBytes?: (folder: string) => Promise<number>
}

/** How many files there were, how many of them were compared with a sum, and the names of those that were not what they should be. */
export type Unpacked = { files: number; compared: number; damaged: string[] }

/**
 * Unpacks a gzipped tar into a folder, flushed. What it says of sizes is believed only as far as the disk has room. Throws `invalid` for what is damaged or
 * cut off, whatever of it was good, and `out_of_space` before the disk is full.
 */
export async function unpack(zipped: ReadableStream<Uint8Array>, options: UnpackOptions): Promise<Unpacked> {
  const { folder, isWanted, keepsOwner, isDrained, sumOf, mostBytes } = options
  const unpacked: Unpacked = { files: 0, compared: 0, damaged: [] }
  const room = new Room(folder, options.freeBytes ?? freeBytesOf)
  // Made at the end: nothing may be written through a link, or into a folder that is closed for us.
  const later: Header[] = []
  const tar = extract()
  const source = Readable.fromWeb(zipped as never)
  const zip = createGunzip()
  source.on("error", (error) => zip.destroy(error))
  zip.on("error", (error) => tar.destroy(error))
  source.pipe(zip).pipe(tar as unknown as NodeJS.WritableStream)
  try {
    for await (const entry of tar) {
      const { header } = entry
      const name = header.name.replace(/\/$/, "")
      const isOther = keepsOwner(name) && (header.type === "directory" || header.type === "symlink")
      if (!(isOther || header.type === "file") || !isPlain(name) || !isWanted(name))
        throw new AppError("invalid", `the backup holds something that has no place in one: ${JSON.stringify(name.slice(0, 100))}`)
      const [path, size] = [join(folder, name), header.size ?? 0]
      const mustDrain = isDrained?.(name) === true
      if (size > (mostBytes?.(name) ?? size)) throw new AppError("invalid", `${name} in the backup is larger than one of Freehold can be`)
      if (!mustDrain) await room.take(size)
      if (!mustDrain) await mkdir(header.type === "directory" ? path : dirname(path), { recursive: true, mode: 0o700 })
      if (isOther) {
        entry.resume()
        if (!mustDrain) later.push(header)
        continue
      }
      const expected = sumOf(name)
      const hasher = new Bun.CryptoHasher("sha256")
      const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          if (expected !== undefined) hasher.update(chunk)
          yield chunk
        }
      }
      const target = mustDrain
        ? new Writable({ write: (_chunk, _encoding, done) => done() })
        : createWriteStream(path, { mode: 0o600, flags: "wx" })
      await pipeline(entry as unknown as NodeJS.ReadableStream, counted, target)
      if (expected !== undefined && hasher.digest("hex") !== expected) unpacked.damaged.push(name)
      if (!mustDrain) {
        if (keepsOwner(name)) await giveBack(path, header)
        await flushFile(path)
      }
      unpacked.files++
      if (expected !== undefined) unpacked.compared++
    }
    for (const header of later.reverse()) {
      const path = join(folder, header.name.replace(/\/$/, ""))
      if (header.type === "symlink") await symlink(header.linkname ?? "", path)
      else await giveBack(path, header)
    }
  } catch (error) {
    source.destroy()
    if (error instanceof AppError) throw error
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new AppError("invalid", "the backup holds something twice", { cause: error })
    // Those of the disk are told by whoever knows what it is for.
    if (reasonOf(error) !== undefined) throw error
    throw new AppError("invalid", `the backup is damaged or not whole (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    })
  }
  return unpacked
}

/** Owner and mode as they were; whoever is not root may give nothing away, and has it all. */
async function giveBack(path: string, { uid, gid, mode }: Header): Promise<void> {
  if (process.getuid?.() === 0 && uid !== undefined && gid !== undefined) await chown(path, uid, gid)
  if (mode !== undefined) await chmod(path, mode & 0o7777)
}

/** Left for others on the same disk. */
const floorBytes = 16 * 1024 * 1024
/** So much is written before the disk is looked at again. */
const strideBytes = 64 * 1024 * 1024
/** What an empty file costs. */
const fileBytes = 4096

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Room on the disk of a folder. */
class Room {
  private known = 0

  constructor(
    private folder: string,
    private freeBytes: (folder: string) => Promise<number>,
  ) {}

  /** Throws `out_of_space` where a file of this size has none. */
  async take(size: number): Promise<void> {
    const bytes = size + fileBytes
    if (this.known < bytes) {
      const free = Math.max((await this.freeBytes(this.folder)) - floorBytes, 0)
      if (free < bytes)
        throw new AppError("out_of_space", `the backup holds a file of ${size} bytes, for which the disk of ${this.folder} has no room`)
      this.known = Math.min(free, bytes + strideBytes)
    }
    this.known -= bytes
  }
}

async function flushFile(path: string): Promise<void> {
  // One that only its owner may not read is flushed with the disk.
  const handle = await open(path, "r").catch(() => undefined)
  if (handle === undefined) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A relative path without anything that leads elsewhere. */
const isPlain = (name: string) =>
  name.length < 4096 && name.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"))
