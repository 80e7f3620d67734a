// A program: `scripts/bench soak`. Half of what the edge can do, at a constant rate on stable names, while others come and go once a second.

import { runCommand, temporaryFolder } from "../lab/process"
import { startBackend } from "./backend"
import { makeCertificate, zone } from "./certificate"
import { Churn } from "./churn"
import { Connection, openAll, runClosedLoop } from "./connection"
import { runConstantRate, type Latencies } from "./constant-rate"
import { type Freehold, startFreehold } from "./freehold"
import { describeMachine } from "./machine"
import { median } from "./measure"
import { readMemory } from "./memory"
import { parseSoakMinutes } from "./options"
import { hostname } from "./seed"
import { Undo } from "./undo"

const stableNames = 20
const connectionCount = 64
const allowedGrowth = 1.2

process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  let minutes: number
  try {
    minutes = parseSoakMinutes(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 2
  }
  for (const [name, value] of Object.entries(await describeMachine())) console.log(`${name.padEnd(10)} ${value}`)
  const undo = new Undo()
  undo.onSignals()
  try {
    const folder = await temporaryFolder("soak")
    undo.add(() => folder.remove())
    await runCommand(["chmod", "755", folder.path])
    const certificate = await makeCertificate(folder.path)
    const backend = await startBackend(folder.path, undo)
    const house = undo.keep(await startFreehold({ folder: folder.path, backend, certificate, names: 1000 }))
    return (await soak(house, certificate.certificatePem, minutes, undo)) ? 0 : 1
  } finally {
    await undo.run()
  }
}

async function soak(house: Freehold, ca: string, minutes: number, undo: Undo): Promise<boolean> {
  const visit = (index: number) => ({ server: house, host: hostname(1 + (index % stableNames)), ca })
  const connections = await openAll(Array.from({ length: connectionCount }, (_, index) => visit(index)))
  undo.add(() => {
    for (const connection of connections) connection.close()
  })
  await runClosedLoop(connections, 1)
  const { perSecond: most } = await runClosedLoop(connections, 5)
  const perSecond = Math.floor(most / 2)
  console.log(
    `at most ${Math.round(most)} requests/s over ${connectionCount} connections on ${stableNames} names; soaking at ${perSecond} for ${minutes} minutes`,
  )

  const megabytes = async () => (await readMemory(house.pid)).residentKiB / 1024
  const memory = [await megabytes()]
  console.log(`start      ${memory[0]?.toFixed(0)} MiB`)
  const churn = undo.keep(new Churn(house, zone))
  await churn.start()
  const parts: Latencies[] = []
  for (let minute = 1; minute <= minutes; minute++) {
    const part = await runConstantRate(connections, { perSecond, seconds: 60, reopen: (index) => Connection.open(visit(index)) })
    parts.push(part)
    memory.push(await megabytes())
    const counts = `${part.requests} requests, ${part.failed} failed, p50 ${part.p50.toFixed(2)} p99 ${part.p99.toFixed(2)} ms`
    console.log(
      `minute ${String(minute).padEnd(3)} ${memory.at(-1)?.toFixed(0)} MiB, ${counts}, ${churn.added} names added, ${churn.removed} removed`,
    )
  }
  await churn.stop()
  await Bun.sleep(2000)
  const sum = (of: "requests" | "failed") => parts.reduce((total, part) => total + part[of], 0)
  const failed = sum("failed")
  const [atTwo = Number.NaN, atEnd = Number.NaN] = [memory[2], memory.at(-1)]
  const isFlat = atEnd <= atTwo * allowedGrowth
  console.log(`end        ${(await megabytes()).toFixed(0)} MiB`)
  console.log(
    `${sum("requests")} requests on stable names, ${failed} failed; p99 ${median(parts.map((part) => part.p99)).toFixed(2)} ms (median of the minutes)`,
  )
  console.log(
    `${churn.added} names added, ${churn.removed} removed, ${churn.served} of them served, ${churn.faults.length} faults of the API`,
  )
  for (const fault of churn.faults.slice(0, 5)) console.log(`  ${fault}`)
  console.log(`memory after the last minute is ${(atEnd / atTwo).toFixed(2)} of that after the second: ${isFlat ? "flat" : "NOT flat"}`)
  const isGood = failed === 0 && isFlat && churn.faults.length === 0
  console.log(isGood ? "passed" : "FAILED")
  return isGood
}
