// A program: `scripts/tools storage [--files N] [--mib N] [--only TITLE]`. Real S3 clients against the compiled binary, at full size; prints a table of steps.
import { parseArgs } from "node:util"
import { Undo } from "../bench/undo"
import { findProgram } from "../lab/dns"
import { boundMiB } from "./step"
import { stories } from "./stories"
import { openStage } from "./story-stage"

const { values } = parseArgs({
  options: { files: { type: "string", default: "10000" }, mib: { type: "string", default: "5120" }, only: { type: "string" } },
})
const [files, mib] = [Number(values.files), Number(values.mib)]
if (!Number.isInteger(files) || files < 100 || !Number.isInteger(mib) || mib < 50) {
  console.error("--files is a whole number from 100, --mib one from 50")
  process.exit(2)
}
const undo = new Undo()
undo.onSignals()
const row = (...cells: [string, string, string, string, string]) =>
  console.log(
    `${cells[0].padEnd(8)}${cells
      .slice(1, 4)
      .map((cell) => cell.padStart(10))
      .join("")}  ${cells[4]}`,
  )

let failed = 0
try {
  const stage = await openStage({ files, bigMib: mib })
  undo.keep(stage.house)
  console.log(`${files} small files, ${stage.treeBytes} bytes; one of ${mib} MiB; the server's memory must stay below ${boundMiB} MiB\n`)
  row("tool", "seconds", "MiB/s", "peak MiB", "step")
  for (const { title, programs, steps } of stories) {
    if (values.only !== undefined && values.only !== title) continue
    const absent = programs.find((program) => findProgram(program) === undefined)
    if (absent !== undefined) {
      row(title, "-", "-", "-", `left out: ${absent} is not installed`)
      continue
    }
    for (const { name, run } of steps) {
      const began = performance.now()
      try {
        const bytes = await run(stage)
        const seconds = (performance.now() - began) / 1000
        const rate = typeof bytes === "number" ? (bytes / 2 ** 20 / seconds).toFixed(1) : ""
        row(title, seconds.toFixed(1), rate, String(await stage.house.peakMiB()), name)
      } catch (error) {
        failed++
        row(title, ((performance.now() - began) / 1000).toFixed(1), "", String(await stage.house.peakMiB()), `FAILED: ${name}`)
        console.error(error)
        // The steps of a story stand on each other.
        break
      }
    }
  }
  const peakMiB = await stage.house.peakMiB()
  if (peakMiB >= boundMiB) failed++
  console.log(`\nthe server held ${peakMiB} MiB at most${peakMiB < boundMiB ? "" : `, which is too much`}; ${failed} failed`)
} catch (error) {
  failed++
  console.error(error)
} finally {
  await undo.run()
}
process.exit(failed === 0 ? 0 : 1)
