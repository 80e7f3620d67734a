import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { runCommand } from "../../lab/process"
import { type Bench, type Case, startServers } from "../bench"
import { compare, interleave } from "../measure"
import { atLeast } from "../report"
import { hostname } from "../seed"
import type { Server } from "../server"
import { runWrk } from "../wrk"

const goals = { caddy: atLeast(1), haproxy: undefined, nginx: undefined }

/**
 * A new TLS connection for each request that resumes the session of the one before by its ticket, as wrk does by itself. Whether a server
 * resumes at all is asked of it beforehand with OpenSSL, and what it said stands beside the figures.
 */
export const resumed: Case = {
  name: "resumed",
  async run(bench) {
    const servers = await startServers(bench, "resumed", ["caddy", "haproxy", "nginx"])
    const resumes = new Map<string, boolean>()
    for (const server of servers) resumes.set(server.name, await resumesByTicket(bench, server))
    const load = { folder: bench.folder, host: hostname(1), connections: 32, headers: ["Connection: close"] }
    for (const server of servers) await runWrk(server, { ...load, seconds: 1 })
    const figures = await interleave(servers, bench.runs, async (server) => {
      const { requestsPerSecond } = await runWrk(server, { ...load, seconds: bench.seconds })
      bench.say(`${server.name} ${Math.round(requestsPerSecond)} requests/s, ${resumes.get(server.name) ? "resumes" : "does NOT resume"}`)
      return requestsPerSecond
    })
    for (const [peer, goal] of Object.entries(goals)) {
      if (!figures.has(peer)) continue
      const extra = {
        oursResumes: resumes.get("freehold") === true,
        theirsResumes: resumes.get(peer) === true,
        ...(await seenByPeer(servers.find(({ name }) => name === peer))),
      }
      bench.add(compare({ case: "resumed", peer, unit: "req/s", goal, extra }, figures))
    }
  },
}

/** What the peer's own log says of wrk's connections: how many were resumed, and how many were not. */
async function seenByPeer(peer: Server | undefined): Promise<Record<string, number>> {
  const marks: Record<string, [string, string]> = {
    nginx: ['"reused":"r"', '"reused":"."'],
    haproxy: ['"reused":1', '"reused":0'],
    caddy: ['"resumed":true', '"resumed":false'],
  }
  const [yes, no] = marks[peer?.name ?? ""] ?? []
  if (peer === undefined || yes === undefined || no === undefined) return {}
  // nginx flushes its log once a second.
  await Bun.sleep(1500)
  const log = await readFile(peer.accessLog, "utf8")
  return { resumedInTheirLog: log.split(yes).length - 1, fullInTheirLog: log.split(no).length - 1 }
}

/** Three connections of OpenSSL one after the other, the later ones with the session of the first; true when both were resumed over TLS 1.3. */
async function resumesByTicket(bench: Bench, server: Server): Promise<boolean> {
  const session = join(bench.folder, `session-${server.name}`)
  const connect = (...args: string[]) =>
    runCommand(
      ["openssl", "s_client", "-connect", `${server.address}:${server.port}`, "-servername", hostname(1), "-tls1_3", "-ign_eof", ...args],
      { input: `GET / HTTP/1.1\r\nHost: ${hostname(1)}\r\nConnection: close\r\n\r\n` },
    )
  await connect("-sess_out", session)
  for (let attempt = 0; attempt < 2; attempt++) {
    if (!(await connect("-sess_in", session)).includes("Reused, TLSv1.3")) return false
  }
  return true
}
