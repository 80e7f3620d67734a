import { type Bench, type Case, startOurs } from "../bench"
import { runCurl } from "../curl"
import { runH2load } from "../h2load"
import { compare, interleave } from "../measure"
import { readMemory } from "../memory"
import { hostname } from "../seed"
import type { Server } from "../server"
import { runWrk } from "../wrk"
import { runHandshakes } from "./handshakes"

const peer = "ours with 1"

/** What a second worker brings, and what it costs: the same binary with FREEHOLD_EDGE_WORKERS=2 beside itself with 1. */
export const workers: Case = {
  name: "workers",
  async run(bench) {
    let two: Server, one: Server
    try {
      two = await startOurs(bench, { settings: { FREEHOLD_EDGE_WORKERS: "2" } })
      one = { ...(await startOurs(bench, { settings: { FREEHOLD_EDGE_WORKERS: "1" } })), name: peer }
    } catch (error) {
      const reason = /FREEHOLD_EDGE_WORKERS[^\n]*/.exec(String(error))
      if (reason === null) throw error
      return bench.add({
        case: "workers",
        peer,
        reason: `this binary does not start with FREEHOLD_EDGE_WORKERS=2: ${lastLine(String(error))}`,
      })
    }
    const compareBoth = async (name: string, unit: string, run: (server: Server) => Promise<number>) => {
      for (const server of [two, one]) await run(server)
      const figures = await interleave([two, one], bench.runs, async (server) => {
        const figure = await run(server)
        bench.say(`${server.name} ${name} ${Math.round(figure)} ${unit}`)
        return figure
      })
      bench.add(compare({ case: `workers-${name}`, peer, unit, extra: await memory(two, one) }, figures))
    }
    const host = hostname(1)
    await compareBoth("h1", "req/s", async (server) => (await runWrk(server, { ...h1Load(bench), host })).requestsPerSecond)
    const h2Load = { host, args: ["-t1", "-c32", "-m32", "-D", String(bench.seconds)], limitSeconds: bench.seconds + 30 }
    const { protocol } = await runH2load(two, h2Load)
    if (protocol === "h2") await compareBoth("h2", "req/s", async (server) => (await runH2load(server, h2Load)).requestsPerSecond)
    else bench.add({ case: "workers-h2", peer, reason: `freehold negotiated ${protocol} with h2load, not h2` })
    await compareBoth("handshakes", "req/s", (server) => runHandshakes(bench, server, bench.seconds))
    const transfer = { host, path: "/64MiB", connections: 16, caFile: bench.certificate.certificateFile }
    await compareBoth("download-16", "MiB/s", async (server) => 1024 / (await runCurl(server, transfer)))
  },
}

const h1Load = ({ folder, seconds }: Bench) => ({ folder, seconds, connections: 64 })

const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? ""

async function memory(two: Server, one: Server): Promise<Record<string, number>> {
  const [ofTwo, ofOne] = [await readMemory(two.pid), await readMemory(one.pid)]
  return { memoryOfTwoMiB: ofTwo.residentKiB / 1024, memoryOfOneMiB: ofOne.residentKiB / 1024 }
}
