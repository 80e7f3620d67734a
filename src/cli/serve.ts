import { type App, startApp } from "../app"
import { type ActivationSockets, activationSockets, ConfigError, notifySocket, readSettings, watchdogMs } from "../config"
import { startFault } from "../disk-fault"
import { describeError } from "../errors"
import { LiveConfig } from "../live-config"
import { createLog, type Log } from "../log"
import { version } from "../version"
import type { CommandIo } from "./io"
import { notifyReady, notifyStopping, startWatchdog } from "./notify"

/**
 * `freehold serve`: the appliance, until SIGINT or SIGTERM; SIGHUP reads the settings again. Exit code 2 for settings it cannot use, 1 when it
 * cannot start.
 */
export async function run(args: string[], io: CommandIo): Promise<number> {
  let config: LiveConfig
  let sockets: ActivationSockets
  try {
    config = new LiveConfig(() => readSettings(args), args)
    sockets = activationSockets()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    io.err(`error: ${error.message}\n`)
    return 2
  }
  const log = createLog(() => config.current.logLevel)
  // Whoever read the access log has gone: its lines are counted as lost, and the visitors are served.
  process.stdout.on("error", () => {})
  // The store and its journal belong to us alone, whatever mask we were started with.
  process.umask(0o077)
  // Before the start, so that a signal during it still ends in an orderly stop, or is obeyed once it is over.
  const asked = stopSignal()
  let app: App | undefined
  let askedEarly = false
  process.on("SIGHUP", () => {
    if (app === undefined) askedEarly = true
    else readAgain(config, app, log)
  })
  try {
    app = await startApp(config, log, sockets)
  } catch (error) {
    io.err(`error: ${startFault(error, config.current.dataDir) ?? describeError(error)}\n`)
    return 1
  }
  const { baseDomain, dataDir } = config.current
  log.info("freehold is up", { version, baseDomain, dataDir, ...app.ports })
  // The link is for a person at the terminal: in the log it would be kept for others to find.
  if (app.setupUrl !== undefined) io.out(`\nNobody is set up yet. Open this link once, within 24 hours:\n\n  ${app.setupUrl}\n\n`)
  if (askedEarly) readAgain(config, app, log)
  const socket = notifySocket()
  await notifyReady(socket)
  // To the very end: a stop that hangs is one too.
  const endWatchdog = startWatchdog(socket, watchdogMs())
  const signal = await asked
  log.info("stopping", { signal })
  void notifyStopping(socket)
  await app.stop(config.current.drainLimitMs)
  endWatchdog()
  log.info("stopped")
  return 0
}

/** Brings the settings that can change into force, and says by name what became of those that changed. */
function readAgain(config: LiveConfig, app: App, log: Log): void {
  try {
    const { applied, waiting } = config.reload()
    if (applied.length > 0) app.reload()
    log.info("the settings were read again", { applied })
    if (waiting.length > 0) log.warn("settings that changed need a restart", { settings: waiting })
  } catch (error) {
    log.error("the settings were not read again, and those in force stay", { error: describeError(error) })
  }
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
