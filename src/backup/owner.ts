import { createHmac } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Destination } from "./destination"

const linePattern = /^# of ([0-9a-f]{32})$/
/** Longer than such a line. */
const mostChars = 64

/** A secret of the appliance, which a restore brings along; undefined where it has none yet. */
export async function storeKeyOf(dataDir: string): Promise<string | undefined> {
  const secret = await readFile(join(dataDir, "store-key"), "utf8").catch(() => "")
  return secret.trim() === "" ? undefined : secret.trim()
}

/** Tells the backups of one appliance from those of another at the same place, and nothing else. */
export const ownerOf = (storeKey: string): string => createHmac("sha256", storeKey).update("freehold backups").digest("hex").slice(0, 32)

/** The first line of a list: whose it is. */
export const ownerLine = (owner: string): string => `# of ${owner}`

/** Whether a line of a list says whose it is, and names no copy. */
export const isOwnerLine = (line: string): boolean => linePattern.test(line)

/** Whose a list is; undefined where it does not say. */
export async function readOwner(destination: Destination, list: string): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ""
  for await (const chunk of await destination.get(list)) {
    text += decoder.decode(chunk.subarray(0, mostChars))
    if (text.includes("\n") || text.length >= mostChars) break
  }
  return linePattern.exec(text.split("\n", 1)[0] ?? "")?.[1]
}
