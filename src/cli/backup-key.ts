import { readFileSync } from "node:fs"
import type { SealKey, OpenKey } from "../backup/seal"
import { AppError } from "../errors"
import { type Flags, UsageError } from "./arguments"
import type { CommandIo } from "./io"

/** Flags that say how a backup is encrypted, and with what it is opened. */
export const sealFlags = { recipient: "list", "passphrase-file": "text", unattended: "switch" } as const
export const openFlags = { "identity-file": "text", "passphrase-file": "text" } as const

/**
 * Public keys by `--recipient`, else the passphrase of a file, else what the settings say, else a passphrase that is asked for twice, unless the run is
 * `--unattended`. Throws `invalid` and UsageError.
 */
export async function sealKey(flags: Flags, io: CommandIo, set: SealKey | undefined): Promise<SealKey> {
  const recipients = flags.list("recipient")
  const file = flags.text("passphrase-file")
  if (recipients.length > 0 && file !== undefined) throw new UsageError("--recipient and --passphrase-file exclude each other")
  if (recipients.length > 0) return { recipients }
  if (file !== undefined) return { passphrase: firstLine(file) }
  if (set !== undefined) return set
  if (flags.has("unattended"))
    throw new AppError(
      "invalid",
      `no backup was made, for it has no key: "freehold install --backup-recipient age1..." gives it one, or the setting backup_recipient, or backup_passphrase as the file /etc/credstore/freehold.backup_passphrase`,
    )
  const passphrase = await io.readLine("Passphrase for the backup: ", { hidden: true })
  if (passphrase !== (await io.readLine("Once more: ", { hidden: true }))) throw new AppError("invalid", "the two passphrases differ")
  return { passphrase }
}

/** Secret keys of a file, else the passphrase of one, else that of the settings, else one that is asked for. Throws `invalid` and UsageError. */
export async function openKey(flags: Flags, io: CommandIo, set: SealKey | undefined): Promise<OpenKey> {
  const [identities, passphrase] = [flags.text("identity-file"), flags.text("passphrase-file")]
  if (identities !== undefined && passphrase !== undefined) throw new UsageError("--identity-file and --passphrase-file exclude each other")
  if (identities !== undefined) return { identities: keysOf(identities) }
  if (passphrase !== undefined) return { passphrase: firstLine(passphrase) }
  if (set !== undefined && "passphrase" in set) return set
  if (set !== undefined)
    throw new UsageError(
      "--identity-file is missing: the settings name a recipient, and only the secret key that belongs to it opens backups",
    )
  return { passphrase: await io.readLine("Passphrase of the backup: ", { hidden: true }) }
}

/** As `age-keygen` writes them: lines that are no comments. */
function keysOf(file: string): string[] {
  const keys = read(file)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
  if (keys.length === 0) throw new AppError("invalid", `${file} holds no key of age`)
  return keys
}

const firstLine = (file: string) => read(file).split(/\r?\n/)[0] ?? ""

function read(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    throw new AppError("invalid", `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`)
  }
}
