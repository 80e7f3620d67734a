import { afterEach, beforeEach, expect, test } from "bun:test"
import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { copiesFolder, storeCopies } from "../db/upgrade"
import { Program } from "./program"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freehold-program-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
const programAt = (path: string | undefined, image = path) =>
  new Program(
    { path, places: { package: at("packaged"), install: at("installed") }, previous: at("installed.previous"), copies: () => [] },
    image,
  )

test("a program that was replaced while it ran is told, and one that was taken away", () => {
  writeFileSync(at("installed"), "this version")
  const program = programAt(at("installed"))
  expect(program.read()).toMatchObject({ path: at("installed"), on_disk: "same", installed: "install" })
  writeFileSync(at("new"), "the next version")
  renameSync(at("new"), at("installed"))
  expect(program.read().on_disk).toBe("other")
  rmSync(at("installed"))
  expect(program.read().on_disk).toBe("missing")
})

test("the process itself is found by the kernel's link to it", () => {
  const program = new Program({
    path: process.execPath,
    places: { package: "", install: "" },
    previous: "",
    copies: () => [],
  })
  expect(program.read()).toMatchObject({ on_disk: "same", installed: "by_hand" })
})

test("the way back is there where install left the version before, and nowhere else", () => {
  for (const name of ["installed", "packaged", "elsewhere"]) writeFileSync(at(name), name)
  expect(programAt(at("installed")).read().can_roll_back).toBe(false)
  cpSync(at("installed"), at("installed.previous"))
  expect(programAt(at("installed")).read().can_roll_back).toBe(true)
  expect(programAt(at("packaged")).read()).toMatchObject({ installed: "package", can_roll_back: false })
  expect(programAt(at("elsewhere")).read()).toMatchObject({ installed: "by_hand", can_roll_back: false })
  expect(programAt(undefined).read()).toMatchObject({ path: null, installed: "source", on_disk: "same" })
})

test("copies of the store from before upgrades are told with their time and size", () => {
  const store = at("freehold.db")
  const name = "before-0014-more.20261130T072853Z.db"
  cpSync(import.meta.path, join(copiesFolder(store), name))
  const program = new Program({ path: undefined, places: { package: "", install: "" }, previous: "", copies: () => storeCopies(store) })
  expect(program.read().store_copies).toEqual([
    { name, before: "0014-more", made_at: "2026-11-30T07:28:53.000Z", bytes: Bun.file(import.meta.path).size },
  ])
})
