import { Database } from "bun:sqlite"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { migrationsOf, type StoreCopy, storeCopies } from "../db/upgrade"
import { AppError } from "../errors"
import { previousProgram, startService, userName } from "./install"
import type { Machine } from "./machine"
import { installedProgram } from "./units"

export type RollbackOptions = {
  machine: Machine
  dataDir: string
  /** The store goes back too, to the copy from before the upgrade; the present one is put aside. */
  restoreStore: boolean
  isDry: boolean
  said: (line: string) => void
}

/** What a binary says of itself; `store` is the newest migration that it knows, for those that tell. */
type Version = { version: string; store?: string }

/**
 * Puts the version before in place of the present one, which becomes the version before. Throws `not_found` where there is none, and `conflict` where the
 * store was upgraded since, unless it may go back too.
 */
export function rollBack({ machine, dataDir, restoreStore, isDry, said }: RollbackOptions): void {
  if (machine.isImage) throw new AppError("invalid", "--rollback is for the machine itself: it has to stop and start the service")
  if (!isDry && !machine.has(previousProgram) && machine.has(swap)) {
    machine.rename(swap, previousProgram)
    said("An earlier --rollback that was ended in the middle is finished.")
    return startService(machine)
  }
  if (!machine.has(previousProgram))
    throw new AppError("not_found", `there is no version before this one: ${previousProgram}, which an upgrade leaves, is missing`)
  const [now, before] = [versionOf(machine, installedProgram), versionOf(machine, previousProgram)]
  const store = join(dataDir, "freehold.db")
  const copy = earlierStore(store, before, now, restoreStore)
  if (isDry) {
    said(
      `would go back from Freehold ${now.version} to ${before.version}${copy === undefined ? "" : `, with the store as it was (${copy.file})`}`,
    )
    return
  }
  machine.systemctl("stop", "freehold.service")
  if (copy !== undefined) {
    const aside = putBack(machine, dataDir, copy.file)
    said(`The store is that of ${copy.madeAt} again; the one of Freehold ${now.version} lies in ${aside}.`)
  }
  exchangePrograms(machine)
  said(
    `Freehold ${before.version} is ${installedProgram} again; ${now.version} is the version before ("freehold install --rollback" changes them once more).`,
  )
  startService(machine)
  said("freehold.service runs.")
}

const swap = `${installedProgram}.swap`

/** Gives the two programs each other's names; there is one to start at every moment. */
export function exchangePrograms(machine: Machine): void {
  machine.alias(installedProgram, swap)
  machine.rename(previousProgram, installedProgram)
  machine.rename(swap, previousProgram)
}

/**
 * Puts a copy in place of the store, and the store aside. At every moment there is one: a version that starts where none is would make a new one.
 */
export function putBack(machine: Machine, dataDir: string, copy: string): string {
  const store = join(dataDir, "freehold.db")
  const aside = join(dataDir, `before-rollback-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`)
  const owner = machine.account(userName) ?? { user: 0, group: 0 }
  machine.newFolder(aside, 0o700, owner)
  // Its log must not be taken for one of the copy.
  for (const end of ["-wal", "-shm"]) if (machine.has(`${store}${end}`)) machine.rename(`${store}${end}`, join(aside, `freehold.db${end}`))
  if (machine.has(store)) machine.alias(store, join(aside, "freehold.db"))
  machine.copy(copy, store, { mode: 0o600, owner })
  return aside
}

function versionOf(machine: Machine, program: string): Version {
  const { ok, output } = machine.try([program, "version", "--json"])
  try {
    return JSON.parse(output) as Version
  } catch {
    throw new AppError("unavailable", `${program} does not run${ok ? "" : `: ${output}`}`)
  }
}

/** The copy of the store that the version before can open; undefined where it can open the present one, or does not tell what it can open. */
function earlierStore(store: string, before: Version, now: Version, restoreStore: boolean): StoreCopy | undefined {
  const known = before.store
  if (!existsSync(store) || known === undefined) return undefined
  const sqlite = new Database(store, { readonly: true })
  const later = migrationsOf(sqlite).filter((name) => name > known)
  sqlite.close()
  if (later.length === 0) return undefined
  const copy = storeCopies(store).find(({ before: first }) => first === later[0])
  if (copy === undefined)
    throw new AppError(
      "conflict",
      `Freehold ${now.version} has upgraded the store (${later.join(", ")}), which ${before.version} cannot open, and there is no copy from before: restore a backup of that time`,
    )
  if (!restoreStore)
    throw new AppError(
      "conflict",
      `Freehold ${now.version} has upgraded the store (${later.join(", ")}), which ${before.version} cannot open. "freehold install --rollback --restore-store" goes back to its copy of ${copy.madeAt}; what was done since then is lost`,
    )
  return copy
}
