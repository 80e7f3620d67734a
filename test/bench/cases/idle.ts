import { type Bench, type Case, startServers } from "../bench"
import { type Connection, openAll } from "../connection"
import { compare, type Figures } from "../measure"
import { readMemory } from "../memory"
import { atMost, ownAtMost } from "../report"
import { hostname } from "../seed"
import type { Server } from "../server"
import { Undo } from "../undo"

const connectionCount = 10_000
// Few, for what they leave behind free is used again and not seen.
const warmUpCount = 200

/** What a kept connection without traffic costs: resident memory before and after 10,000 of them, each after one request. */
export const idle: Case = {
  name: "idle",
  async run(bench) {
    const figures: Figures = new Map()
    for (let round = 0; round < bench.runs; round++) {
      // Memory that was once used is kept, so each figure needs a new process.
      const undo = new Undo()
      bench.undo.add(() => undo.run())
      try {
        for (const server of await startServers({ ...bench, undo }, "idle", ["caddy", "nginx"])) {
          const kibibytes = await costOfIdle(bench, server)
          bench.say(`${server.name} ${kibibytes.toFixed(1)} KiB a connection`)
          figures.set(server.name, [...(figures.get(server.name) ?? []), kibibytes])
        }
      } finally {
        await undo.run()
      }
    }
    const line = { case: "idle", unit: "KiB" }
    if (figures.has("caddy")) {
      bench.add(compare({ ...line, peer: "caddy", goal: atMost(0.5) }, figures))
      bench.add(compare({ ...line, peer: "caddy", goal: ownAtMost(16, "KiB") }, figures))
    }
    if (figures.has("nginx")) bench.add(compare({ ...line, peer: "nginx" }, figures))
  },
}

async function costOfIdle(bench: Bench, server: Server): Promise<number> {
  const open = (count: number) =>
    openAll(
      Array.from({ length: count }, (_, index) => ({ server, host: hostname(1 + (index % 1000)), ca: bench.certificate.certificatePem })),
    )
  const visit = async (connections: Connection[]) => {
    const answers = await Promise.all(connections.map((connection) => connection.get()))
    if (answers.includes(false)) throw new Error(`${server.name} left requests of ${connections.length} connections unanswered`)
  }
  const warm = await open(warmUpCount)
  await visit(warm)
  for (const connection of warm) connection.close()
  await Bun.sleep(2000)
  const before = await readMemory(server.pid)
  const connections = await open(connectionCount)
  try {
    for (let at = 0; at < connections.length; at += 500) await visit(connections.slice(at, at + 500))
    await Bun.sleep(2000)
    const closed = connections.filter((connection) => connection.isClosed).length
    if (closed > 0) throw new Error(`${server.name} closed ${closed} of ${connectionCount} idle connections`)
    return ((await readMemory(server.pid)).residentKiB - before.residentKiB) / connectionCount
  } finally {
    for (const connection of connections) connection.close()
    await Bun.sleep(500)
  }
}
