import { closeSync, openSync, readSync } from "node:fs"
import { readFile } from "node:fs/promises"

const pieceBytes = 8 * 1024 * 1024
const pageBytes = 4096

/** How often each of these stands in the memory that a process may write to, as UTF-8 or UTF-16; for a process of the same user, or root. */
export async function countInMemory(pid: number, needles: Record<string, string>): Promise<Record<string, number>> {
  const forms = Object.entries(needles).map(([name, text]) => ({ name, bytes: [Buffer.from(text, "utf8"), Buffer.from(text, "utf16le")] }))
  const counts: Record<string, number> = Object.fromEntries(forms.map(({ name }) => [name, 0]))
  const file = openSync(`/proc/${pid}/mem`, "r")
  const pages = openSync(`/proc/${pid}/pagemap`, "r")
  const piece = Buffer.allocUnsafe(pieceBytes)
  try {
    let region = { from: 0, to: 0, isWritten: false }
    for (const line of (await readFile(`/proc/${pid}/smaps`, "utf8")).split("\n")) {
      const [, from, to, rights = ""] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? []
      // What cannot be written is the program itself.
      if (from !== undefined && to !== undefined)
        region = { from: Number.parseInt(from, 16), to: Number.parseInt(to, 16), isWritten: rights.startsWith("rw") }
      if (!region.isWritten || !/^Rss: +[1-9]/.test(line)) continue
      for (const [at, size] of presentParts(pages, region)) {
        const read = piece.subarray(0, readAt(file, piece, at, size))
        for (const { name, bytes } of forms) for (const one of bytes) counts[name]! += countIn(read, one)
      }
    }
  } finally {
    closeSync(file)
    closeSync(pages)
  }
  return counts
}

/** The parts of a region that have memory behind them, each of a piece's size at most: heaps reserve far more than they use. */
function* presentParts(pages: number, { from, to }: { from: number; to: number }): Generator<[at: number, size: number]> {
  const entries = Buffer.alloc(64 * 1024)
  let start = -1
  for (let at = from; at < to;) {
    const size = readAt(pages, entries, (at / pageBytes) * 8, Math.min(entries.length, ((to - at) / pageBytes) * 8))
    if (size === 0) break
    for (let entry = 0; entry < size; entry += 8, at += pageBytes) {
      // The uppermost bit: the page is in memory.
      const isPresent = (entries[entry + 7]! & 0x80) !== 0
      if (isPresent && start < 0) start = at
      if (start >= 0 && (!isPresent || at - start >= pieceBytes)) {
        yield [start, Math.min(at - start, pieceBytes)]
        start = isPresent ? at : -1
      }
    }
  }
  if (start >= 0) yield [start, Math.min(to - start, pieceBytes)]
}

/** 0 for what cannot be read. */
function readAt(file: number, into: Buffer, at: number, size: number): number {
  try {
    return readSync(file, into, 0, size, at)
  } catch {
    return 0
  }
}

function countIn(bytes: Buffer, needle: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) count++
  return count
}
