import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { type Bench, type Case, startOurs } from "../bench"
import { openAll, runClosedLoop } from "../connection"
import type { Freehold } from "../freehold"
import { compare, type Figures, interleave, median } from "../measure"
import { readMemory, settle } from "../memory"
import { atLeast, ownAtMost } from "../report"
import { hostname, seedDataFolder } from "../seed"
import type { Server } from "../server"
import { Undo } from "../undo"

const few = 100
const many = 100_000
const connectionCount = 512
const peer = "ours at 100"

/** The same binary with 100 and with 100,000 mapped names: throughput over connections that are spread over them, start, and memory at rest. */
export const hostnames: Case = {
  name: "hostnames",
  async run(bench) {
    const dataDirs = new Map<number, string>()
    for (const names of [few, many]) {
      const dataDir = join(bench.folder, `names-${names}`)
      await mkdir(dataDir)
      await seedDataFolder({ dataDir, backend: bench.backend, certificate: bench.certificate, names })
      dataDirs.set(names, dataDir)
    }
    const start = (names: number, undo: Undo) => startOurs({ ...bench, undo }, { names, dataDir: dataDirs.get(names) })
    await restarts(bench, start)
    const [atMany, atFew] = [await start(many, bench.undo), await start(few, bench.undo)]
    await Promise.all([settle(atMany.pid), settle(atFew.pid)])
    const opening: Figures = new Map()
    // Another part of the names in each round, so that opening meets names that no visitor asked for yet.
    let turn = 0
    const figures = await interleave([atMany, { ...atFew, name: peer }], bench.runs, async (server) => {
      const { perSecond, opensPerSecond } = await spread(bench, server, server.name === peer ? few : many, turn++)
      bench.say(`${server.name} ${Math.round(perSecond)} requests/s, ${Math.round(opensPerSecond)} handshakes/s at opening`)
      opening.set(server.name, [...(opening.get(server.name) ?? []), opensPerSecond])
      return perSecond
    })
    bench.add(compare({ case: "hostnames", peer, unit: "req/s", goal: atLeast(0.95) }, figures))
    bench.add(compare({ case: "hostnames-open", peer, unit: "conn/s" }, opening))
  },
}

/** Start until the word that it is up, and memory once it is at rest, per name beyond the first hundred. */
async function restarts(bench: Bench, start: (names: number, undo: Undo) => Promise<Freehold>): Promise<void> {
  const [seconds, kibibytes]: [Figures, Figures] = [new Map(), new Map()]
  const note = (figures: Figures, name: string, value: number) => figures.set(name, [...(figures.get(name) ?? []), value])
  const perName: number[] = []
  for (let round = 0; round < bench.runs; round++) {
    const resident: number[] = []
    for (const names of [many, few]) {
      const undo = new Undo()
      bench.undo.add(() => undo.run())
      try {
        const server = await start(names, undo)
        await settle(server.pid)
        resident.push((await readMemory(server.pid)).residentKiB)
        note(seconds, names === few ? peer : "freehold", server.startMs / 1000)
        bench.say(`${names} names: up after ${server.startMs} ms, ${Math.round((resident.at(-1) ?? 0) / 1024)} MiB at rest`)
      } finally {
        await undo.run()
      }
    }
    const [atMany = 0, atFew = 0] = resident
    note(kibibytes, "freehold", atMany)
    note(kibibytes, peer, atFew)
    perName.push((atMany - atFew) / (many - few))
  }
  bench.add(compare({ case: "hostnames-start", peer, unit: "s", goal: ownAtMost(3, "s") }, seconds))
  bench.add(compare({ case: "hostnames-rest", peer, unit: "KiB RSS" }, kibibytes))
  bench.add({ case: "hostnames-name", peer: "none", unit: "KiB/name", ours: median(perName), goal: ownAtMost(1.5, "KiB") })
}

/** 512 kept connections, each with a name of its own as far as there are so many; requests a second, and handshakes a second before them. */
async function spread(bench: Bench, server: Server, names: number, turn: number) {
  const step = Math.max(1, Math.floor(names / connectionCount))
  const visits = Array.from({ length: connectionCount }, (_, index) => {
    return { server, host: hostname(1 + ((index * step + turn) % names)), ca: bench.certificate.certificatePem }
  })
  const began = performance.now()
  const connections = await openAll(visits)
  const opensPerSecond = (connectionCount / (performance.now() - began)) * 1000
  try {
    await runClosedLoop(connections, 0.5)
    const { perSecond, failed } = await runClosedLoop(connections, bench.seconds)
    if (failed > 0) throw new Error(`${failed} requests failed at ${names} names`)
    return { perSecond, opensPerSecond }
  } finally {
    for (const connection of connections) connection.close()
  }
}
