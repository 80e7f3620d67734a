import { accessSync, constants, lstatSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { list } from "./addresses"
import type { Verdict } from "./check"

const others = 0o077

/** Whether the data folder is there, is its user's own, and is closed to everybody else. */
export function checkDataFolder(folder: string, uid = process.getuid?.() ?? 0): Verdict {
  let found: ReturnType<typeof statSync>
  try {
    found = statSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EACCES") return closed(folder)
    return {
      status: "bad",
      verdict: `There is no data folder at ${folder}.`,
      remedy: "Name the right one by --data-dir or FREEHOLD_DATA_DIR; “freehold serve” makes it where there was none.",
    }
  }
  if (!found.isDirectory())
    return { status: "bad", verdict: `${folder} is no folder.`, remedy: "Name the data folder by --data-dir or FREEHOLD_DATA_DIR." }
  if ((found.mode & others) !== 0)
    return {
      status: "bad",
      verdict: `Others may enter the data folder ${folder} (mode ${octal(found.mode)}).`,
      remedy: `chmod 700 ${folder}`,
    }
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return closed(folder)
  }
  const foreign = filesOf(folder).filter(({ owner }) => owner !== found.uid && (uid === 0 || owner !== uid))
  if (foreign.length > 0)
    return {
      status: "warn",
      verdict: `${list(foreign.slice(0, 3).map(({ path }) => path))} ${foreign.length === 1 ? "belongs" : "belong"} to another user than the data folder.`,
      remedy: `chown -R --reference=${folder} ${folder}`,
    }
  return { status: "ok", verdict: `${folder} is closed to everybody but its user.` }
}

/** Whether files that hold secrets can be read by others: those of the data folder, and those that settings name. */
export function checkSecrets(folder: string, named: string[]): Verdict {
  const inside = filesOf(folder)
  const outside = named.flatMap((path) => modeOf(path))
  const loose = [...inside, ...outside].filter(({ mode }) => (mode & others) !== 0)
  if (inside.length + outside.length === 0) return { status: "ok", verdict: "There is no file with secrets yet." }
  if (loose.length === 0)
    return { status: "ok", verdict: `${inside.length + outside.length} files with secrets can be read by nobody else.` }
  const open = isOpen(folder)
  const paths = loose.map(({ path }) => path)
  // Within a closed folder a loose file is out of reach, as long as the folder stays closed.
  const isReadable = open || loose.some(({ path }) => named.includes(path) && !path.startsWith(`${folder}/`))
  return {
    status: isReadable ? "bad" : "warn",
    verdict: `${list(paths.slice(0, 4))} ${loose.length === 1 ? "has a mode" : "have modes"} that lets others read secrets${isReadable ? "" : ", though the folder around is closed"}.`,
    remedy: `chmod 600 ${paths.slice(0, 4).join(" ")}`,
  }
}

type Owned = { path: string; mode: number; owner: number }

const filesOf = (folder: string): Owned[] => {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((one) => (one.isFile() ? modeOf(join(folder, one.name)) : []))
  } catch {
    return []
  }
}

function modeOf(path: string): Owned[] {
  try {
    const { mode, uid } = lstatSync(path)
    return [{ path, mode, owner: uid }]
  } catch {
    return []
  }
}

function isOpen(folder: string): boolean {
  try {
    return (statSync(folder).mode & others) !== 0
  } catch {
    return false
  }
}

const closed = (folder: string): Verdict => ({
  status: "bad",
  verdict: `This user may not read and write ${folder}.`,
  remedy: "Run this as root, or as the user of the service; the service itself has to own the folder.",
})

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(3, "0")
