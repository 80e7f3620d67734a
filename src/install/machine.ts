import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { AppError } from "../errors"

export type Account = { user: number; group: number }

type FileOptions = { mode: number; owner?: Account }

/** The machine that is installed on, or below `root` an image of one. Paths are as the machine itself sees them. */
export class Machine {
  readonly root: string

  constructor(root: string | undefined) {
    this.root = root === undefined ? "/" : resolve(root)
  }

  get isImage(): boolean {
    return this.root !== "/"
  }

  /** Where a path of the machine lies for us. */
  at(path: string): string {
    return join(this.root, path)
  }

  has(path: string): boolean {
    return lstatSync(this.at(path), { throwIfNoEntry: false }) !== undefined
  }

  /** Undefined where there is no such file. */
  read(path: string): string | undefined {
    return existsSync(this.at(path)) ? readFileSync(this.at(path), "utf8") : undefined
  }

  /** Writes a file whole or not at all, and its folder where that is missing. */
  write(path: string, text: string, options: FileOptions): void {
    this.draft(path, options, (handle) => writeFileSync(handle, text))
  }

  /** Copies a file of ours to the machine, whole or not at all. */
  copy(from: string, path: string, options: FileOptions): void {
    const source = openSync(from, "r")
    try {
      this.draft(path, options, (handle) => {
        for (const piece of piecesOf(source)) for (let at = 0; at < piece.byteLength;) at += writeSync(handle, piece, at)
      })
    } finally {
      closeSync(source)
    }
  }

  /** Fills a new file, flushes it and gives it its name. Mode and owner go to the open file: in a folder of somebody else its name could lead elsewhere by then. */
  private draft(path: string, { mode, owner }: FileOptions, fill: (handle: number) => void): void {
    mkdirSync(dirname(this.at(path)), { recursive: true })
    const draft = `${this.at(path)}.freehold-new`
    rmSync(draft, { force: true })
    const handle = openSync(draft, "wx", 0o600)
    try {
      fill(handle)
      fchmodSync(handle, mode)
      if (owner !== undefined) fchownSync(handle, owner.user, owner.group)
      fsyncSync(handle)
    } catch (error) {
      rmSync(draft, { force: true })
      throw error
    } finally {
      closeSync(handle)
    }
    renameSync(draft, this.at(path))
    flush(dirname(this.at(path)))
  }

  /** A second name for the same file, in place of what has that name now. */
  alias(path: string, as: string): void {
    const draft = `${this.at(as)}.freehold-new`
    rmSync(draft, { force: true })
    linkSync(this.at(path), draft)
    renameSync(draft, this.at(as))
  }

  rename(from: string, to: string): void {
    renameSync(this.at(from), this.at(to))
    flush(dirname(this.at(to)))
  }

  remove(path: string): void {
    rmSync(this.at(path), { recursive: true, force: true })
  }

  /** A folder that was not there, in one that may be somebody else's. Throws where anything has its name. */
  newFolder(path: string, mode: number, owner: Account): void {
    mkdirSync(this.at(path), { mode })
    lchownSync(this.at(path), owner.user, owner.group)
  }

  folder(path: string, mode: number, owner: Account): void {
    mkdirSync(this.at(path), { recursive: true })
    chmodSync(this.at(path), mode)
    chownSync(this.at(path), owner.user, owner.group)
  }

  /** Names in a folder; none where it is missing. */
  list(path: string): string[] {
    return existsSync(this.at(path)) ? readdirSync(this.at(path)) : []
  }

  isOwned(path: string, { user, group }: Account): boolean {
    const found = lstatSync(this.at(path), { throwIfNoEntry: false })
    return found?.uid === user && found.gid === group
  }

  /** Gives away a file, or a folder with what is in it but `except`; what links lead to stays as it is. */
  giveTo(path: string, owner: Account, except: readonly string[] = []): void {
    lchownSync(this.at(path), owner.user, owner.group)
    if (!lstatSync(this.at(path)).isDirectory()) return
    for (const name of this.list(path)) if (!except.includes(name)) this.giveTo(join(path, name), owner)
  }

  /** A user with its own group, from the machine's files. */
  account(name: string): Account | undefined {
    const field = (file: string, index: number) =>
      this.read(file)
        ?.split("\n")
        .find((line) => line.startsWith(`${name}:`))
        ?.split(":")[index]
    const [user, group] = [field("/etc/passwd", 2), field("/etc/group", 2)]
    return user === undefined || group === undefined ? undefined : { user: Number(user), group: Number(group) }
  }

  /** Runs a program of ours to its end and gives its output; throws `unavailable` with what it said when it fails or is missing. */
  run(command: string[], limitMs = 120_000): string {
    const { ok, output } = this.try(command, limitMs)
    if (!ok) throw new AppError("unavailable", `"${command.join(" ")}" failed: ${output || "it said nothing"}`)
    return output
  }

  /** As `run`, with the answer whether it went well. */
  try(command: string[], limitMs = 120_000): { ok: boolean; output: string } {
    const [program = "", ...args] = command
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      encoding: "utf8",
      timeout: limitMs,
      stdio: ["ignore", "pipe", "pipe"],
    })
    if (error !== undefined) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT"
      return { ok: false, output: isMissing ? `${program} is not installed` : error.message }
    }
    return { ok: status === 0, output: (status === 0 ? stdout : stderr || stdout).trim() }
  }

  /** systemctl on the machine, or on the image. */
  systemctl(...words: string[]): string {
    return this.run(["systemctl", ...(this.isImage ? [`--root=${this.root}`] : []), ...words])
  }

  isActive(unit: string): boolean {
    return !this.isImage && this.try(["systemctl", "is-active", "--quiet", unit]).ok
  }

  /** The program that a service runs; the kernel adds a word to the path of one that was replaced since. */
  programOf(unit: string): string | undefined {
    const pid = this.try(["systemctl", "show", "--property=MainPID", "--value", unit]).output
    try {
      return readlinkSync(`/proc/${pid}/exe`)
    } catch {
      return undefined
    }
  }
}

/** Whether two files hold the same bytes; false where one is missing. */
export function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => lstatSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.size === b.size && digest(one) === digest(other)
}

function digest(path: string): string {
  const hash = createHash("sha256")
  const handle = openSync(path, "r")
  try {
    for (const piece of piecesOf(handle)) hash.update(piece)
  } finally {
    closeSync(handle)
  }
  return hash.digest("hex")
}

/** What an open file holds; each piece is there until the next one. */
function* piecesOf(handle: number): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  for (let read = readSync(handle, buffer); read > 0; read = readSync(handle, buffer)) yield buffer.subarray(0, read)
}

function flush(path: string): void {
  const handle = openSync(path, "r")
  fsyncSync(handle)
  closeSync(handle)
}
