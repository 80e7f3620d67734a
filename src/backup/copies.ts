import { createHmac } from "node:crypto"
import { createReadStream, linkSync, statSync } from "node:fs"
import { mkdir, open, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import { type Destination, listed } from "./destination"
import { eachOf } from "./lanes"
import { copiesFolder, copyAt, copyPath, listNameOf } from "./names"
import { ownerLine } from "./owner"
import { seal } from "./seal"
import { type ObjectRef, referredObjects } from "./snapshot-objects"

export type CopyOptions = {
  /** The copy of the store, which says what is needed. */
  store: string
  /** Where the bytes lie: `storage/objects` of the data folder. */
  objects: string
  /** A folder of our own, on the same disk. */
  work: string
  destination: Destination
  /** The name of the backup that needs them. */
  backup: string
  recipients: string[]
  /** A secret of this appliance. */
  nameSecret: string
  /** Whose the list is. */
  owner: string
}

/** `list` is a file with one line for each copy: hash, size and name. `missing` has hashes of bytes that are not on disk as they should be, a thousand at most. */
export type CopyResult = { list: string; count: number; bytes: number; added: number; addedBytes: number; missing: string[] }

/** Bytes that are to be copied, where they are held until then. */
type Fresh = ObjectRef & { name: string; file: string }

const mostMissing = 1000
const linesAtOnce = 10_000

/**
 * Copies the bytes of stored files to a destination, each once and encrypted by itself. The list of all that the backup needs is written before the
 * first copy, so that nobody's retention takes away what is about to be needed.
 */
export async function copyObjects(options: CopyOptions): Promise<CopyResult> {
  const { store, objects, work, destination, backup, recipients } = options
  const held = join(work, "objects")
  await mkdir(held, { mode: 0o700 })
  const present = await listed(destination.list(copiesFolder))
  const nameOf = namer(options.nameSecret, recipients)
  const [list, names] = [join(work, "copies"), join(work, "copies.names")]
  const missing = new Set<string>()
  const fresh: Fresh[] = []
  await writeLines(
    names,
    (function* () {
      yield ownerLine(options.owner)
      for (const { hash, size } of referredObjects(store)) {
        const name = nameOf(hash)
        const copy = present.get(copyPath(name))
        if (copy === undefined || copy.bytes < size) {
          const file = hold(join(objects, hash.slice(0, 2), hash), join(held, hash), size)
          if (file === undefined) {
            missing.add(hash)
            continue
          }
          fresh.push({ hash, size, name, file })
        }
        yield name
      }
    })(),
  )
  await destination.put(listNameOf(backup), fileStream(names), (await stat(names)).size)
  const result: CopyResult = { list, count: 0, bytes: 0, added: 0, addedBytes: 0, missing: [] }
  await eachOf(fresh, async ({ hash, size, name, file }) => {
    if ((await sumOf(file)) !== hash) {
      missing.add(hash)
      return
    }
    // One that was cut off: nothing is written over.
    if (present.has(copyPath(name))) await destination.remove(copyPath(name))
    await destination.put(copyPath(name), await seal(fileStream(file), { recipients }), size + size / 4096 + 1024)
    if (file.startsWith(held)) await rm(file)
    result.added++
    result.addedBytes += size
  })
  await writeLines(
    list,
    (function* () {
      for (const { hash, size } of referredObjects(store)) {
        if (missing.has(hash)) continue
        result.count++
        result.bytes += size
        yield `${hash} ${size} ${nameOf(hash)}`
      }
    })(),
  )
  result.missing = [...missing].slice(0, mostMissing)
  return result
}

/** A new file with these lines. */
async function writeLines(file: string, lines: Iterable<string>): Promise<void> {
  const handle = await open(file, "wx", 0o600)
  try {
    let gathered: string[] = []
    const write = async () => {
      if (gathered.length > 0) await handle.appendFile(`${gathered.join("\n")}\n`)
      gathered = []
    }
    for (const line of lines) if (gathered.push(line) === linesAtOnce) await write()
    await write()
  } finally {
    await handle.close()
  }
}

/**
 * Names of copies: a MAC of the hash, so that whoever sees them cannot tell whether a file that they know is among them. They are others for other
 * recipients, so that each backup's key opens all that it needs.
 */
function namer(secret: string, recipients: string[]): (hash: string) => string {
  const key = createHmac("sha256", secret)
    .update(["freehold copies", ...recipients.toSorted()].join("\n"))
    .digest()
  return (hash) => createHmac("sha256", key).update(hash).digest("hex").slice(0, 32)
}

/**
 * A second name for bytes, so that they stay until they are copied, whoever deletes the file meanwhile; their own on a file system that knows no second
 * names. Undefined where they are not there in their whole length.
 */
function hold(path: string, under: string, size: number): string | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.size !== size) return undefined
  try {
    linkSync(path, under)
    return under
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException
    if (code === "ENOENT") return undefined
    if (["EXDEV", "EPERM", "ENOTSUP"].includes(code)) return path
    throw error
  }
}

/** The SHA-256 of a file. */
export async function sumOf(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256")
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hasher.update(chunk as Uint8Array)
  return hasher.digest("hex")
}

const fileStream = (path: string) =>
  Readable.toWeb(createReadStream(path, { highWaterMark: 1024 * 1024 })) as unknown as ReadableStream<Uint8Array>

/** A line of the list in a backup; undefined for what is none. */
export function parseCopy(line: string): (ObjectRef & { name: string }) | undefined {
  const [, hash, size, name] = /^([0-9a-f]{64}) (\d{1,15}) ([0-9a-f]{32})$/.exec(line) ?? []
  return hash === undefined || name === undefined || copyAt(copyPath(name)) === undefined ? undefined : { hash, size: Number(size), name }
}
