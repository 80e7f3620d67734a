import { Database } from "bun:sqlite"
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openDatabase } from "./open"
import { WriteProbe } from "./write-probe"

const folder = mkdtempSync(join(tmpdir(), "freehold-probe-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("it really writes, seldom, without waiting for a lock, and changes nothing", async () => {
  const path = join(folder, "a.db")
  const db = await openDatabase(path)
  let now = 0
  const probe = new WriteProbe(path, () => now)
  const size = () => statSync(`${path}-wal`).size
  const before = size()
  expect(probe.check()).toEqual({ lockedMs: 0 })
  const after = size()
  expect(after).toBeGreaterThan(before)
  now = 9_999
  probe.check()
  expect(size()).toBe(after)
  now = 10_000
  const other = new Database(path)
  other.run("BEGIN IMMEDIATE")
  const began = performance.now()
  expect(probe.check()).toEqual({ lockedMs: 0 })
  now = 45_000
  expect(probe.check()).toEqual({ lockedMs: 35_000 })
  expect(performance.now() - began).toBeLessThan(1000)
  other.run("ROLLBACK")
  expect(probe.check()).toEqual({ lockedMs: 0 })
  expect(other.query("PRAGMA user_version").get()).toEqual({ user_version: 0 })
  other.close()
  probe.stop()
  await db.destroy()
})

test("a store that cannot be opened for writing is told as such", async () => {
  const path = join(folder, "b.db")
  const db = await openDatabase(path)
  const probe = new WriteProbe(join(folder, "missing", "b.db"), () => 0)
  expect(() => probe.check()).toThrow()
  await db.destroy()
})
