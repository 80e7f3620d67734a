import { fileKind } from "../engine/archive"

/** One entry of a tar stream, without its contents; `mode` is the Unix one with the kind of file, times are Unix seconds. */
export type TarEntry = { name: string; size: number; mode: number; modifiedAt: number; uid: number; gid: number }

const block = 512
const maxNoteBytes = 64 * 1024

/** Reads a tar stream (POSIX ustar and pax, and GNU's long names) from front to back; throws for one that is damaged. */
export class TarReader {
  private reader: ReadableStreamDefaultReader<Uint8Array>
  private chunk: Buffer = Buffer.alloc(0)
  private left = 0
  private padding = 0
  /** Bytes that came in, for those who want to stop early. */
  bytesRead = 0

  constructor(stream: ReadableStream<Uint8Array>) {
    this.reader = stream.getReader()
  }

  /** The next entry, past what is left of the one before; undefined at the end. */
  async next(): Promise<TarEntry | undefined> {
    let notes: Record<string, string> = {}
    for (;;) {
      await this.skip(this.left + this.padding)
      this.left = this.padding = 0
      const head = await this.take(block)
      if (head === undefined || head.every((byte) => byte === 0)) return undefined
      const size = Number(notes.size ?? number(head, 124, 12))
      // A container may have had its say in the notes.
      if (!Number.isSafeInteger(size) || size < 0) throw new Error("a tar stream with a size that is none")
      const kind = String.fromCharCode(head[156] ?? 0)
      this.left = size
      this.padding = (block - (size % block)) % block
      if (kind === "x" || kind === "L") {
        if (size > maxNoteBytes) throw new Error("a tar stream with a note that is too long")
        const note = await this.take(size)
        if (note === undefined) throw new Error("a tar stream that ends early")
        this.left = 0
        notes = kind === "x" ? { ...notes, ...paxNotes(note) } : { ...notes, path: text(note, 0, size) }
      } else if (kind !== "g") return entry(head, kind, size, notes)
    }
  }

  /** At most `length` bytes of the entry's contents; none at its end. */
  async read(length: number): Promise<Buffer> {
    const bytes = await this.take(Math.min(length, this.left))
    if (bytes === undefined) throw new Error("a tar stream that ends early")
    this.left -= bytes.length
    return bytes
  }

  async skipContents(length: number): Promise<void> {
    const some = Math.min(length, this.left)
    await this.skip(some)
    this.left -= some
  }

  /** Undefined when the stream ends before. */
  private async take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = []
    for (let missing = length; missing > 0;) {
      if (this.chunk.length === 0 && !(await this.more())) return undefined
      const part = this.chunk.subarray(0, missing)
      this.chunk = this.chunk.subarray(part.length)
      missing -= part.length
      parts.push(part)
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }

  private async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0;) {
      if (this.chunk.length === 0 && !(await this.more())) return
      const some = Math.min(missing, this.chunk.length)
      this.chunk = this.chunk.subarray(some)
      missing -= some
    }
  }

  private async more(): Promise<boolean> {
    const { value, done } = await this.reader.read()
    if (done || value === undefined) return false
    this.chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    this.bytesRead += value.byteLength
    return true
  }
}

/** The blocks before an entry's contents, with a pax note where its name does not fit. */
export function tarHead(entry: TarEntry): Buffer {
  const name = Buffer.from(entry.name)
  if (name.length <= 100) return headBlock(entry, name, typeOf(entry.mode))
  const note = paxNote("path", entry.name)
  const padding = Buffer.alloc((block - (note.length % block)) % block)
  const noteHead = headBlock({ ...entry, size: note.length }, Buffer.from("pax"), "x")
  return Buffer.concat([noteHead, note, padding, headBlock(entry, name.subarray(0, 100), typeOf(entry.mode))])
}

/** What follows contents of that size: up to the next block, and the two empty ones of the end. */
export const tarTail = (size: number) => Buffer.alloc(((block - (size % block)) % block) + 2 * block)

const typeOf = (mode: number) => ((mode & fileKind.mask) === fileKind.directory ? "5" : "0")

function headBlock({ mode, uid, gid, size, modifiedAt }: TarEntry, name: Buffer, type: string): Buffer {
  const head = Buffer.alloc(block)
  name.copy(head)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`
  head.write(octal(mode & 0o7777, 8) + octal(uid, 8) + octal(gid, 8) + octal(size, 12) + octal(modifiedAt, 12), 100, "latin1")
  head.write(`        ${type}`, 148, "latin1")
  head.write("ustar\x0000", 257, "latin1")
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1")
  return head
}

function paxNote(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  // The length counts its own digits.
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return Buffer.from(`${length} ${key}=${value}\n`)
}

function paxNotes(bytes: Buffer): Record<string, string> {
  const notes: Record<string, string> = {}
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const length = Number(bytes.toString("latin1", at, space))
    if (space < 0 || !(length > 0)) break
    const line = bytes.toString("utf8", space + 1, at + length - 1)
    const equals = line.indexOf("=")
    notes[line.slice(0, equals)] = line.slice(equals + 1)
    at += length
  }
  return notes
}

function entry(head: Buffer, kind: string, size: number, notes: Record<string, string>): TarEntry {
  const prefix = text(head, 345, 155)
  const name = text(head, 0, 100)
  const fileType = kind === "5" ? fileKind.directory : kind === "2" ? fileKind.link : fileKind.regular
  return {
    name: notes.path ?? (prefix === "" ? name : `${prefix}/${name}`),
    size,
    mode: fileType | (number(head, 100, 8) & 0o7777),
    modifiedAt: Math.floor(Number(notes.mtime ?? number(head, 136, 12))),
    uid: Number(notes.uid ?? number(head, 108, 8)),
    gid: Number(notes.gid ?? number(head, 116, 8)),
  }
}

function text(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString("utf8", 0, end < 0 ? field.length : end)
}

/** Octal text, or GNU's binary form for what is too large for it. */
function number(bytes: Buffer, at: number, length: number): number {
  const field = bytes.subarray(at, at + length)
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(length - 8))
  return Number.parseInt(text(field, 0, length).trim(), 8) || 0
}
