import { expect, test } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"

const repository = join(import.meta.dir, "../..")
const text = await Bun.file(join(repository, "docs/SECURITY.md")).text()
const named = [...text.matchAll(/`((?:src|test)\/[\w./-]+\.test\.ts)`/g)].map((match) => match[1] ?? "")

test("each test that docs/SECURITY.md names is there", () => {
  expect(named.length).toBeGreaterThan(25)
  expect(named.filter((path) => !existsSync(join(repository, path)))).toEqual([])
})

test("each attack is named by it", () => {
  const attacks = readdirSync(import.meta.dir).filter((name) => name.endsWith(".test.ts") && name !== "security-document.test.ts")
  expect(attacks.filter((name) => !named.includes(`test/attacks/${name}`))).toEqual([])
})

test("each promise names what holds us to it", () => {
  const promises = text.slice(text.indexOf("## What is promised"), text.indexOf("## What is not promised"))
  const items = promises.split("\n").filter((line) => line.startsWith("- "))
  expect(items.length).toBeGreaterThan(12)
  // Two sentences say what an administrator may and are tried with the others.
  expect(
    items.filter((line) => !line.includes(".test.ts") && !line.includes("(same test") && !line.startsWith("- Administrators may")),
  ).toEqual([])
})
