import type { Database } from "bun:sqlite"
import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { AppError, describeError } from "../errors"

/** Copies of the store from before an upgrade: `before-0014-….<time>.db`, named after the first migration that ran after it. */
const copyPattern = /^before-([\w-]+)\.(\d{8}T\d{6}Z)\.db$/

/** As many upgrades back as one can go. */
const keptCopies = 3

export type StoreCopy = { file: string; before: string; madeAt: string }

/** The folder of the copies, beside the store. */
export const copiesFolder = (store: string): string => join(dirname(store), "before-upgrade")

/** The copies that are there, the newest first. */
export function storeCopies(store: string): StoreCopy[] {
  const folder = copiesFolder(store)
  // Where something else stands in its place there are none, and the next upgrade says so.
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  return readdirSync(folder)
    .flatMap((name) => {
      const [, before, madeAt] = copyPattern.exec(name) ?? []
      return before === undefined || madeAt === undefined ? [] : [{ file: join(folder, name), before, madeAt }]
    })
    .sort((a, b) => (a.madeAt < b.madeAt ? 1 : -1))
}

/** Migrations that a store has been through, oldest first; none for a new one. */
export function migrationsOf(sqlite: Database): string[] {
  const isThere = sqlite.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'kysely_migration'").get() !== null
  if (!isThere) return []
  return sqlite
    .query<{ name: string }, []>("SELECT name FROM kysely_migration ORDER BY name")
    .all()
    .map(({ name }) => name)
}

/**
 * Before migrations run: refuses a store that a newer binary has migrated (`conflict`), and copies an older one, so that there is a way back. Throws
 * `out_of_space` or `unavailable` where that copy cannot be made: then nothing has changed.
 */
export function prepareUpgrade(sqlite: Database, store: string, known: readonly string[], now: number): void {
  const done = migrationsOf(sqlite)
  const unknown = done.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new AppError("conflict", newerStore(store, unknown))
  const first = known.filter((name) => !done.includes(name)).sort()[0]
  if (done.length > 0 && first !== undefined && store !== ":memory:") copyStore(sqlite, store, first, now)
}

function newerStore(store: string, unknown: string[]): string {
  const copy = storeCopies(store).find(({ before }) => unknown.includes(before))
  const back =
    copy === undefined
      ? `restore a backup that is older`
      : `go back to the copy from before that upgrade, ${copy.file} ("freehold install --rollback --restore-store" does so; what was done since is lost)`
  return `${store} was migrated by a newer Freehold (${unknown.join(", ")} is not known to this one), and was not touched: start the newer version again, or ${back}`
}

function copyStore(sqlite: Database, store: string, before: string, now: number): void {
  const folder = copiesFolder(store)
  const moment = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")
  const file = join(folder, `before-${before}.${moment}.db`)
  const draft = `${file}.new`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // Left over from a start that was killed.
    for (const name of readdirSync(folder)) if (name.endsWith(".new")) rmSync(join(folder, name))
    sqlite.run("VACUUM INTO ?", [draft])
    chmodSync(draft, 0o600)
    flush(draft)
    renameSync(draft, file)
    flush(folder)
  } catch (error) {
    if (existsSync(draft)) rmSync(draft)
    const isFull = ["SQLITE_FULL", "ENOSPC"].includes((error as { code?: string }).code ?? "")
    const reason = isFull ? "the disk is full" : describeError(error)
    const message = `the store cannot be copied to ${folder} before it is upgraded: ${reason}. Nothing was changed; the version before still starts`
    throw new AppError(isFull ? "out_of_space" : "unavailable", message, { cause: error })
  }
  for (const old of superseded(storeCopies(store), file)) rmSync(old, { force: true })
}

/**
 * Copies that go: older ones from before the same upgrade, which a start that fails makes again and again, and those of more than three upgrades. The one just
 * made stays, whatever the clock said when the others were made.
 */
function superseded(copies: StoreCopy[], made: string): string[] {
  const kept = new Map<string, string>()
  for (const { file, before } of copies.toSorted((a, b) => Number(b.file === made) - Number(a.file === made)))
    if (!kept.has(before) && kept.size < keptCopies) kept.set(before, file)
  const stay = new Set(kept.values())
  return copies.map(({ file }) => file).filter((file) => !stay.has(file))
}

function flush(path: string): void {
  const handle = openSync(path, "r")
  fsyncSync(handle)
  closeSync(handle)
}
