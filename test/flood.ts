// Fills an edge with connections and floods it with more: `bun test/flood.ts [held] [attempts]`, by default 15,000 and 100,000, for which
// `ulimit -n` must allow some more than are held. Prints what it saw as JSON.
import { Stage } from "../src/edge/edge.fixture"
import { withstand } from "../src/edge/flood.fixture"

const [held = "15000", attempts = "100000"] = process.argv.slice(2)
const stage = new Stage()
console.log(JSON.stringify(await withstand(stage, { hold: Number(held), attempts: Number(attempts) }, 600_000), undefined, 2))
await stage.end()
