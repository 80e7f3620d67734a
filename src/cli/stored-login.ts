import { randomBytes } from "node:crypto"
import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { AppError } from "../errors"

/** Where a person is logged in, as `config.json` keeps it. */
export type StoredLogin = { server: string; token: string }

/** Undefined when there is none; throws AppError when the file is not what `storeLogin` wrote. */
export async function readLogin(folder: string): Promise<StoredLogin | undefined> {
  const path = join(folder, "config.json")
  let text: string
  try {
    text = await readFile(path, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw new AppError("unavailable", `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const stored = parseLogin(text)
  if (stored === undefined) throw new AppError("invalid", `${path} is damaged; "freehold login" writes it anew`)
  return stored
}

/** Writes the whole file or nothing, readable by its owner alone. */
export async function storeLogin(folder: string, login: StoredLogin): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const path = join(folder, "config.json")
  const draft = join(folder, `.config-${randomBytes(6).toString("hex")}`)
  try {
    const file = await open(draft, "wx", 0o600)
    try {
      await file.writeFile(`${JSON.stringify(login, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

function parseLogin(text: string): StoredLogin | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== "object" || value === null || !("server" in value) || !("token" in value)) return undefined
  const { server, token } = value
  return typeof server === "string" && typeof token === "string" ? { server, token } : undefined
}
