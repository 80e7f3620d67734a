import { createCipheriv, createHash } from "node:crypto"
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** What programs trip over: letters beyond ASCII, spaces, and what means something in a URL, in a shell or in XML. */
const names = [
  "plain",
  "Grüße aus Köln",
  "写真 二〇二四",
  "naïve – “quoted”",
  "🎈 party",
  "a+b=c",
  "100% done",
  "question?",
  "hash#tag",
  "this & that",
  "<tag>",
  "it's",
  "semi;colon,comma",
  "~tilde",
  "[brackets]{braces}",
  "dot.dot..dot",
  "caret^dollar$",
  "UPPER lower",
]

/** A tree of `count` small files with such names, some empty, some deep below others; the same for the same seed. Answers their bytes together. */
export async function makeTree(folder: string, count: number, seed: number): Promise<number> {
  let bytes = 0
  for (let index = 0; index < count; index++) bytes += await writeSmall(join(folder, pathOf(index)), sizeOf(index), seed + index)
  return bytes
}

/** Writes over every 20th file, removes the one after it, adds another below a new folder, and moves a file away from where it was. */
export async function changeTree(folder: string, count: number, seed: number): Promise<void> {
  for (let index = 0; index + 2 < count; index += 20) {
    await writeSmall(join(folder, pathOf(index)), sizeOf(index) + 1, seed + index)
    await rm(join(folder, pathOf(index + 1)))
    await writeSmall(join(folder, "added later", pathOf(index)), sizeOf(index), seed + count + index)
  }
  await mkdir(join(folder, "moved"))
  await rename(join(folder, pathOf(2)), join(folder, "moved", "elsewhere"))
}

/** A file of bytes that look random, the same for the same seed. */
export async function makeFile(path: string, bytes: number, seed: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const cipher = cipherOf(seed)
  const zeros = Buffer.alloc(1024 * 1024)
  const handle = await open(path, "w")
  try {
    for (let left = bytes; left > 0; left -= zeros.length)
      await handle.write(cipher.update(zeros.subarray(0, Math.min(left, zeros.length))))
  } finally {
    await handle.close()
  }
}

async function writeSmall(path: string, bytes: number, seed: number): Promise<number> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, cipherOf(seed).update(Buffer.alloc(bytes)))
  return bytes
}

const cipherOf = (seed: number) =>
  createCipheriv("aes-128-ctr", createHash("sha256").update(String(seed)).digest().subarray(0, 16), Buffer.alloc(16))

const sizeOf = (index: number) => (index % 25 === 0 ? 0 : (index * 7919) % 12_000)

/** Forty files a folder; every 97th lies twelve folders down. */
function pathOf(index: number): string {
  const name = `${names[index % names.length]} ${index}.bin`
  if (index % 97 === 0) return `${Array.from({ length: 12 }, (_, depth) => `deep ${depth}`).join("/")}/${name}`
  const folder = Math.floor(index / 40)
  return `${names[folder % names.length]} ${folder}/${name}`
}
