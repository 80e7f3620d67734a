import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"

/** Where somebody listens, or wants to: at an IPv4 or IPv6 address, or at all of them. */
export type Place = { host: string | undefined; port: number }

/** A process that listens at a place; `unit` is the service that it belongs to, as systemd's cgroups have it. One that is not to be seen has no pid. */
export type ListenerHolder<P extends Place> = { place: P; pid: number | undefined; program: string; unit: string | undefined }

type Options = { protocol?: "tcp" | "udp"; proc?: string }

/** Descriptors that are looked at before the search is given up. */
const maxDescriptors = 200_000

/**
 * Who listens at these places, as Linux tells it in /proc: sockets by port → processes that have the socket's descriptor. That of another user is seen by
 * root alone.
 */
export function listenerHolders<P extends Place>(
  places: readonly P[],
  { protocol = "tcp", proc = "/proc" }: Options = {},
): ListenerHolder<P>[] {
  const sockets = new Map(["", "6"].flatMap((family) => listeningSockets(join(proc, "net", `${protocol}${family}`), places, protocol)))
  if (sockets.size === 0) return []
  const holders: ListenerHolder<P>[] = []
  const found = new Set<string>()
  let looked = 0
  for (const pid of list(proc)) {
    if (!/^\d+$/.test(pid)) continue
    for (const descriptor of list(join(proc, pid, "fd"))) {
      if (++looked > maxDescriptors) break
      const inode = /^socket:\[(\d+)\]$/.exec(link(join(proc, pid, "fd", descriptor)))?.[1] ?? ""
      const place = sockets.get(inode)
      if (place === undefined) continue
      found.add(inode)
      if (holders.some((one) => one.place === place && one.pid === Number(pid))) continue
      const unit = /([^/]+\.(?:service|scope))(?:\/|$)/m.exec(read(join(proc, pid, "cgroup")))?.[1]
      holders.push({ place, pid: Number(pid), program: read(join(proc, pid, "comm")).trim() || "an unknown program", unit })
    }
  }
  for (const [inode, place] of sockets)
    if (!found.has(inode)) holders.push({ place, pid: undefined, program: "a program that cannot be seen", unit: undefined })
  return holders
}

/** A program that listens. */
export type Holder = { pid: number; name: string }

/** Which other program listens at a port of any address; undefined where nobody does, and where it is not to be seen. `isHeld` says which of the two. */
export function holderOf(port: number, protocol: "tcp" | "udp" = "tcp"): { isHeld: boolean; holder: Holder | undefined } {
  const all = listenerHolders([{ host: undefined, port }], { protocol })
  const [holder] = all.flatMap(({ pid, program }) => (pid === undefined || pid === process.pid ? [] : [{ pid, name: program }]))
  return { isHeld: all.length > 0, holder }
}

/** `nginx (process 812)`, or that it is somebody. */
export const inWords = (holder: Holder | undefined): string =>
  holder === undefined ? "another program of this machine" : `${holder.name} (process ${holder.pid})`

/** proc_pid_net(5): address and port in hexadecimal, a state, and the socket's inode. A socket that listens is 0A of TCP, and 07 of UDP. */
function listeningSockets<P extends Place>(file: string, places: readonly P[], protocol: "tcp" | "udp"): [string, P][] {
  const wanted = protocol === "tcp" ? "0A" : "07"
  return read(file)
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state, , , , , , inode = "0"] = line.trim().split(/\s+/)
      const [address = "", port = ""] = local.split(":")
      const place = places.find((one) => one.port === Number.parseInt(port, 16) && meets(one.host, address))
      return place !== undefined && state === wanted && inode !== "0" ? [[inode, place] as [string, P]] : []
    })
}

/** Whether a listener at `host` would collide with one at the address, which /proc writes in hexadecimal words of the machine's byte order. */
function meets(host: string | undefined, address: string): boolean {
  if (host === undefined || /^0+$/.test(address)) return true
  // Addresses of IPv6 are not told apart, which at worst names a holder that would not be in the way.
  if (host.includes(":") || address.length !== 8) return host.includes(":") && address.length !== 8
  const bytes = address.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []
  return bytes.reverse().join(".") === host
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
