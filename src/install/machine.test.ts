import { afterEach, beforeEach, expect, test } from "bun:test"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Machine } from "./machine"
import { exchangePrograms, putBack } from "./rollback"

let root = ""
let machine: Machine

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "freehold-machine-"))
  machine = new Machine(root)
  mkdirSync(join(root, "data"))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const at = (path: string) => join(root, path)

test("a file is written and copied through no link that somebody else has put where its draft would be", () => {
  writeFileSync(at("theirs"), "theirs")
  writeFileSync(at("from"), "x".repeat(3_000_000))
  for (const write of [
    () => machine.copy(at("from"), "/data/one", { mode: 0o640 }),
    () => machine.write("/data/one", "text", { mode: 0o640 }),
  ]) {
    symlinkSync(at("theirs"), at("data/one.freehold-new"))
    write()
    expect(readFileSync(at("theirs"), "utf8")).toBe("theirs")
    expect(statSync(at("data/one")).mode & 0o777).toBe(0o640)
    expect(readdirSync(at("data"))).toEqual(["one"])
  }
  machine.copy(at("from"), "/data/one", { mode: 0o640 })
  expect(readFileSync(at("data/one"), "utf8")).toBe("x".repeat(3_000_000))
})

test("a file that cannot be copied leaves what was there", () => {
  writeFileSync(at("data/one"), "as it was")
  expect(() => machine.copy(at("data"), "/data/one", { mode: 0o600 })).toThrow()
  expect(readFileSync(at("data/one"), "utf8")).toBe("as it was")
  expect(readdirSync(at("data"))).toEqual(["one"])
})

test("a new folder is not one that somebody else has made", () => {
  mkdirSync(at("theirs"))
  symlinkSync(at("theirs"), at("data/aside"))
  expect(() => machine.newFolder("/data/aside", 0o700, { user: 0, group: 0 })).toThrow("EEXIST")
})

test("a store that is put back takes the place of the present one, which lies aside with its log", () => {
  for (const end of ["", "-wal", "-shm"]) writeFileSync(at(`data/freehold.db${end}`), `new${end}`)
  mkdirSync(at("data/before-upgrade"))
  writeFileSync(at("data/before-upgrade/copy.db"), "old")
  const aside = putBack(machine, "/data", at("data/before-upgrade/copy.db"))
  expect(readFileSync(at("data/freehold.db"), "utf8")).toBe("old")
  expect(statSync(at("data/freehold.db")).mode & 0o777).toBe(0o600)
  expect(existsSync(at("data/freehold.db-wal"))).toBe(false)
  expect(readdirSync(at(aside)).sort()).toEqual(["freehold.db", "freehold.db-shm", "freehold.db-wal"])
  expect(readFileSync(join(at(aside), "freehold.db"), "utf8")).toBe("new")
})

test("where the copy cannot be read there is still a store", () => {
  writeFileSync(at("data/freehold.db"), "new")
  expect(() => putBack(machine, "/data", at("none.db"))).toThrow("ENOENT")
  expect(readFileSync(at("data/freehold.db"), "utf8")).toBe("new")
})

test("two programs exchange their names", () => {
  mkdirSync(at("usr/local/bin"), { recursive: true })
  const program = at("usr/local/bin/freehold")
  writeFileSync(program, "now")
  writeFileSync(`${program}.previous`, "before")
  exchangePrograms(machine)
  expect([readFileSync(program, "utf8"), readFileSync(`${program}.previous`, "utf8")]).toEqual(["before", "now"])
  expect(readdirSync(at("usr/local/bin")).sort()).toEqual(["freehold", "freehold.previous"])
})
