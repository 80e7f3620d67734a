// A program: `scripts/bench edge`. Each case starts its own servers, so that none meets what another left behind.

import { runCommand, temporaryFolder } from "../lab/process"
import { startBackend } from "./backend"
import type { Case } from "./bench"
import { cases } from "./cases/list"
import { makeCertificate } from "./certificate"
import { describeMachine } from "./machine"
import { type EdgeOptions, parseEdgeOptions } from "./options"
import { jsonReport, markdownReport, type Report, tableReport } from "./report"
import { Undo } from "./undo"

process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  let options: EdgeOptions
  let chosen: Case[]
  try {
    options = parseEdgeOptions(args)
    chosen = choose(options.cases)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 2
  }
  const write = (line: string) => console.log(line)
  const report = (options.json ? jsonReport : options.markdown ? markdownReport : tableReport)(write)
  report.head(await describeMachine())
  const whole = new Undo()
  whole.onSignals()
  try {
    const folder = await temporaryFolder("bench")
    whole.add(() => folder.remove())
    // nginx's workers leave root behind.
    await runCommand(["chmod", "755", folder.path])
    const shared = { folder: folder.path, backend: await startBackend(folder.path, whole), certificate: await makeCertificate(folder.path) }
    let failed = 0
    for (const one of chosen) if (!(await runCase(one, { ...options, ...shared }, report, whole))) failed++
    return failed === 0 ? 0 : 1
  } finally {
    await whole.run()
  }
}

type Shared = EdgeOptions & Pick<Parameters<Case["run"]>[0], "folder" | "backend" | "certificate">

/** False when the case broke; the others are still run. */
async function runCase(one: Case, shared: Shared, report: Report, whole: Undo): Promise<boolean> {
  const undo = new Undo()
  // For signals: whatever the case started goes before what all cases share.
  whole.add(() => undo.run())
  try {
    await one.run({ ...shared, undo, add: (entry) => report.add(entry), say: (text) => console.error(`  ${one.name}: ${text}`) })
    return true
  } catch (error) {
    report.add({ case: one.name, peer: "–", reason: error instanceof Error ? error.message : String(error) })
    return false
  } finally {
    await undo.run()
  }
}

function choose(names: string[] | undefined): Case[] {
  if (names === undefined) return cases
  return names.map((name) => {
    const found = cases.find((one) => one.name === name)
    if (found === undefined) throw new Error(`there is no case ${name}; there are ${cases.map((one) => one.name).join(", ")}`)
    return found
  })
}
