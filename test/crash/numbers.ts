/** How many kills were asked for on the command line, and the seed of the run, which is said. Ends the program where they make no sense. */
export function numbers(usualKills: number): { kills: number; seed: number } {
  const kills = Number(process.argv[2] ?? usualKills)
  if (!Number.isInteger(kills) || kills < 1) {
    console.error("the number of kills must be a whole number from 1")
    process.exit(2)
  }
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000))
  console.error(`seed ${seed}`)
  return { kills, seed }
}
