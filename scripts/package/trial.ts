// Starts a binary of the release as an appliance in a folder of its own, until it answers /livez, and ends it: `bun scripts/package/trial.ts PROGRAM [EMULATOR...]`.
// The emulator is that of another kind of machine, under which all of it takes some fifty times as long.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const [program = "", ...emulator] = process.argv.slice(2)
const [upLimitMs, endLimitMs] = [300_000, 90_000]
const folder = mkdtempSync(join(tmpdir(), "freehold-trial-"))
const listeners = Object.fromEntries(["API", "HTTP", "HTTPS"].map((name) => [`FREEHOLD_${name}_LISTEN`, "127.0.0.1:0"]))
const began = performance.now()
const child = Bun.spawn([...emulator, program, "serve", "--data-dir", join(folder, "data")], {
  env: { HOME: folder, PATH: process.env.PATH, FREEHOLD_CONTAINER_ENGINE: "none", FREEHOLD_EDGE_WORKERS: "1", ...listeners },
  stdin: "ignore",
  stdout: Bun.file(join(folder, "out")),
  stderr: Bun.file(join(folder, "log")),
})
const said = async () =>
  (
    await Promise.all(
      ["out", "log"].map((name) =>
        Bun.file(join(folder, name))
          .text()
          .catch(() => ""),
      ),
    )
  ).join("")

/** Throws with what went wrong. */
async function answer(): Promise<void> {
  while (performance.now() - began < upLimitMs) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended (${child.signalCode ?? child.exitCode})`)
    const port = /"message":"freehold is up".*"api":(\d+)/.exec(await said())?.[1]
    if (port !== undefined) {
      const res = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(60_000) })
      if (res.status !== 200) throw new Error(`/livez says ${res.status}`)
      return
    }
    await Bun.sleep(100)
  }
  throw new Error(`it was not up within ${upLimitMs / 1000} seconds`)
}

try {
  await answer()
  console.log(`/livez, ${((performance.now() - began) / 1000).toFixed(1)} seconds after the start`)
  child.kill("SIGTERM")
  const late = setTimeout(() => child.kill("SIGKILL"), endLimitMs)
  const code = await child.exited
  clearTimeout(late)
  if (code !== 0) throw new Error("it did not end well when it was asked to")
} catch (error) {
  console.error(`${program} does not serve: ${(error as Error).message}\n${(await said()).slice(-4000)}`)
  process.exitCode = 1
} finally {
  child.kill("SIGKILL")
  await child.exited
  rmSync(folder, { recursive: true, force: true })
}
