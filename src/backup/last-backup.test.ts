import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { lastBackup } from "./last-backup"
import { recordName } from "./run-record"

let folder: string
let data: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freehold-backups-"))
  mkdirSync((data = join(folder, "data")))
})
afterEach(() => rmSync(folder, { recursive: true }))

const day = (n: number) => `2026-11-0${n}T00:00:00.000Z`
const made = (n: number, file: string) => ({
  started_at: day(n),
  finished_at: day(n),
  to: folder,
  file,
  bytes: 1,
  copies: null,
  error: null,
})
const failed = (n: number, error: string) => ({ ...made(n, ""), file: null, bytes: null, error })
const record = (...runs: object[]) => writeFileSync(join(data, recordName), JSON.stringify({ runs }))

test("the newest that is there counts, and one in a bucket is believed", () => {
  expect(lastBackup(data)).toEqual({ newest: undefined, failed: undefined })
  const [first, second] = [join(folder, "1.age"), join(folder, "2.age")]
  writeFileSync(first, "x")
  utimesSync(first, 1000, 1000)
  record(made(2, second), made(1, first))
  expect(lastBackup(data)).toEqual({ newest: { file: first, at: 1_000_000 }, failed: undefined })
  record(made(3, "s3://bucket/3.age"), made(1, first))
  expect(lastBackup(data).newest).toEqual({ file: "s3://bucket/3.age", at: Date.parse(day(3)) })
})

test("a failure counts until the next backup that is made, and a broken record counts as none", () => {
  const file = join(folder, "1.age")
  writeFileSync(file, "x")
  utimesSync(file, 1000, 1000)
  record(failed(2, "the disk is full"), made(1, file))
  expect(lastBackup(data)).toEqual({
    newest: { file, at: 1_000_000 },
    failed: { at: Date.parse(day(2)), problem: "the disk is full" },
  })
  record(made(3, file), failed(2, "the disk is full"))
  expect(lastBackup(data).failed).toBeUndefined()
  writeFileSync(join(data, recordName), "nonsense")
  expect(lastBackup(data)).toEqual({ newest: undefined, failed: undefined })
})
