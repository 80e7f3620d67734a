import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import {
  type Found,
  orFinding,
  randomRequestCase,
  randomResponseCase,
  requestCasesOf,
  responseCasesOf,
  runRequests,
  runResponses,
  type Tally,
  tryRequest,
  tryResponse,
} from "./campaign"
import { corpusFolder, printEntry, readCorpus } from "./corpus"
import { whole } from "./delivery"
import { type FuzzLab, startLab } from "./lab"
import { shrink } from "./shrink"

const usage = `bun test/fuzz/run.ts [--seed S] [--count N] [--minutes M] [--side requests|responses|both] [--lanes L] [--findings FOLDER]
Replays the corpus, then runs N random cases a side (or as many as M minutes allow), and writes what it finds to the folder.
To see one case again: --seed S --from INDEX --count 1.`

/** Of findings of one kind, so many are shortened. */
const SHORTENED = 5

/** Runs by hand; exit code 1 when something was found. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      count: { type: "string" },
      from: { type: "string", default: "0" },
      minutes: { type: "string" },
      side: { type: "string", default: "both" },
      lanes: { type: "string", default: "8" },
      findings: { type: "string", default: "dist/fuzz" },
      help: { type: "boolean", default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const seed = Number(values.seed)
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  const count = Number(values.count ?? (minutes === undefined ? 5000 : Infinity))
  const from = Number(values.from)
  console.log(`seed ${seed}, ${count} cases a side from ${from}${minutes === undefined ? "" : `, at most ${minutes} minutes`}`)
  const lab = await startLab(Number(values.lanes))
  let found = 0
  try {
    const sides = (["requests", "responses"] as const).filter((side) => values.side === "both" || values.side === side)
    const share = minutes === undefined ? Infinity : (minutes * 60_000) / sides.length
    for (const side of sides) {
      const end = performance.now() + share
      const tally = await runSide(lab, side, { seed, from, count, until: () => performance.now() > end })
      const { accepted, refused, unfinished } = tally
      console.log(
        `${side}: ${tally.count} cases: ${accepted} accepted, ${refused} refused, ${unfinished} unfinished, ${tally.found.length} findings`,
      )
      const told = new Map<string, number>()
      for (const one of tally.found) {
        const kind = one.findings.map((finding) => finding.rule).join()
        told.set(kind, (told.get(kind) ?? 0) + 1)
        await report(lab, one, values.findings, told.get(kind)! <= SHORTENED)
      }
      found += tally.found.length
    }
  } finally {
    await lab.stop()
  }
  return found === 0 ? 0 : 1
}

async function runSide(
  lab: FuzzLab,
  side: "requests" | "responses",
  options: { seed: number; from: number; count: number; until: () => boolean },
): Promise<Tally> {
  const corpus = readCorpus(corpusFolder(side))
  const { seed, count, from, until } = options
  function* cases<Case>(replay: Case[], random: (index: number) => Case): Generator<Case> {
    if (from === 0) yield* replay
    for (let i = 0; i < count; i++) yield random(from + i)
  }
  if (side === "requests")
    return runRequests(
      lab.requests,
      cases(corpus.flatMap(requestCasesOf), (i) => randomRequestCase(seed, i, corpus)),
      until,
    )
  return runResponses(
    lab.responses,
    cases(corpus.flatMap(responseCasesOf), (i) => randomResponseCase(seed, i, corpus)),
    until,
  )
}

/** Prints a finding and writes it to the folder, both in the form of the corpus, and as short as it gets where `shorten` says so. */
async function report(lab: FuzzLab, found: Found, folder: string, shorten: boolean): Promise<void> {
  const rules = new Set<string>(found.findings.map((finding) => finding.rule))
  const { test } = found
  const fails = async (bytes: Buffer, delivery = whole) => {
    const { findings } = await orFinding(
      "marker" in test
        ? tryRequest(lab.requests[0]!, { ...test, bytes, delivery })
        : tryResponse(lab.responses[0]!, { ...test, bytes, delivery }),
    )
    return findings.some((finding) => rules.has(finding.rule))
  }
  // What shows only in a certain division into writes stays as long as it is.
  const bytes = shorten && (await fails(found.bytes)) ? await shrink(found.bytes, fails, 300) : found.bytes
  const how: Record<string, string> =
    "marker" in test ? { marker: test.marker, leave: test.leave } : { method: test.method, version: test.version, after: test.after }
  const notes = { ...how, cuts: test.delivery.cuts.join(",") || "none", "seen-in": `${found.times} of 3 runs` }
  const text =
    found.findings.map((finding) => `# ${finding.rule}: ${finding.detail.replaceAll(/\s+/g, " ")}\n`).join("") +
    printEntry({ name: found.name, notes, bytes })
  console.log(`\n${text}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${found.name.replaceAll(/[^a-z0-9]+/gi, "-")}.txt`), text)
}

if (import.meta.main) process.exit(await main())
