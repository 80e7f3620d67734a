import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../test/lab/process"
import { memoryLimit } from "./memory-limit"

let folder: { path: string; remove(): Promise<void> }
beforeAll(async () => {
  folder = await temporaryFolder("memory-limit")
})
afterAll(() => folder.remove())

const mebibyte = 2 ** 20
let count = 0

/** A kernel that tells `lines` of this process' groups, and has these files. */
function kernel(lines: string[], files: Record<string, string>) {
  const hierarchy = join(folder.path, `${count++}`)
  mkdirSync(hierarchy, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(hierarchy, name, ".."), { recursive: true })
    writeFileSync(join(hierarchy, name), text)
  }
  const groups = join(hierarchy, "own-groups")
  writeFileSync(groups, `${lines.join("\n")}\n`)
  return { groups, hierarchy, total: 4096 * mebibyte }
}

test.each([
  ["no group says anything", kernelOf([], {}), 4096],
  ["the group of version 2 has none", kernelOf(["0::/a"], { "a/memory.max": "max\n" }), 4096],
  [
    "the group of version 2 has one",
    kernelOf(["0::/system.slice/freehold.service"], { "system.slice/freehold.service/memory.max": "268435456\n" }),
    256,
  ],
  ["one above it has less", kernelOf(["0::/a/b"], { "a/b/memory.max": "268435456\n", "a/memory.max": "134217728\n" }), 128],
  ["it is the root of a container", kernelOf(["0::/"], { "memory.max": "67108864\n" }), 64],
  ["version 1 has one", kernelOf(["5:devices:/", "4:cpu,memory:/x", "0::/"], { "memory/x/memory.limit_in_bytes": "536870912\n" }), 512],
  ["version 1 has none", kernelOf(["4:memory:/x"], { "memory/x/memory.limit_in_bytes": "9223372036854771712\n" }), 4096],
  ["another controller's is not it", kernelOf(["4:cpu:/x"], { "memory/x/memory.limit_in_bytes": "1048576\n" }), 4096],
] as const)("the limit where %s", (_, make, expected) => {
  expect(memoryLimit(make()) / mebibyte).toBe(expected)
})

function kernelOf(...parts: Parameters<typeof kernel>) {
  return () => kernel(...parts)
}

test("this machine has a limit", () => {
  expect(memoryLimit()).toBeGreaterThan(64 * mebibyte)
})
