import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "../errors"

/** Where somebody wants to listen: at an IPv4 or IPv6 address, or at all of them; `setting` is what decides that. */
export type Listener = { setting: string; host: string | undefined; port: number }

/** A process that listens there; `unit` is the service that it belongs to, as systemd's cgroups have it. */
export type PortHolder = { setting: string; port: number; pid: number | undefined; program: string; unit: string | undefined }

const listening = "0A"

/** Throws `conflict` where anybody but Freehold, or systemd for it, listens at one of these already. */
export function refuseTakenPorts(listeners: readonly Listener[], proc = "/proc"): void {
  // systemd itself holds the ports where freehold.socket is enabled.
  const others = portHolders(listeners, proc).filter(({ unit, pid }) => unit !== "freehold.service" && pid !== 1)
  if (others.length > 0) throw new AppError("conflict", others.map(explain).join("; "))
}

function explain({ setting, port, pid, program, unit }: PortHolder): string {
  const who = pid === undefined ? program : `${program} (process ${pid}${unit === undefined ? "" : `, ${unit}`})`
  const stop = unit?.endsWith(".service") === true ? `"systemctl disable --now ${unit}"` : "end it"
  return `port ${port} is held by ${who}: ${stop}, or give Freehold another port: --${setting.replaceAll("_", "-")}, or ${setting} in /etc/freehold/freehold.toml where that is there`
}

/** Who listens for TCP at these already, by what Linux says in /proc; whose process is not to be seen has no pid. */
export function portHolders(listeners: readonly Listener[], proc = "/proc"): PortHolder[] {
  const sockets = new Map<string, Listener>()
  for (const table of ["net/tcp", "net/tcp6"]) {
    for (const line of readLines(join(proc, table)).slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/)
      const [address = "", port = ""] = local.split(":")
      const wanted = listeners.find((one) => one.port === Number.parseInt(port, 16) && meets(one.host, address))
      if (state === listening && wanted !== undefined) sockets.set(inode, wanted)
    }
  }
  if (sockets.size === 0) return []
  const holders: PortHolder[] = []
  const found = new Set<string>()
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    for (const inode of socketsOf(join(proc, pid))) {
      const wanted = sockets.get(inode)
      if (wanted === undefined) continue
      const { port, setting } = wanted
      found.add(inode)
      if (holders.some((one) => one.port === port && one.pid === Number(pid))) continue
      const program = readLines(join(proc, pid, "comm"))[0] || "an unknown program"
      const unit = /([^/]+\.(?:service|scope))(?:\/|$)/m.exec(readLines(join(proc, pid, "cgroup")).join("\n"))?.[1]
      holders.push({ setting, port, pid: Number(pid), program, unit })
    }
  }
  for (const [inode, { port, setting }] of sockets)
    if (!found.has(inode)) holders.push({ setting, port, pid: undefined, program: "a program that cannot be seen", unit: undefined })
  return holders
}

/** Whether a listener at `host` would collide with one at the address, which /proc writes in hexadecimal words of the machine's byte order. */
function meets(host: string | undefined, address: string): boolean {
  if (host === undefined || /^0+$/.test(address)) return true
  // Addresses of IPv6 are not told apart, which at worst names a holder that would not be in the way.
  if (host.includes(":") || address.length !== 8) return host.includes(":") && address.length !== 8
  const bytes = address.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []
  return bytes.reverse().join(".") === host
}

function socketsOf(folder: string): string[] {
  try {
    return readdirSync(join(folder, "fd")).flatMap((name) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, "fd", name)))?.[1] ?? []
      } catch {
        // It was closed between the two looks.
        return []
      }
    })
  } catch {
    return []
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n")
  } catch {
    return []
  }
}
