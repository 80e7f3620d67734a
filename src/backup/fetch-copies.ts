import { createReadStream, createWriteStream, existsSync } from "node:fs"
import { mkdir, open as openFile, rename, rm, stat } from "node:fs/promises"
import { randomInt } from "node:crypto"
import { createInterface } from "node:readline"
import { dirname, join } from "node:path"
import { Readable, Writable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { AppError } from "../errors"
import { parseCopy, sumOf } from "./copies"
import { type Destination, listed } from "./destination"
import { eachOf } from "./lanes"
import { copiesFolder, copyPath } from "./names"
import { open } from "./seal"
import { type ObjectRef, referredObjects } from "./snapshot-objects"

export type CopyNeeds = {
  /** The list that came with the backup, and the store that it belongs to. */
  list: string
  store: string
  destination: Destination
  /** Secret keys of age, one of which opens the copies. */
  identities: string[]
  /** Where stored files go. */
  folder: string
}

/** `missing` has the hashes of those that are not there, or not what they should be. */
export type Fetched = { present: number; compared: number; missing: string[] }

type Copy = ObjectRef & { name: string }

/** So many are read by a check that is not thorough. */
const sample = 20

/** Fetches every copy that a backup needs, decrypts it and compares it with its hash; what lies in the folder already and is right stays. */
export async function fetchCopies(needs: CopyNeeds): Promise<Fetched> {
  const fetched: Fetched = { present: 0, compared: 0, missing: [] }
  const copies = await readList(needs)
  fetched.missing.push(...copies.unlisted)
  await eachOf(copies.all, async (copy) => {
    const file = join(needs.folder, copy.hash.slice(0, 2), copy.hash)
    const isRight =
      ((await stat(file).catch(() => undefined))?.size === copy.size && (await sumOf(file)) === copy.hash) ||
      (await fetchOne(needs, copy, file))
    fetched.compared++
    if (isRight) fetched.present++
    else fetched.missing.push(copy.hash)
  })
  return fetched
}

/** Looks whether every copy that a backup needs lies there, and reads twenty of them by chance, or all. Writes nothing. */
export async function checkCopies(needs: CopyNeeds & { isThorough: boolean }): Promise<Fetched> {
  const fetched: Fetched = { present: 0, compared: 0, missing: [] }
  const copies = await readList(needs)
  fetched.missing.push(...copies.unlisted)
  const found = await listed(needs.destination.list(copiesFolder))
  const there = copies.all.filter((copy) => {
    // Encryption adds to it, never takes away.
    const isThere = (found.get(copyPath(copy.name))?.bytes ?? -1) > copy.size
    if (!isThere) fetched.missing.push(copy.hash)
    return isThere
  })
  const read = needs.isThorough ? there : chosen(there, sample)
  await eachOf(read, async (copy) => {
    fetched.compared++
    if (!(await fetchOne(needs, copy, undefined))) fetched.missing.push(copy.hash)
  })
  fetched.present = copies.all.length - (fetched.missing.length - copies.unlisted.length)
  return fetched
}

/** Reads one copy, into a file that is there whole or not at all, or nowhere. Whether it is there and what its hash says. */
async function fetchOne({ destination, identities }: CopyNeeds, copy: Copy, file: string | undefined): Promise<boolean> {
  const draft = `${file}.part`
  const hasher = new Bun.CryptoHasher("sha256")
  try {
    if (file !== undefined) await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const plain = await open(await destination.get(copyPath(copy.name)), { identities })
    const target =
      file === undefined
        ? new Writable({ write: (_chunk, _encoding, done) => done() })
        : createWriteStream(draft, { mode: 0o600, flags: "w" })
    const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
      let bytes = 0
      for await (const chunk of chunks) {
        bytes += chunk.byteLength
        if (bytes > copy.size) throw new AppError("invalid", `${copyPath(copy.name)} is longer than the backup says`)
        hasher.update(chunk)
        yield chunk
      }
    }
    await pipeline(Readable.fromWeb(plain as never), counted, target)
    if (hasher.digest("hex") !== copy.hash) return false
    if (file === undefined) return true
    const handle = await openFile(draft, "r+")
    await handle.sync().finally(() => handle.close())
    await rename(draft, file)
    return true
  } catch (error) {
    if (isOfThePlace(error)) throw error
    return false
  } finally {
    if (file !== undefined) await rm(draft, { force: true })
  }
}

/** Whether a fault says nothing about the copy: the place does not answer or does not let us, or our own disk is full. */
function isOfThePlace(error: unknown): boolean {
  if (error instanceof AppError) return !["not_found", "invalid"].includes(error.code)
  return ["ENOSPC", "EDQUOT", "EACCES", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")
}

/** What the backup says it needs, and what its store refers to without that. Throws `invalid` for a list that is none. */
async function readList({ list, store }: CopyNeeds): Promise<{ all: Copy[]; unlisted: string[] }> {
  const all: Copy[] = []
  const known = new Set<string>()
  if (!existsSync(list)) throw new AppError("invalid", "the backup does not say which stored files belong to it")
  for await (const line of createInterface({ input: createReadStream(list) })) {
    const copy = parseCopy(line)
    if (copy === undefined) throw new AppError("invalid", "the list of stored files in this backup cannot be read")
    all.push(copy)
    known.add(copy.hash)
  }
  const unlisted: string[] = []
  for (const { hash } of referredObjects(store)) if (!known.has(hash)) unlisted.push(hash)
  return { all, unlisted }
}

/** So many of them, by chance. */
function chosen<T>(all: T[], number: number): T[] {
  const left = [...all]
  return Array.from({ length: Math.min(number, left.length) }, () => left.splice(randomInt(left.length), 1)[0] as T)
}
