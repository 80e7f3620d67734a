import { readFile } from "node:fs/promises"
import { type Bench, type Case, startServers } from "../bench"
import { compare, interleave } from "../measure"
import { runNewConnections } from "../new-connections"
import { atLeast } from "../report"
import { hostname } from "../seed"
import type { Server } from "../server"

const goals = { caddy: atLeast(1.2), haproxy: atLeast(1), nginx: atLeast(0.6) }

/** A new TLS 1.3 connection for each request, closed by both sides after it. */
export const handshakes: Case = {
  name: "handshakes",
  async run(bench) {
    const servers = await startServers(bench, "handshakes", ["nginx", "haproxy", "caddy"])
    for (const server of servers) await runHandshakes(bench, server, 1)
    const figures = await interleave(servers, bench.runs, (server) => runHandshakes(bench, server, bench.seconds))
    for (const [peer, goal] of Object.entries(goals)) {
      if (!figures.has(peer)) continue
      const extra = peer === "nginx" ? await seenByNginx(servers) : undefined
      bench.add(compare({ case: "handshakes", peer, unit: "req/s", goal, extra }, figures))
    }
  },
}

/** Requests a second, with 64 connections under way at a time. */
export async function runHandshakes(bench: Bench, server: Server, seconds: number): Promise<number> {
  const load = { host: hostname(1), connections: 64, seconds, ca: bench.certificate.certificatePem }
  const { perSecond, failed } = await runNewConnections(server, load)
  bench.say(`${server.name} ${Math.round(perSecond)} handshakes/s${failed > 0 ? `, ${failed} failed` : ""}`)
  return perSecond
}

/** What nginx's log says of the client, which is the same for all: full handshakes (`.`) and resumed ones (`r`). */
async function seenByNginx(servers: Server[]): Promise<Record<string, number>> {
  // Its log is flushed once a second.
  await Bun.sleep(1500)
  const log = await readFile(servers.find(({ name }) => name === "nginx")?.accessLog ?? "", "utf8")
  const count = (mark: string) => log.split(`"reused":"${mark}"`).length - 1
  return { fullSeenByNginx: count("."), resumedSeenByNginx: count("r") }
}
