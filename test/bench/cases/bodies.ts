import { join } from "node:path"
import { runCommand } from "../../lab/process"
import { sinkLabel } from "../backend"
import { type Bench, type Case, startServers } from "../bench"
import { zone } from "../certificate"
import { runCurl, type Transfer } from "../curl"
import { compare, interleave, median } from "../measure"
import { readMemory, resetPeak, settle } from "../memory"
import { atLeast, type Goal } from "../report"
import { hostname } from "../seed"

const mebibytes = 1024
const sizes = { 1: "1GiB", 16: "64MiB" } as const

/**
 * 1 GiB in all, through one connection and through sixteen; of our memory, the peak during a run less what stood
 * before it, and what has stayed since the first run.
 */
async function measure(
  bench: Bench,
  name: string,
  goal: Goal,
  transfer: (connections: 1 | 16) => Promise<Omit<Transfer, "connections" | "caFile">>,
) {
  const servers = await startServers(bench, name, ["nginx", "haproxy", "caddy"])
  const [ours] = servers
  const caFile = bench.certificate.certificateFile
  for (const connections of [1, 16] as const) {
    const wanted = { ...(await transfer(connections)), connections, caFile }
    for (const server of servers) await runCurl(server, wanted)
    const growth: number[] = []
    const warm = (await readMemory(ours.pid)).residentKiB
    const figures = await interleave(servers, bench.runs, async (server) => {
      await resetPeak(ours.pid)
      const before = await readMemory(ours.pid)
      const perSecond = mebibytes / (await runCurl(server, wanted))
      if (server === ours) growth.push(((await readMemory(ours.pid)).peakKiB - before.residentKiB) / 1024)
      bench.say(`${server.name} ${Math.round(perSecond)} MiB/s over ${connections}`)
      return perSecond
    })
    // What is only waiting to be collected is not what stayed.
    await settle(ours.pid)
    await Bun.sleep(5000)
    for (const { name: peer } of servers.slice(1)) {
      const extra =
        peer === "nginx"
          ? { peakAboveRestMiB: median(growth), driftMiB: ((await readMemory(ours.pid)).residentKiB - warm) / 1024 }
          : undefined
      bench.add(compare({ case: `${name}-${connections}`, peer, unit: "MiB/s", goal: peer === "nginx" ? goal : undefined, extra }, figures))
    }
  }
}

export const download: Case = {
  name: "download",
  run: (bench) => measure(bench, "download", atLeast(1.2), async (connections) => ({ host: hostname(1), path: `/${sizes[connections]}` })),
}

export const upload: Case = {
  name: "upload",
  run: (bench) =>
    measure(bench, "upload", atLeast(1), async (connections) => {
      const file = join(bench.folder, `upload-${sizes[connections]}`)
      await runCommand(["truncate", "-s", String((mebibytes / connections) * 2 ** 20), file])
      return { host: `${sinkLabel}.${zone}`, path: "/", upload: file }
    }),
}
