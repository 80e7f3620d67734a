import { startApp } from "../app"
import { type Config, ConfigError, loadConfig, notifySocket } from "../config"
import { describeError } from "../errors"
import { createLog } from "../log"
import { version } from "../version"
import type { CommandIo } from "./io"
import { notifyReady } from "./notify"

const drainMs = 30_000

/** `freehold serve`: the appliance, until SIGINT or SIGTERM. Exit code 2 for settings it cannot use, 1 when it cannot start. */
export async function run(args: string[], io: CommandIo): Promise<number> {
  let config: Config
  try {
    config = loadConfig(args)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    io.err(`error: ${error.message}\n`)
    return 2
  }
  const log = createLog(config.logLevel)
  // The store and its journal belong to us alone, whatever mask we were started with.
  process.umask(0o077)
  // Before the start, so that a signal during it still ends in an orderly stop.
  const asked = stopSignal()
  let app: Awaited<ReturnType<typeof startApp>>
  try {
    app = await startApp(config, log)
  } catch (error) {
    io.err(`error: ${describeError(error)}\n`)
    return 1
  }
  log.info("freehold is up", { version, baseDomain: config.baseDomain, dataDir: config.dataDir, ...app.ports })
  // The link is for a person at the terminal: in the log it would be kept for others to find.
  if (app.setupUrl !== undefined) io.out(`\nNobody is set up yet. Open this link once, within 24 hours:\n\n  ${app.setupUrl}\n\n`)
  await notifyReady(notifySocket())
  const signal = await asked
  log.info("stopping", { signal })
  await app.stop(drainMs)
  log.info("stopped")
  return 0
}

/** Resolves with the first signal that asks to stop; a second one ends the process at once. */
export function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.on(name, () => {
        if (asked) process.exit(1)
        asked = true
        resolve(name)
      })
    }
  })
}
