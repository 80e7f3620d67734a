import { type Case, startServers } from "../bench"
import { runH2load } from "../h2load"
import { compare, interleave } from "../measure"
import { atLeast, type Goal } from "../report"
import { hostname } from "../seed"

/** HAProxy's distance is told, without a goal. */
const goals: Record<string, Goal | undefined> = { nginx: atLeast(1), haproxy: undefined, caddy: atLeast(4) }

/** HTTP/2, 32 connections of 32 streams each, a small answer. */
export const h2: Case = {
  name: "h2",
  async run(bench) {
    const servers = await startServers(bench, "h2", ["nginx", "haproxy", "caddy"])
    const load = (seconds: number) => ({
      host: hostname(1),
      args: ["-t1", "-c32", "-m32", "-D", String(seconds)],
      limitSeconds: seconds + 30,
    })
    for (const server of servers) {
      const { protocol } = await runH2load(server, load(1))
      if (protocol !== "h2")
        return bench.add({ case: "h2", peer: "–", reason: `${server.name} negotiated ${protocol} with h2load, not h2` })
    }
    const figures = await interleave(servers, bench.runs, async (server) => {
      const { requestsPerSecond, failed } = await runH2load(server, load(bench.seconds))
      bench.say(`${server.name} ${Math.round(requestsPerSecond)} requests/s${failed > 0 ? `, ${failed} failed` : ""}`)
      return requestsPerSecond
    })
    for (const [peer, goal] of Object.entries(goals)) {
      if (figures.has(peer)) bench.add(compare({ case: "h2", peer, unit: "req/s", goal }, figures))
    }
  },
}
