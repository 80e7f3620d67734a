import { afterEach, beforeEach, expect, test } from "bun:test"
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SumThreads } from "./sum-threads"

let folder: string
const threads = new SumThreads()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "freehold-sums-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const bytesOf = (size: number, seed: number) => new Uint8Array(size).map((_, i) => (i * seed) >>> 7)

async function send(name: string, chunks: Uint8Array[]) {
  const handle = openSync(join(folder, name), "w")
  const lane = threads.open(handle)
  try {
    for (const chunk of chunks) await lane.write(chunk)
    return await lane.finish()
  } finally {
    await lane.close()
    closeSync(handle)
  }
}

test("many bodies at the same time, in chunks of any size, get their own sums and files", async () => {
  const sizes = [99_991, 65_536, 524_288, 524_289, 3_000_001]
  await Promise.all(
    Array.from({ length: 24 }, async (_, i) => {
      const whole = bytesOf(4_000_003 - i * 100_000, i + 1)
      const size = sizes[i % sizes.length] ?? 1
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) => whole.subarray(n * size, (n + 1) * size))
      expect(await send(`${i}`, chunks)).toEqual({
        sha256: Bun.CryptoHasher.hash("sha256", whole, "hex"),
        md5: Bun.CryptoHasher.hash("md5", whole, "hex"),
      })
      expect(Buffer.compare(readFileSync(join(folder, `${i}`)), whole)).toBe(0)
    }),
  )
})

test("nothing at all has sums too", async () => {
  expect(await send("empty", [])).toEqual({
    sha256: Bun.CryptoHasher.hash("sha256", "", "hex"),
    md5: Bun.CryptoHasher.hash("md5", "", "hex"),
  })
})

test("a fault of the file is told with its code, and the threads go on", async () => {
  const handle = openSync("/dev/full", "w")
  const lane = threads.open(handle)
  const fault = (async () => {
    for (let i = 0; i < 8; i++) await lane.write(bytesOf(1_000_000, 3))
    await lane.finish()
  })()
  await expect(fault).rejects.toMatchObject({ code: "ENOSPC" })
  await lane.close()
  closeSync(handle)
  expect((await send("after", [bytesOf(1000, 5)])).md5).toBe(Bun.CryptoHasher.hash("md5", bytesOf(1000, 5), "hex"))
})

test("what is closed in the midst of it writes no more", async () => {
  const file = join(folder, "half")
  const handle = openSync(file, "w")
  const lane = threads.open(handle)
  await lane.write(bytesOf(1_200_000, 3))
  await lane.close()
  const size = readFileSync(file).length
  await Bun.sleep(20)
  expect(readFileSync(file).length).toBe(size)
  closeSync(handle)
})
