import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { lastBackup, noteBackup } from "./last-backup"

let folder: string
const at = (name: string) => join(folder, name)
const made = (name: string, seconds: number) => {
  writeFileSync(at(name), "x")
  utimesSync(at(name), seconds, seconds)
  return at(name)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freehold-backups-"))
  mkdirSync(at("data"))
})
afterEach(() => rmSync(folder, { recursive: true }))

test("the newest of a folder counts, also one that another machine's note does not know", () => {
  expect(lastBackup(at("data"))).toEqual({ newest: undefined, failed: undefined })
  const first = made("freehold-20261101T000000Z.age", 1000)
  noteBackup(at("data"), { file: first, at: 1 })
  expect(lastBackup(at("data")).newest).toEqual({ file: first, at: 1_000_000 })
  const second = made("freehold-20261102T000000Z.age", 2000)
  made("other.age", 3000)
  expect(lastBackup(at("data")).newest?.file).toBe(second)
  rmSync(second)
  rmSync(first)
  expect(lastBackup(at("data")).newest).toBeUndefined()
  expect(statSync(at("data/.last-backup.json")).mode & 0o777).toBe(0o600)
})

test("a failure stays on record until the next backup that is made, and a broken note counts as none", () => {
  const file = made("house.age", 1000)
  noteBackup(at("data"), { file, at: 1 })
  noteBackup(at("data"), { problem: "the disk is full", at: 5 })
  expect(lastBackup(at("data"))).toEqual({ newest: { file, at: 1_000_000 }, failed: { at: 5, problem: "the disk is full" } })
  noteBackup(at("data"), { file, at: 9 })
  expect(lastBackup(at("data")).failed).toBeUndefined()
  writeFileSync(at("data/.last-backup.json"), "nonsense")
  expect(lastBackup(at("data"))).toEqual({ newest: undefined, failed: undefined })
  noteBackup(at("no/such/folder"), { problem: "x", at: 1 })
})
