import { afterEach, beforeEach, expect, spyOn, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Flusher } from "./flusher"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freehold-flusher-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Counts the runs of fsync, each of which ends when `finish` is called. */
function held(flusher: Flusher) {
  const ends: (() => void)[] = []
  const sync = flusher as unknown as { sync(): Promise<void>; next: unknown; running: unknown }
  spyOn(sync, "sync").mockImplementation(async () => {
    await new Promise<void>((resolve) => ends.push(resolve))
    if (sync.next === undefined) sync.running = undefined
  })
  return { ends, finish: () => ends.shift()?.() }
}

test("folders and files are brought to disk", async () => {
  await new Flusher(folder).flush()
  writeFileSync(join(folder, "a"), "text")
  await new Flusher(join(folder, "a")).flush()
})

test("who comes while one is under way waits for the next, and all who wait share it", async () => {
  const flusher = new Flusher(folder)
  const { ends, finish } = held(flusher)
  const done: string[] = []
  const first = flusher.flush().then(() => done.push("first"))
  const others = ["second", "third"].map((name) => flusher.flush().then(() => done.push(name)))
  expect(ends).toHaveLength(1)
  finish()
  await first
  await Bun.sleep(1)
  expect(done).toEqual(["first"])
  expect(ends).toHaveLength(1)
  finish()
  await Promise.all(others)
  expect(done).toEqual(["first", "second", "third"])
})

test("a fault is told to whoever waited for it, and the next one begins anew", async () => {
  const flusher = new Flusher(join(folder, "later"))
  const results = await Promise.allSettled([flusher.flush(), flusher.flush(), flusher.flush()])
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"])
  writeFileSync(join(folder, "later"), "")
  await flusher.flush()
  await Promise.all([flusher.flush(), flusher.flush()])
})
