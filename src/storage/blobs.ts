import {
  closeSync,
  constants,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rename,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  unlink,
} from "node:fs"
import { writeFile } from "node:fs/promises"
import { randomBytes } from "node:crypto"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { diskUnavailable, isDiskCode } from "../disk-fault"
import { AppError } from "../errors"
import { Flusher } from "./flusher"
import { type Lane, SumThreads } from "./sum-threads"

const [syncFile, moveFile, unlinkFile] = [promisify(fsync), promisify(rename), promisify(unlink)]

/** Bytes that were received whole and are on disk, under no name yet. */
export type Draft = { path: string; size: number; hash: string; md5: string }

export type BlobOptions = {
  /** Made where it is missing; holds nothing but what this class puts there. */
  folder: string
  /** Bytes of the disk that stay free: a write that would take of them ends in `out_of_space`. */
  floorBytes: () => number
  /** Free bytes of the disk; a test has its own. */
  freeBytes?: () => number
  /** Whether anything refers to bytes. */
  isReferenced: (hash: string) => Promise<boolean>
}

/** How long bytes that nothing refers to stay, for readers that have found them and not opened them yet. */
const graceMs = 60_000
/** Up to this, bytes are summed here, a third of a millisecond for each chunk; more than that goes to other threads, whose pace is another's to give. */
const smallBytes = 1024 * 1024
const floorCheckBytes = 16 * 1024 * 1024

/**
 * Bytes on disk by the SHA-256 of what they are: `objects/ab/abcd…`. A write is complete or absent: it goes to a file in `incoming/`, is hashed on
 * the way, flushed, renamed, and the folder flushed, before anything in the store refers to it. Whatever a crash leaves behind, nothing refers to.
 */
export class Blobs {
  private incoming: string
  private folders = new Map<string, Flusher>()
  private locks = new Map<string, Promise<unknown>>()
  private pins = new Map<string, number>()
  private unwanted = new Map<string, number>()
  private threads = new SumThreads()

  constructor(private options: BlobOptions) {
    // Of this process alone, so that what another one left can be told from what is being written.
    this.incoming = join(options.folder, "incoming", randomBytes(6).toString("hex"))
    const isNew = mkdirSync(join(options.folder, "objects"), { recursive: true, mode: 0o700 }) !== undefined
    mkdirSync(this.incoming, { recursive: true, mode: 0o700 })
    if (isNew) for (const folder of [options.folder, dirname(options.folder)]) syncFolder(folder)
  }

  path(hash: string): string {
    return join(this.options.folder, "objects", hash.slice(0, 2), hash)
  }

  /**
   * Receives bytes. `watch` is called with the size so far and may throw to end the write, as the body may; then nothing stays. With `keepPart`,
   * a body that breaks off is a draft of what had come. Throws `out_of_space`.
   */
  async receive(body: AsyncIterable<Uint8Array>, watch: (size: number) => void = () => {}, keepPart = false): Promise<Draft> {
    this.checkFloor()
    const path = join(this.incoming, randomBytes(12).toString("hex"))
    try {
      return await this.fill(path, body, watch, keepPart)
    } catch (error) {
      // Closed before, since the last to let go of a file removes its bytes. What cannot go now goes at the next start.
      await removeFile(path).catch(() => {})
      throw spaceFault(error)
    }
  }

  private async fill(path: string, body: AsyncIterable<Uint8Array>, watch: (size: number) => void, keepPart: boolean): Promise<Draft> {
    let size = 0
    let checkedAt = 0
    let gathered: Uint8Array[] = []
    let open: { handle: number; lane: Lane } | undefined
    const small = { hash: new Bun.CryptoHasher("sha256"), md5: new Bun.CryptoHasher("md5") }
    const passOn = async () => {
      open ??= this.openLane(path)
      for (const chunk of gathered) await open.lane.write(chunk)
      gathered = []
    }
    try {
      try {
        for await (const chunk of body) {
          size += chunk.byteLength
          watch(size)
          if (size - checkedAt >= floorCheckBytes) {
            this.checkFloor()
            checkedAt = size
          }
          gathered.push(chunk)
          if (size > smallBytes) {
            await passOn()
            continue
          }
          small.hash.update(chunk)
          small.md5.update(chunk)
        }
      } catch (error) {
        if (!keepPart || error instanceof AppError || size === 0) throw error
      }
      if (open === undefined) {
        await writeSmall(path, gathered)
        return { path, size, hash: small.hash.digest("hex"), md5: small.md5.digest("hex") }
      }
      await passOn()
      const { sha256, md5 } = await open.lane.finish()
      await syncFile(open.handle)
      return { path, size, hash: sha256, md5 }
    } finally {
      await open?.lane.close()
      if (open !== undefined) closeSync(open.handle)
    }
  }

  private openLane(path: string): { handle: number; lane: Lane } {
    const handle = openSync(path, "wx", 0o600)
    return { handle, lane: this.threads.open(handle) }
  }

  /** A draft that is not wanted after all. */
  async discard(draft: Draft): Promise<void> {
    await removeFile(draft.path).catch(() => {})
  }

  /**
   * Puts drafts in their places and lets `record` write what refers to them; when that throws, nothing refers to them and they go. Of equal bytes
   * there is one file.
   */
  async keep<T>(drafts: Draft[], record: () => Promise<T>): Promise<T> {
    const hashes = [...new Set(drafts.map(({ hash }) => hash))].sort()
    return this.locked(hashes, async () => {
      try {
        for (const draft of drafts) await this.place(draft)
        return await record()
      } catch (error) {
        for (const draft of drafts) await this.discard(draft)
        this.release(hashes)
        throw spaceFault(error)
      }
    })
  }

  private async place(draft: Draft): Promise<void> {
    const shard = draft.hash.slice(0, 2)
    // Always the new file, which was flushed a moment ago: what lay there may have rotted since.
    let flusher = this.folders.get(shard)
    if (flusher === undefined) {
      const folder = join(this.options.folder, "objects", shard)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      await new Flusher(join(this.options.folder, "objects")).flush()
      flusher = new Flusher(folder)
      this.folders.set(shard, flusher)
    }
    // What it takes the place of may be large, and then goes as slowly as any removal.
    if (draft.size <= smallBytes) renameSync(draft.path, this.path(draft.hash))
    else await moveFile(draft.path, this.path(draft.hash))
    await flusher.flush()
  }

  /** Says that references to bytes have gone: where none is left, the bytes go after a while. */
  release(hashes: Iterable<string>, now = Date.now()): void {
    for (const hash of hashes) this.unwanted.set(hash, now)
  }

  /** Removes released bytes that nothing refers to and nobody reads. Answers how many files went. */
  async collect(now = Date.now(), grace = graceMs): Promise<number> {
    let removed = 0
    for (const [hash, since] of this.unwanted) {
      if (now - since < grace || this.pins.has(hash)) continue
      this.unwanted.delete(hash)
      if (await this.removeUnreferenced(hash)) removed++
    }
    return removed
  }

  /** Whether bytes were released and not collected yet. */
  isReleased(hash: string): boolean {
    return this.unwanted.has(hash)
  }

  /** Whether a file went. */
  removeUnreferenced(hash: string): Promise<boolean> {
    return this.locked([hash], async () => {
      if (this.pins.has(hash) || (await this.options.isReferenced(hash))) return false
      return removeFile(this.path(hash))
    })
  }

  /** Keeps bytes on disk while they are read, whatever becomes of the object; the answer ends that, once. */
  pin(hashes: string[]): () => void {
    for (const hash of hashes) this.pins.set(hash, (this.pins.get(hash) ?? 0) + 1)
    let isPinned = true
    return () => {
      if (!isPinned) return
      isPinned = false
      for (const hash of hashes) {
        const left = (this.pins.get(hash) ?? 1) - 1
        if (left > 0) this.pins.set(hash, left)
        else this.pins.delete(hash)
      }
    }
  }

  /** The file of these bytes, or undefined where it is missing or has another size. */
  file(hash: string, size: number): string | undefined {
    const path = this.path(hash)
    const found = statSync(path, { throwIfNoEntry: false })
    return found?.size === size ? path : undefined
  }

  /** What other processes left unfinished goes. To be called before anything is received: two processes never share the folder. */
  clearIncoming(): void {
    const folder = join(this.options.folder, "incoming")
    for (const name of readdirSync(folder))
      if (join(folder, name) !== this.incoming) rmSync(join(folder, name), { recursive: true, force: true })
  }

  /** Hashes of what lies on disk, of one of the 256 folders by the first two digits, sorted. */
  names(shard: string): string[] {
    try {
      return readdirSync(join(this.options.folder, "objects", shard)).sort()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
      throw error
    }
  }

  /** Size and free bytes of the disk. */
  disk(): { totalBytes: number; freeBytes: number } {
    const { blocks, bavail, bsize } = statfsSync(this.options.folder)
    return { totalBytes: blocks * bsize, freeBytes: this.options.freeBytes?.() ?? bavail * bsize }
  }

  /** Throws `out_of_space` where `more` bytes would leave less than the floor. */
  checkFloor(more = 0): void {
    const floor = this.options.floorBytes()
    if (floor > 0 && this.disk().freeBytes - more < floor) throw outOfSpace()
  }

  /** One at a time for each hash; several hashes are taken in their order, so that two who want the same ones cannot wait for each other. */
  private async locked<T>(hashes: string[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = hashes
    if (first === undefined) return work()
    const turn = (this.locks.get(first) ?? Promise.resolve()).catch(() => {}).then(() => this.locked(rest, work))
    this.locks.set(first, turn)
    try {
      return await turn
    } finally {
      if (this.locks.get(first) === turn) this.locks.delete(first)
    }
  }
}

const { O_WRONLY, O_CREAT, O_EXCL, O_SYNC } = constants

/**
 * A new file with these bytes, on disk when it resolves. Opened, written, flushed and closed on one way to another thread: the flush is part of
 * write(2), by O_SYNC, since Bun (1.4.5, with faults put in by strace) does not tell when that of `flush: true` fails.
 */
async function writeSmall(path: string, chunks: Uint8Array[]): Promise<void> {
  const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
  if (bytes.byteLength > 0) return writeFile(path, bytes, { flag: O_WRONLY | O_CREAT | O_EXCL | O_SYNC, mode: 0o600 })
  // Where nothing is written, nothing is flushed.
  const handle = openSync(path, "wx", 0o600)
  try {
    await syncFile(handle)
  } finally {
    closeSync(handle)
  }
}

function syncFolder(path: string): void {
  const handle = openSync(path, "r")
  fsyncSync(handle)
  closeSync(handle)
}

/** Whether it was there. On another thread: ext4 takes two thirds of a second for a file of 1 GiB. */
async function removeFile(path: string): Promise<boolean> {
  try {
    await unlinkFile(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false
    throw error
  }
}

/** A full disk, the bound of the file system's own quota, and a faulty disk, in the product's words; other faults as they are. */
function spaceFault(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === "ENOSPC" || code === "EDQUOT") return outOfSpace()
  return isDiskCode(code) ? diskUnavailable(error) : error
}

const outOfSpace = () =>
  new AppError(
    "out_of_space",
    "the disk is almost full: nothing can be written until space is freed (setting storage_floor); reading goes on",
  )
