import { expect, test } from "bun:test"
import { compareKeys, successor } from "./key-order"
import type { Place } from "./listing"
import { chunks, StorageHouse } from "./storage.fixture"

const letters = ["a", "b", "/", "//", "é", "\ud7ff", "\ue000", "\ufffd", "\uffff", "\u{10000}", "\u{1f600}", "\u{10ffff}"]

function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const pick = <T>(random: () => number, from: T[]): T => from[Math.floor(random() * from.length)] as T
const word = (random: () => number, most: number) =>
  Array.from({ length: Math.floor(random() * (most + 1)) }, () => pick(random, letters)).join("")

/** As S3 defines it, by looking at every key. */
function modelled(keys: string[], prefix: string, delimiter: string): string[] {
  const sorted = keys.filter((key) => key.startsWith(prefix)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const entries = sorted.map((key) => {
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length)
    return at < 0 ? key : `${key.slice(0, at + delimiter.length)}…`
  })
  return [...new Set(entries)]
}

test("a thousand random sets of keys are listed as a look at every key would, in pages of every size", async () => {
  const house = await StorageHouse.open()
  try {
    const photos = await house.namespace()
    // One object that others copy the rows of: here it is the keys that matter.
    const { id: _, ...row } = await house.objects.put(photos, "x", chunks("x"))
    const { size, etag, hash, contentType, createdAt } = row
    for (let seed = 1; seed <= 1000; seed++) {
      const random = randomOf(seed)
      const keys = [...new Set(Array.from({ length: 1 + Math.floor(random() * 12) }, () => word(random, 4) || "a"))]
      await house.db.deleteFrom("objectVersions").execute()
      const rows = keys.map((key) => ({
        namespaceId: photos.id,
        key,
        versionId: "null",
        isLatest: 1,
        size,
        hash: hash ?? null,
        etag,
        contentType,
        createdAt,
        headers: null,
        tags: null,
        checksum: null,
      }))
      await house.db.insertInto("objectVersions").values(rows).execute()
      const prefix = random() < 0.4 ? "" : word(random, 2)
      const delimiter = pick(random, ["", "/", "/", "//", "é", "\u{10ffff}", "\ufffd", "ab"])
      const expected = modelled(keys, prefix, delimiter)
      for (const limit of new Set([1, 2, 3, expected.length, expected.length + 1].filter(Boolean))) {
        const seen: string[] = []
        let from: Place | undefined = { key: "", including: true }
        for (let pages = 0; from !== undefined; pages++) {
          const page = await house.objects.list(photos, { prefix, delimiter, from, limit })
          const entries = [...page.objects.map(({ key }) => key), ...page.prefixes.map((common) => `${common}…`)]
          expect(entries.length).toBeLessThanOrEqual(limit)
          // A page that says that there is more is a full one, and the one behind it has something.
          if (page.next !== undefined) expect(entries.length).toBe(limit)
          if (pages > 0) expect(entries.length).toBeGreaterThan(0)
          seen.push(...entries.sort((a, b) => compareKeys(a.replace("…", ""), b.replace("…", ""))))
          from = page.next
        }
        expect({ seed, limit, keys, prefix, delimiter, seen }).toEqual({ seed, limit, keys, prefix, delimiter, seen: expected })
      }
    }
  } finally {
    await house.close()
  }
}, 60_000)

test.each([
  ["a", "b"],
  ["a\u{10ffff}", "b"],
  ["\ud7ff", "\ue000"],
  ["\uffff", "\u{10000}"],
  ["\u{10ffff}", undefined],
  ["", undefined],
])("behind everything that begins with %p is %p", (text, expected) => {
  expect(successor(text)).toBe(expected)
})
