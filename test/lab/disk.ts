import { mkdir, open, readFile, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { findProgram } from "./dns"
import { runCommand, temporaryFolder } from "./process"

/** A small disk of its own with a real ext4 on it, that can be filled and broken. */
export interface Disk {
  readonly path: string
  /** Takes all the space that is left. */
  fill(): Promise<void>
  /** Gives back what `fill` took. */
  free(): Promise<void>
  /** The kernel finds a fault and turns the file system read-only, as it does with a real disk that goes bad. */
  turnReadOnly(): Promise<void>
  /** As an administrator mends it: checked and mounted anew. */
  repair(): Promise<void>
  stop(): Promise<void>
}

/** Why this machine cannot have one, as a reason to skip; undefined when it can. */
export function diskObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "mounting a disk needs root"
  return ["mkfs.ext4", "e2fsck", "mount", "findmnt"]
    .map((name) => (findProgram(name) ? undefined : `${name} is not installed`))
    .find(Boolean)
}

export async function startDisk(mebibytes: number): Promise<Disk> {
  const folder = await temporaryFolder("disk")
  const [image, path] = [join(folder.path, "image"), join(folder.path, "mount")]
  await runCommand(["truncate", "--size", `${mebibytes}M`, image])
  await runCommand(["mkfs.ext4", "-q", "-m", "0", image])
  await mkdir(path)
  const mount = () => runCommand(["mount", "-o", "loop,errors=remount-ro", image, path])
  const unmount = () => runCommand(["umount", path])
  await mount()
  const filler = join(path, "filler")
  return {
    path,
    fill: async () => {
      const file = await open(filler, "a")
      try {
        for (let size = 1024 * 1024; size >= 512;) {
          try {
            await file.write(Buffer.alloc(size))
          } catch (error) {
            if ((error as { code?: string }).code !== "ENOSPC") throw error
            size /= 2
          }
        }
      } finally {
        await file.close()
      }
    },
    free: () => rm(filler, { force: true }),
    turnReadOnly: async () => {
      const device = basename((await runCommand(["findmnt", "--noheadings", "--output", "SOURCE", path])).trim())
      await Bun.write(`/sys/fs/ext4/${device}/trigger_fs_error`, "1")
      const line = (await readFile("/proc/self/mounts", "utf8")).split("\n").find((one) => one.includes(path))
      if (!/\b(ro|emergency_ro)\b/.test(line ?? "")) throw new Error(`the disk is still writable: ${line}`)
    },
    repair: async () => {
      await unmount()
      // Its exit code 1 says that it repaired something.
      await runCommand(["sh", "-c", `e2fsck -fy ${image} >/dev/null 2>&1; test $? -le 1`])
      await mount()
    },
    stop: async () => {
      await unmount().catch(() => runCommand(["umount", "--lazy", path]))
      await folder.remove()
    },
  }
}
