import { readFileSync } from "node:fs"
import { totalmem } from "node:os"
import { dirname, join } from "node:path"

/** Where the kernel tells of control groups. */
export type MemoryPlaces = { groups: string; hierarchy: string; total: number }

const places = (): MemoryPlaces => ({ groups: "/proc/self/cgroup", hierarchy: "/sys/fs/cgroup", total: totalmem() })

/**
 * The bytes of memory that this process may use at the moment: the machine's, or less where a control group (cgroups(7), version 1 or 2) or one
 * above it says so, as systemd's MemoryMax and container engines have it.
 */
export function memoryLimit({ groups, hierarchy, total }: MemoryPlaces = places()): number {
  let limit = total
  for (const line of textOf(groups).split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined || (controllers !== "" && !controllers?.split(",").includes("memory"))) continue
    const [root, file] = controllers === "" ? [hierarchy, "memory.max"] : [join(hierarchy, "memory"), "memory.limit_in_bytes"]
    for (let group = path; ; group = dirname(group)) {
      const said = Number.parseInt(textOf(join(root, group, file)), 10)
      if (said > 0) limit = Math.min(limit, said)
      if (group === "/") break
    }
  }
  return limit
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
