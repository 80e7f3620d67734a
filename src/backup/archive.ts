import { createReadStream, createWriteStream } from "node:fs"
import { mkdir, readdir, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { Readable } from "node:stream"
import { createGunzip, createGzip } from "node:zlib"
import { extract, pack, type Pack } from "tar-stream"
import { AppError } from "../errors"

/** A file of an archive: its name there, and what it holds, as text or as a file of this machine. */
export type Entry = { name: string; mode?: number } & ({ text: string } | { path: string })

/** A gzipped tar of the entries, in their order. A file that goes away meanwhile is left out; one that grows is cut at the size it had. */
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

async function fill(tar: Pack, entries: AsyncIterable<Entry>): Promise<void> {
  for await (const entry of entries) {
    const { name, mode = 0o600 } = entry
    if ("text" in entry) {
      await new Promise<void>((resolve, reject) => tar.entry({ name, mode }, entry.text, (error) => (error ? reject(error) : resolve())))
      continue
    }
    const found = await stat(entry.path).catch(absent)
    if (found === undefined) continue
    const { size, mtime } = found
    if (size === 0) {
      await new Promise<void>((resolve, reject) => tar.entry({ name, mode, mtime }, "", (error) => (error ? reject(error) : resolve())))
      continue
    }
    const body = tar.entry({ name, mode, mtime, size })
    await pipeline(createReadStream(entry.path, { end: size - 1, highWaterMark: 1024 * 1024 }), body as unknown as NodeJS.WritableStream)
  }
}

/** Every regular file below a folder, as entries under `prefix`, in a stable order; nothing that is a link. */
export async function* entriesBelow(folder: string, prefix: string): AsyncGenerator<Entry> {
  const found = await readdir(folder, { withFileTypes: true }).catch(absent)
  for (const one of (found ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const [path, name] = [join(folder, one.name), `${prefix}/${one.name}`]
    if (one.isDirectory()) yield* entriesBelow(path, name)
    else if (one.isFile()) yield { name, path }
  }
}

/**
 * Unpacks a gzipped tar into a folder. `isWanted` says which names may come; others, and all that is not a plain file, end it. Throws `invalid` for
 * what is damaged or cut off, whatever of it was good.
 */
export async function unpack(zipped: ReadableStream<Uint8Array>, folder: string, isWanted: (name: string) => boolean): Promise<string[]> {
  const names: string[] = []
  const tar = extract()
  const source = Readable.fromWeb(zipped as never)
  const zip = createGunzip()
  source.on("error", (error) => zip.destroy(error))
  zip.on("error", (error) => tar.destroy(error))
  source.pipe(zip).pipe(tar as unknown as NodeJS.WritableStream)
  try {
    for await (const entry of tar) {
      const { name, type } = entry.header
      if (type !== "file" || !isPlain(name) || !isWanted(name))
        throw new AppError("invalid", `the backup holds something that has no place in one: ${JSON.stringify(name.slice(0, 100))}`)
      const path = join(folder, name)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await pipeline(entry as unknown as NodeJS.ReadableStream, createWriteStream(path, { mode: 0o600, flags: "wx" }))
      names.push(name)
    }
  } catch (error) {
    source.destroy()
    if (error instanceof AppError) throw error
    if (["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
    throw new AppError("invalid", `the backup is damaged or not whole (${error instanceof Error ? error.message : String(error)})`, {
      cause: error,
    })
  }
  return names
}

/** A relative path without anything that leads elsewhere. */
const isPlain = (name: string) =>
  name.length < 512 && name.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !/[\0-\x1f\\]/.test(part))

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined
  throw error
}
