import { type Case, startServers } from "../bench"
import { compare, interleave } from "../measure"
import { atLeast } from "../report"
import { hostname } from "../seed"
import { runWrk } from "../wrk"

const goals = { nginx: atLeast(1.2), haproxy: atLeast(1.2), caddy: atLeast(3) }

/** HTTP/1.1 over 64 kept connections, a small answer. */
export const h1Keepalive: Case = {
  name: "h1-keepalive",
  async run(bench) {
    const servers = await startServers(bench, "h1-keepalive", ["nginx", "haproxy", "caddy"])
    const load = { folder: bench.folder, host: hostname(1), connections: 64, threads: 1 }
    for (const server of servers) await runWrk(server, { ...load, seconds: 1 })
    const figures = await interleave(servers, bench.runs, async (server) => {
      const { requestsPerSecond } = await runWrk(server, { ...load, seconds: bench.seconds })
      bench.say(`${server.name} ${Math.round(requestsPerSecond)} requests/s`)
      return requestsPerSecond
    })
    for (const [peer, goal] of Object.entries(goals)) {
      if (figures.has(peer)) bench.add(compare({ case: "h1-keepalive", peer, unit: "req/s", goal }, figures))
    }
  },
}
