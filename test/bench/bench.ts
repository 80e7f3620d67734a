import type { Backend } from "./backend"
import type { SharedCertificate } from "./certificate"
import { type Freehold, type FreeholdOptions, startFreehold } from "./freehold"
import { startCaddy } from "./peers/caddy"
import { startHaproxy } from "./peers/haproxy"
import { startNginx } from "./peers/nginx"
import type { Omission, Result } from "./report"
import type { Server } from "./server"
import type { Undo } from "./undo"

export type PeerName = "nginx" | "haproxy" | "caddy"

/** What every case gets. */
export type Bench = {
  folder: string
  backend: Backend
  certificate: SharedCertificate
  runs: number
  seconds: number
  /** Ended after the case. */
  undo: Undo
  add(entry: Result | Omission): void
  /** A word about progress, for people; not a result. */
  say(text: string): void
}

/** One case of the table; what it finds out goes to `bench.add`. */
export type Case = { name: string; run(bench: Bench): Promise<void> }

/** Ours, with 1,000 mapped hostnames unless told otherwise, until the case ends. */
export async function startOurs(bench: Bench, options: Partial<FreeholdOptions> = {}): Promise<Freehold> {
  const { folder, backend, certificate, undo } = bench
  return undo.keep(await startFreehold({ folder, backend, certificate, names: 1000, ...options }))
}

/** Ours first, then the peers that are installed; the absent ones are told as omissions of the case. */
export async function startServers(
  bench: Bench,
  name: string,
  peers: PeerName[],
  options: Partial<FreeholdOptions> = {},
): Promise<[Freehold, ...Server[]]> {
  const start = { nginx: startNginx, haproxy: startHaproxy, caddy: startCaddy }
  const servers: [Freehold, ...Server[]] = [await startOurs(bench, options)]
  for (const peer of peers) {
    if (Bun.which(peer, { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` }) === null) {
      bench.add({ case: name, peer, reason: `${peer} is not installed` })
    } else {
      servers.push(bench.undo.keep(await start[peer](bench)))
    }
  }
  return servers
}
