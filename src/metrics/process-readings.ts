import { readFileSync, statSync } from "node:fs"
import { readdir } from "node:fs/promises"

/** Descriptors that this process has open. */
export async function openDescriptors(): Promise<number> {
  // The kernel counts them itself since Linux 6.2; before, it says 0 and they are to be listed.
  const counted = statSync("/proc/self/fd").size
  return counted > 0 ? counted : (await readdir("/proc/self/fd")).length
}

/** How many it may have; undefined where there is no limit. */
export function descriptorLimit(): number | undefined {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? []
  return soft === undefined ? undefined : Number(soft)
}

/** CPU time that this process has used, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Bytes of a file; 0 where there is none, as with a journal that was folded in. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
