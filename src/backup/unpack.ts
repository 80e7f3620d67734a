import { createWriteStream } from "node:fs"
import { chmod, chown, mkdir, open, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Readable, Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { extract, type Header } from "tar-stream"
import { AppError } from "../errors"

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
}

/** Names of the files, and of those among them whose bytes are not what they should be. */
export type Unpacked = { names: string[]; damaged: string[] }

/** Unpacks a gzipped tar into a folder, flushed. Throws `invalid` for what is damaged or cut off, whatever of it was good. */
export async function unpack(zipped: ReadableStream<Uint8Array>, options: UnpackOptions): Promise<Unpacked> {
  const { folder, isWanted, keepsOwner, isDrained, sumOf } = options
  const unpacked: Unpacked = { names: [], damaged: [] }
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
      const path = join(folder, name)
      const mustDrain = isDrained?.(name) === true
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
      unpacked.names.push(name)
    }
    for (const header of later.reverse()) {
      const path = join(folder, header.name.replace(/\/$/, ""))
      if (header.type === "symlink") await symlink(header.linkname ?? "", path)
      else await giveBack(path, header)
    }
  } catch (error) {
    source.destroy()
    if (error instanceof AppError) throw error
    if (["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
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
