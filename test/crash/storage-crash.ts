import { existsSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "../lab/process"
import { randomOf } from "./storage-content"
import { openCore } from "./storage-core"
import { readJournal } from "./storage-journal"
import { Ledger, type Verdict } from "./storage-ledger"

export type CrashFigures = Verdict & {
  kills: number
  /** Before it said that it is ready, and while it swept; the others only wrote. */
  duringStart: number
  duringSweep: number
  verifications: number
  seconds: number
}

const startMs = 160
/** Few live so long: most die within a tenth of it, and some outlive the sweep. */
const writeMs = 1600

/**
 * Starts a writer on one data folder, kills it with SIGKILL at a random moment, and again; after some kills, as the next process, compares what is
 * there with what was acknowledged. Throws with what is lost or torn; then the folder stays.
 */
export async function crashStorage(options: { kills: number; seed: number; say?: (text: string) => void }): Promise<CrashFigures> {
  const { kills, seed, say = () => {} } = options
  const random = randomOf(seed)
  const folder = await temporaryFolder("crash")
  const ledger = new Ledger()
  const figures: CrashFigures = {
    kills: 0,
    duringStart: 0,
    duringSweep: 0,
    verifications: 0,
    seconds: 0,
    acknowledged: 0,
    cutOff: 0,
    ofThoseDone: 0,
    objects: 0,
    bytes: 0,
    orphansSwept: 0,
  }
  const began = performance.now()
  const data = join(folder.path, "data")
  const journal = join(folder.path, "journal")
  try {
    while (figures.kills < kills) {
      // Every fourth dies somewhere on its way up, or soon after.
      const isEarly = figures.kills > 0 && random() < 0.25
      const died = await killOne(
        [data, journal, `${seed}.${figures.kills}`],
        isEarly ? random() * startMs : undefined,
        random() ** 3 * writeMs,
      )
      figures.kills++
      if (died !== "writing") figures[died === "starting" ? "duringStart" : "duringSweep"]++
      if (random() < 0.4 && figures.kills < kills) continue
      if (existsSync(journal)) ledger.note(readJournal(journal))
      await rm(journal, { force: true })
      const core = await openCore(data)
      try {
        const verdict = await ledger.verify(core, data)
        for (const name of ["acknowledged", "cutOff", "ofThoseDone", "orphansSwept"] as const) figures[name] += verdict[name]
        Object.assign(figures, { objects: verdict.objects, bytes: verdict.bytes })
      } finally {
        await core.close()
      }
      figures.verifications++
      figures.seconds = (performance.now() - began) / 1000
      if (figures.verifications % 25 === 0) say(describe(figures))
    }
  } catch (error) {
    throw new Error(`kill ${figures.kills} of the run with seed ${seed}, folder ${folder.path}: ${String(error)}`, { cause: error })
  }
  await folder.remove()
  return figures
}

/** One line for people. */
export function describe(figures: CrashFigures): string {
  const { kills, duringStart, duringSweep, acknowledged, cutOff, ofThoseDone, verifications, orphansSwept, objects, bytes, seconds } =
    figures
  const number = (value: number) => Math.round(value).toLocaleString("en-US")
  return [
    `${number(kills)} kills (${number(duringStart)} during the start, ${number(duringSweep)} during the sweep, the others while writing) in ${number(seconds)} s`,
    `${number(acknowledged)} writes acknowledged, ${number(cutOff)} cut off, of which ${number(ofThoseDone)} are there`,
    `${number(verifications)} times compared, ${number(orphansSwept)} orphans swept`,
    `${number(objects)} objects of ${number(bytes / 1024)} KiB at the end: nothing lost, nothing torn`,
  ].join("; ")
}

/** Starts a writer and kills it, after a time since its start or else since it was ready. */
async function killOne(
  args: string[],
  afterStartMs: number | undefined,
  afterReadyMs: number,
): Promise<"starting" | "sweeping" | "writing"> {
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", process.execPath, join(import.meta.dir, "storage-writer.ts"), ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  let said = ""
  let wake = () => {}
  const ready = new Promise<void>((resolve) => (wake = resolve))
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) {
      said += decoder.decode(chunk, { stream: true })
      if (said.includes("READY")) wake()
    }
    wake()
  })()
  const errors = new Response(child.stderr).text()
  if (afterStartMs === undefined) await ready
  await Bun.sleep(afterStartMs ?? afterReadyMs)
  child.kill("SIGKILL")
  await Promise.all([child.exited, reading])
  if (child.signalCode !== "SIGKILL") throw new Error(`the writer ended by itself with ${child.exitCode}: ${said}${await errors}`)
  return !said.includes("READY") ? "starting" : !said.includes("SWEPT") ? "sweeping" : "writing"
}
