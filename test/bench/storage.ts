// A program: `scripts/bench storage`. Files through the S3 door of the compiled binary, or with `--core` through the storage core behind a plain server,
// beside nginx with WebDAV and rclone's WebDAV (Debian's rclone 1.60 has no `serve s3`).

import { randomFillSync } from "node:crypto"
import { closeSync, openSync, writeSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { runCommand, temporaryFolder } from "../lab/process"
import { describeMachine } from "./machine"
import { compare, type Figures, interleave, median } from "./measure"
import { cpuTicks, readMemory, resetPeak } from "./memory"
import { positive } from "./options"
import { atLeast, atMost, type Goal, jsonReport, markdownReport, type Report, tableReport } from "./report"
import { type LoadRequest, runLoad, runTransfer } from "./storage/client"
import { startDoor } from "./storage/door"
import { startCoreServer, startNginxDav, startRclone, type StorageServer, timedList } from "./storage/servers"
import { Undo } from "./undo"

type Size = { name: string; bytes: number; requests: number; connections: number }

const sizes: Size[] = [
  { name: "4KiB", bytes: 4096, requests: 3000, connections: 16 },
  { name: "1MiB", bytes: 2 ** 20, requests: 200, connections: 4 },
]
const gibibyte = 2 ** 30

process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  let options: { report: Report; runs: number; cases: string[] | undefined; isCore: boolean }
  try {
    options = parse(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 2
  }
  const undo = new Undo()
  undo.onSignals()
  try {
    const { report, runs, cases, isCore } = options
    const wanted = (name: string) => cases === undefined || cases.includes(name)
    const folder = await temporaryFolder("bench")
    undo.add(() => folder.remove())
    report.head({ ...(await describeMachine()), folder: await fileSystem(folder.path) })
    const servers = [undo.keep(await (isCore ? startCoreServer : startDoor)(folder.path))]
    for (const [name, start] of Object.entries({ nginx: startNginxDav, rclone: startRclone })) {
      if (Bun.which(name, { PATH: `${process.env.PATH ?? ""}:/usr/sbin` }) === null)
        report.add({ case: "all", peer: name, reason: "not installed" })
      else servers.push(undo.keep(await start(folder.path)))
    }
    const measured = { servers, folder: folder.path, runs, report }
    for (const size of sizes) if (wanted(size.name)) await measureSmall(measured, size)
    if (wanted("1GiB")) await measureLarge(measured)
    if (wanted("list")) await measureList(measured)
    return 0
  } finally {
    await undo.run()
  }
}

function parse(args: string[]) {
  const text = { type: "string" } as const
  const flag = { type: "boolean" } as const
  const { values } = parseArgs({ args, options: { core: flag, json: flag, markdown: flag, runs: text, case: text } })
  const report = (values.json === true ? jsonReport : values.markdown === true ? markdownReport : tableReport)((line) => console.log(line))
  return { report, runs: positive("runs", values.runs, 3), cases: values.case?.split(","), isCore: values.core === true }
}

type Measured = { servers: StorageServer[]; folder: string; runs: number; report: Report }

async function measureSmall({ servers, folder, runs, report }: Measured, { name, bytes, requests, connections }: Size): Promise<void> {
  let round = 0
  const load = async (server: StorageServer, method: "GET" | "PUT", of: number) => {
    const all: LoadRequest[] = []
    for (let i = 0; i < requests; i++) {
      const { path, headers } = await server.request(method, `kept/${name}-${of}-${i}`)
      all.push({ method, path, headers, ...(method === "PUT" ? { bodySeed: of * requests + i } : {}) })
    }
    return requests / (await runLoad(folder, { port: server.port, connections, bodyBytes: bytes, requests: all }))
  }
  // What the first requests of a process make it do is not what is asked.
  for (const server of servers) await load(server, "PUT", 0)
  const puts = await metered(servers, runs, requests, async (server) => {
    if (server === servers[0]) round++
    return load(server, "PUT", round)
  })
  for (const server of servers) await load(server, "GET", 0)
  const gets = await metered(servers, runs, requests, (server) => load(server, "GET", 0))
  tell(report, `put-${name}`, "req/s", puts, { rclone: atLeast(1) })
  tell(report, `get-${name}`, "req/s", gets, { rclone: atLeast(1) })
}

async function measureLarge({ servers, folder, runs, report }: Measured): Promise<void> {
  const file = join(folder, "1GiB")
  writeRandom(file)
  const [ours] = servers
  const held: { mostMs: number; p99Ms: number }[] = []
  const growth: number[] = []
  const key = "kept/1GiB"
  for (const server of servers) await runTransfer(server, key, file)
  const puts = await metered(servers, runs, 1, async (server) => {
    if (server !== ours) return 1024 / (await runTransfer(server, key, file))
    await resetPeak(ours.pid)
    const before = (await readMemory(ours.pid)).residentKiB
    await ours.held?.()
    const seconds = await runTransfer(server, key, file)
    const turns = await ours.held?.()
    if (turns !== undefined) held.push(turns)
    growth.push(((await readMemory(ours.pid)).peakKiB - before) / 1024)
    return 1024 / seconds
  })
  await rm(file)
  const most = (name: "mostMs" | "p99Ms") => median(held.map((turns) => turns[name]))
  const extra = { peakAboveRestMiB: median(growth), ...(held.length === 0 ? {} : { heldMostMs: most("mostMs"), heldP99Ms: most("p99Ms") }) }
  tell(report, "put-1GiB", "MiB/s", puts, { rclone: atLeast(1) }, extra)
  for (const server of servers) await runTransfer(server, key)
  const gets = await metered(servers, runs, 1, async (server) => 1024 / (await runTransfer(server, key)))
  tell(report, "get-1GiB", "MiB/s", gets, { rclone: atLeast(1), nginx: atLeast(0.8) })
}

async function measureList({ servers, runs, report }: Measured): Promise<void> {
  for (const server of servers) await timedList(server)
  tell(report, "list-100000", "s", await metered(servers, runs, 1, timedList), { rclone: atMost(1) })
}

type Metered = { figures: Figures; cpuMs: Figures }

/** Also takes down the CPU time of the server for each of the `units` that a run does: it says most where others want the cores too. */
async function metered(
  servers: StorageServer[],
  runs: number,
  units: number,
  run: (server: StorageServer) => Promise<number>,
): Promise<Metered> {
  const cpuMs: Figures = new Map(servers.map(({ name }) => [name, []]))
  const figures = await interleave(servers, runs, async (server) => {
    const before = await cpuTicks(server.pid)
    const figure = await run(server)
    cpuMs.get(server.name)?.push((((await cpuTicks(server.pid)) - before) * 10) / units)
    return figure
  })
  return { figures, cpuMs }
}

function tell(
  report: Report,
  name: string,
  unit: string,
  { figures, cpuMs }: Metered,
  goals: Record<string, Goal>,
  extra?: Record<string, number>,
): void {
  const [ours = "", ...peers] = figures.keys()
  const cpuOf = (server: string) => median(cpuMs.get(server) ?? [])
  for (const [i, peer] of peers.entries()) {
    const cpu = { oursCpuMs: cpuOf(ours), theirsCpuMs: cpuOf(peer) }
    report.add(compare({ case: name, peer, unit, goal: goals[peer], extra: { ...cpu, ...(i === 0 ? extra : {}) } }, figures))
  }
}

function writeRandom(file: string): void {
  const handle = openSync(file, "w")
  const block = Buffer.alloc(2 ** 22)
  randomFillSync(block)
  for (let at = 0; at < gibibyte; at += block.length) {
    block.writeUInt32LE(at / block.length)
    writeSync(handle, block)
  }
  closeSync(handle)
}

async function fileSystem(folder: string): Promise<string> {
  return (await runCommand(["stat", "-f", "-c", "%T", folder])).trim()
}
