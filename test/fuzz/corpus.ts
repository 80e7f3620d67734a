import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseBytes, printBytes } from "./escaped-text"

/** One entry of the corpus: `notes` are its lines `@ key value`. */
export type Entry = { name: string; notes: Record<string, string>; bytes: Buffer }

/** Where the entries of a kind stand, one family a file. */
export const corpusFolder = (kind: "requests" | "responses") => join(import.meta.dir, "corpus", kind)

/** Every entry of a folder, in the order of its files' names; throws on a malformed file or a name that stands twice. */
export function readCorpus(folder: string): Entry[] {
  const entries: Entry[] = []
  const files = readdirSync(folder).filter((file) => file.endsWith(".txt"))
  for (const file of files.sort()) entries.push(...parseEntries(readFileSync(join(folder, file), "utf8"), file.replace(/\.txt$/, "")))
  const names = new Set<string>()
  for (const { name } of entries) {
    if (names.has(name)) throw new Error(`the corpus has two entries "${name}"`)
    names.add(name)
  }
  return entries
}

/** The entries of one file: `# comment`, `== name`, `@ key value`, then lines of escaped bytes. */
export function parseEntries(text: string, family: string): Entry[] {
  const entries: Entry[] = []
  let lines: string[] = []
  const close = () => {
    const last = entries.at(-1)
    if (last) last.bytes = parseBytes(lines.join("\n"))
    lines = []
  }
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line.trim() === "") continue
    if (line.startsWith("== ")) {
      close()
      entries.push({ name: `${family}: ${line.slice(3).trim()}`, notes: {}, bytes: Buffer.alloc(0) })
    } else if (entries.length === 0) throw new Error(`${family}: "${line}" belongs to no entry`)
    else if (line.startsWith("@ ")) {
      const [key = "", ...value] = line.slice(2).trim().split(" ")
      entries.at(-1)!.notes[key] = value.join(" ")
    } else lines.push(line)
  }
  close()
  return entries
}

/** An entry as it stands in a file of the corpus. */
export function printEntry(entry: Entry): string {
  const notes = Object.entries(entry.notes).map(([key, value]) => `@ ${key} ${value}\n`)
  return `== ${entry.name}\n${notes.join("")}${printBytes(entry.bytes)}\n`
}
