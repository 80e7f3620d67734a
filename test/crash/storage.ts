// A program: `scripts/crash storage [N]`. Kills writers to the storage core N times (a thousand) and prints what came of it.

import { crashStorage, describe } from "./storage-crash"

const kills = Number(process.argv[2] ?? 1000)
if (!Number.isInteger(kills) || kills < 1) {
  console.error("the number of kills must be a whole number from 1")
  process.exit(2)
}
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000))
console.error(`seed ${seed}`)
console.log(describe(await crashStorage({ kills, seed, say: (text) => console.error(text) })))
