import { type Case, startServers } from "../bench"
import { openAll } from "../connection"
import { type Latencies, runConstantRate } from "../constant-rate"
import { compare, interleave, median } from "../measure"
import { atMost } from "../report"
import { hostname } from "../seed"

const perSecond = 5000
const connectionCount = 64

/** p99 at 5,000 requests a second over 64 kept connections. */
export const latency: Case = {
  name: "latency",
  async run(bench) {
    const servers = await startServers(bench, "latency", ["nginx", "haproxy", "caddy"])
    const all = new Map(servers.map(({ name }) => [name, [] as Latencies[]]))
    const measure = async (server: (typeof servers)[number], seconds: number) => {
      const visit = { server, host: hostname(1), ca: bench.certificate.certificatePem }
      const connections = await openAll(Array.from({ length: connectionCount }, () => visit))
      try {
        return await runConstantRate(connections, { perSecond, seconds })
      } finally {
        for (const connection of connections) connection.close()
      }
    }
    for (const server of servers) await measure(server, 1)
    const figures = await interleave(servers, bench.runs, async (server) => {
      const found = await measure(server, bench.seconds)
      if (found.failed > 0) throw new Error(`${server.name} failed ${found.failed} of ${found.requests} requests`)
      all.get(server.name)?.push(found)
      bench.say(`${server.name} p50 ${found.p50.toFixed(2)} p99 ${found.p99.toFixed(2)} p99.9 ${found.p999.toFixed(2)} ms`)
      return found.p99
    })
    const middle = (name: string, of: "p50" | "p999") => median((all.get(name) ?? []).map((found) => found[of]))
    for (const { name: peer } of servers.slice(1)) {
      const extra = {
        oursP50: middle("freehold", "p50"),
        theirsP50: middle(peer, "p50"),
        oursP999: middle("freehold", "p999"),
        theirsP999: middle(peer, "p999"),
      }
      bench.add(compare({ case: "latency", peer, unit: "ms p99", goal: peer === "nginx" ? atMost(1) : undefined, extra }, figures))
    }
  },
}
