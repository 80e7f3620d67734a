import { createReadStream, fstat, open } from "node:fs"
import { lstat, readdir, readlink } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { promisify } from "node:util"
import { createGzip } from "node:zlib"
import { AppError } from "../errors"
import { type Header, pack, type Pack } from "tar-stream"

const [openFile, statOf] = [promisify(open), promisify(fstat)]

/**
 * A file of an archive: its name there, and what it holds, as text or as a file of this machine. With `owner` it keeps owner, mode and kind (a folder, a
 * link); with `isNeeded` there is no archive without it.
 */
export type Entry = { name: string; owner?: boolean; isNeeded?: boolean } & ({ text: string } | { path: string })

/**
 * A gzipped tar of the entries, in their order. Another file that goes away meanwhile is left out; one that grows is cut at the size it had, and one that
 * shrinks is filled up with zeros. What cannot be read ends it with `invalid`, and its path.
 */
export function archive(entries: AsyncIterable<Entry>): ReadableStream<Uint8Array> {
  const tar = pack()
  void fill(tar, entries).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  )
  const zip = createGzip({ level: 6 })
  tar.on("error", (error: Error) => zip.destroy(error))
  ;(tar as unknown as Readable).pipe(zip)
  return Readable.toWeb(zip) as unknown as ReadableStream<Uint8Array>
}

type Fields = Partial<Header> & { name: string }

async function fill(tar: Pack, entries: AsyncIterable<Entry>): Promise<void> {
  const whole = (header: Fields, text = "") =>
    new Promise<void>((resolve, reject) => tar.entry(header, text, (error) => (error ? reject(error) : resolve())))
  for await (const entry of entries) {
    const { name, owner = false } = entry
    if ("text" in entry) {
      await whole({ name, mode: 0o600 }, entry.text)
      continue
    }
    const gone = (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT" || entry.isNeeded === true) throw unreadable(entry.path, error)
    }
    const found = await lstat(entry.path).catch(gone)
    if (found === undefined) continue
    const { mtime, uid, gid } = found
    const header: Fields = owner ? { name, mtime, uid, gid, mode: found.mode & 0o7777 } : { name, mtime, mode: 0o600 }
    if (found.isDirectory()) await whole({ ...header, type: "directory" })
    else if (found.isSymbolicLink()) {
      const linkname = await readlink(entry.path).catch(gone)
      if (linkname !== undefined) await whole({ ...header, type: "symlink", linkname })
    } else {
      const fd = await openFile(entry.path, "r").catch(gone)
      if (fd === undefined) continue
      // Of the file that was opened: another may have taken its name since.
      const { size } = await statOf(fd)
      const bytes = createReadStream(entry.path, { fd, end: Math.max(size - 1, 0), highWaterMark: 1024 * 1024 })
      if (size === 0) {
        bytes.destroy()
        await whole(header)
        continue
      }
      let fault: Error | undefined
      bytes.on("error", (error) => (fault = unreadable(entry.path, error)))
      const body = tar.entry({ ...header, size })
      await pipeline(bytes, filledUp(size), body as unknown as NodeJS.WritableStream).catch((error) => {
        throw fault ?? error
      })
    }
  }
}

/** The destination is told of a fault of its own by the same words of the system. */
const unreadable = (path: string, error: Error) => new AppError("invalid", `${path} cannot be read: ${error.message}`, { cause: error })

/** So many bytes, with zeros where the source ends earlier: a tar cannot take back the size that it has said. */
const filledUp = (size: number) =>
  async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let left = size
    for await (const chunk of source) {
      left -= chunk.byteLength
      yield chunk
    }
    for (; left > 0; left -= Math.min(left, 65_536)) yield new Uint8Array(Math.min(left, 65_536))
  }

/** Every regular file below a folder, as entries under `prefix`, in a stable order; with `owner` folders and links too, which are never followed. */
export async function* entriesBelow(folder: string, prefix: string, owner = false): AsyncGenerator<Entry> {
  const found = await readdir(folder, { withFileTypes: true }).catch(absent)
  for (const one of (found ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const [path, name] = [join(folder, one.name), `${prefix}/${one.name}`]
    if (one.isFile() || (owner && (one.isDirectory() || one.isSymbolicLink()))) yield { name, path, owner }
    if (one.isDirectory()) yield* entriesBelow(path, name, owner)
  }
}

/** How many bytes entries have in all, at this moment. */
export async function sizeOf(entries: AsyncIterable<Entry>): Promise<number> {
  let bytes = 0
  for await (const entry of entries) bytes += "text" in entry ? entry.text.length : ((await lstat(entry.path).catch(absent))?.size ?? 0)
  return bytes
}

/** What is not there any more is undefined, everything else an error. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined
  throw error
}
