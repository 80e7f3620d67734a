import { expect, test } from "bun:test"
import { mkdtemp, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileKind } from "../engine/archive"
import { type TarEntry, tarHead, TarReader, tarTail } from "./tar"

const long = `${"a".repeat(99)}/${"b".repeat(200)}.txt`
const file = (name: string, size: number): TarEntry => ({
  name,
  size,
  mode: fileKind.regular | 0o640,
  modifiedAt: 1_700_000_000,
  uid: 7,
  gid: 8,
})

/** The bytes in pieces of a size that fits nothing. */
function streamOf(bytes: Uint8Array, piece = 333): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, at + piece))
      at += piece
    },
  })
}

test("what is written is read again, also past contents that nobody took", async () => {
  const contents = Buffer.alloc(1500, "x")
  const folder = { ...file("folder", 0), mode: fileKind.directory | 0o755 }
  const bytes = Buffer.concat([
    tarHead(folder),
    tarHead(file(long, 1500)),
    contents,
    Buffer.alloc(36),
    tarHead(file("last", 3)),
    Buffer.from("end"),
    tarTail(3),
  ])
  const tar = new TarReader(streamOf(bytes))
  expect(await tar.next()).toEqual(folder)
  expect(await tar.next()).toEqual(file(long, 1500))
  expect((await tar.read(10)).toString()).toBe("x".repeat(10))
  await tar.skipContents(1000)
  expect(await tar.next()).toEqual(file("last", 3))
  expect((await tar.read(100)).toString()).toBe("end")
  expect((await tar.read(100)).length).toBe(0)
  expect(await tar.next()).toBeUndefined()
})

test("GNU tar reads what we write, and we read what it writes in each of its formats", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-tar-"))
  try {
    await mkdir(join(folder, "in"))
    await mkdir(join(folder, "out"))
    const name = `${"n".repeat(180)}.txt`
    await writeFile(join(folder, "ours.tar"), Buffer.concat([tarHead(file(name, 5)), Buffer.from("hello"), tarTail(5)]))
    const unpack = Bun.spawnSync(["tar", "-C", join(folder, "out"), "-xf", join(folder, "ours.tar")])
    expect(unpack.stderr.toString()).toBe("")
    const found = await stat(join(folder, "out", name))
    expect([await readFile(join(folder, "out", name), "utf8"), found.mode & 0o777, found.mtimeMs]).toEqual([
      "hello",
      0o640,
      1_700_000_000_000,
    ])
    await writeFile(join(folder, "in", name), "hello", { mode: 0o600 })
    await symlink("elsewhere", join(folder, "in", "link"))
    for (const format of ["gnu", "pax", "ustar", "oldgnu"]) {
      // The prefix of ustar takes no name of 180 bytes without a slash.
      if (format === "ustar") await rm(join(folder, "in", name))
      const packed = Bun.spawnSync(["tar", "-C", folder, `--format=${format}`, "-cf", "-", "in"]).stdout
      const tar = new TarReader(streamOf(packed))
      const seen = new Map<string, number>()
      for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) seen.set(entry.name, entry.mode & fileKind.mask)
      expect(seen.get("in/")).toBe(fileKind.directory)
      expect(seen.get("in/link")).toBe(fileKind.link)
      if (format === "ustar") await writeFile(join(folder, "in", name), "hello")
      else expect(seen.get(`in/${name}`)).toBe(fileKind.regular)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test("a stream that ends early is a fault, not an end", async () => {
  const tar = new TarReader(streamOf(Buffer.concat([tarHead(file("f", 100)), Buffer.from("less")])))
  await tar.next()
  expect(tar.read(100)).rejects.toThrow("ends early")
})
