import { readdirSync, readFileSync, readlinkSync } from "node:fs"

/** A program that listens. */
export type Holder = { pid: number; name: string }

/** Descriptors that are looked at before the search is given up. */
const maxDescriptors = 200_000

/**
 * Which other program listens at a port, as /proc tells it: sockets by port → the one process that has the socket's descriptor. Undefined where nobody does,
 * and where the process is another user's and we are not root. `isHeld` says which of the two.
 */
export function holderOf(port: number, protocol: "tcp" | "udp" = "tcp"): { isHeld: boolean; holder: Holder | undefined } {
  const inodes = new Set(["", "6"].flatMap((family) => listeningSockets(`/proc/net/${protocol}${family}`, port, protocol)))
  return { isHeld: inodes.size > 0, holder: inodes.size > 0 ? processWith(inodes) : undefined }
}

/** `nginx (process 812)`, or that it is somebody. */
export const inWords = (holder: Holder | undefined): string =>
  holder === undefined ? "another program of this machine" : `${holder.name} (process ${holder.pid})`

/** proc_pid_net(5): address and port in hexadecimal, a state, and the socket's inode. A socket that listens is 0A of TCP, and 07 of UDP. */
function listeningSockets(file: string, port: number, protocol: "tcp" | "udp"): string[] {
  const wanted = protocol === "tcp" ? "0A" : "07"
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  return read(file)
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
      return local?.endsWith(suffix) === true && state === wanted && inode !== undefined && inode !== "0" ? [inode] : []
    })
}

function processWith(inodes: ReadonlySet<string>): Holder | undefined {
  let looked = 0
  for (const pid of list("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      if (++looked > maxDescriptors) return undefined
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${descriptor}`))?.[1]
      if (inode !== undefined && inodes.has(inode)) return { pid: Number(pid), name: read(`/proc/${pid}/comm`).trim() || "a program" }
    }
  }
  return undefined
}

// A process may end while it is looked at, and another user's is closed to us.
const list = (folder: string) => orElse(() => readdirSync(folder), [])
const read = (file: string) => orElse(() => readFileSync(file, "utf8"), "")
const link = (path: string) => orElse(() => readlinkSync(path), "")

function orElse<T>(work: () => T, instead: T): T {
  try {
    return work()
  } catch {
    return instead
  }
}
