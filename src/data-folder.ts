import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { randomBytes } from "node:crypto"
import { join, resolve } from "node:path"

/** The one folder that matters: the store, and the secrets that open it. Made with mode 0700 where it is missing. */
export class DataFolder {
  readonly path: string

  constructor(path: string) {
    this.path = resolve(path)
    mkdirSync(this.path, { recursive: true, mode: 0o700 })
    // Somebody may have made the folder beforehand with a looser mask.
    if ((statSync(this.path).mode & 0o077) !== 0) chmodSync(this.path, 0o700)
  }

  get storeFile(): string {
    return join(this.path, "freehold.db")
  }

  /** When the store was last written, in Unix milliseconds; undefined while there is none. */
  lastWrittenAt(): number | undefined {
    const times = [this.storeFile, `${this.storeFile}-wal`].flatMap((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? [])
    return times.length === 0 ? undefined : Math.max(...times)
  }

  /** Where the bytes of stored objects lie; nothing else is in it. */
  get storageFolder(): string {
    return join(this.path, "storage")
  }

  /** The private socket between the edge and our own API; the folder's mode keeps everybody else out. */
  get apiSocket(): string {
    return join(this.path, "api.sock")
  }

  /** 64 hexadecimal characters kept in a file of mode 0600, generated at first use. */
  secret(name: "jwt-secret" | "encryption-key" | "store-key" | "ssh-host-key"): string {
    const file = join(this.path, name)
    if (!existsSync(file)) writePrivate(file, `${randomBytes(32).toString("hex")}\n`)
    const value = readFileSync(file, "utf8").trim()
    if (!/^[0-9a-f]{64}$/i.test(value)) throw new Error(`${file} must hold 64 hexadecimal characters; restore it from a backup`)
    return value
  }
}

/** Replaces a file of mode 0600, whole or not at all: a crash in the middle must not leave half a key behind. */
export function writePrivate(file: string, text: string): void {
  const draft = `${file}.new`
  const handle = openSync(draft, "w", 0o600)
  writeFileSync(handle, text)
  fsyncSync(handle)
  closeSync(handle)
  renameSync(draft, file)
}
