import { chmod, mkdir, readFile, rmdir, writeFile } from "node:fs/promises"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder, waitUntil } from "./process"

const hierarchy = "/sys/fs/cgroup/memory"

/** A control group for memory (cgroup v1) of its own, and a program that runs another one in it. */
export interface MemoryGroup {
  /** Starts `program` with its arguments, as a member from its first instruction. */
  readonly wrapper: string
  usedMiB(): Promise<number>
  /** How often a member was refused memory and had to give pages back; each time costs it little. */
  refusals(): Promise<number>
  limit(mebibytes: number): Promise<void>
  stop(): Promise<void>
}

/** Why this machine cannot have one, as a reason to skip; undefined when it can. */
export function memoryGroupObstacle(): string | undefined {
  if (!existsSync(join(hierarchy, "memory.limit_in_bytes"))) return `no cgroup v1 for memory at ${hierarchy}`
  return process.getuid?.() === 0 ? undefined : "making a control group needs root"
}

export async function startMemoryGroup(program: string): Promise<MemoryGroup> {
  const folder = await temporaryFolder("memory")
  const group = join(hierarchy, `freehold-test-${process.pid}-${Date.now()}`)
  await mkdir(group)
  const wrapper = join(folder.path, "in-group")
  await writeFile(wrapper, `#!/bin/sh\necho $$ > ${group}/cgroup.procs\nexec ${program} "$@"\n`)
  await chmod(wrapper, 0o755)
  const number = async (name: string) => Number(await readFile(join(group, name), "utf8"))
  return {
    wrapper,
    // What the kernel can take back (page cache) is not needed.
    usedMiB: async () => {
      const stat = await readFile(join(group, "memory.stat"), "utf8")
      return Number(/^rss (\d+)/m.exec(stat)?.[1]) / 2 ** 20
    },
    refusals: () => number("memory.failcnt"),
    limit: (mebibytes) => writeFile(join(group, "memory.limit_in_bytes"), String(Math.round(mebibytes) * 2 ** 20)),
    stop: async () => {
      await waitUntil(async () => (await readFile(join(group, "cgroup.procs"), "utf8")).trim() === "", {
        what: "the control group to be empty",
        limitMs: 5_000,
      })
      await rmdir(group)
      await folder.remove()
    },
  }
}
