import { readFile, rm } from "node:fs/promises"
import { startProcess } from "../lab/process"

/** A server under load; its output lies in `outputFile`, so that nobody has to read it while the clock runs. */
export type Daemon = { readonly pid: number; readonly outputFile: string; stop(): Promise<void> }

export type DaemonOptions = {
  name: string
  command: string[]
  environment?: Record<string, string>
  folder: string
  /** The folder is removed with the server. */
  ownsFolder?: boolean
  /** Gets what the server has written so far. */
  ready: (output: () => Promise<string>) => Promise<boolean>
  readyTimeoutMs?: number
}

/** Starts a server with both output streams in `<folder>/<name>.out`; throws when it does not get ready. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { name, folder, command } = options
  const outputFile = `${folder}/${name}.out`
  const output = () => readFile(outputFile, "utf8")
  const running = await startProcess({
    name,
    command: ["sh", "-c", 'out=$1; shift; exec "$@" >"$out" 2>&1', "sh", outputFile, ...command],
    environment: options.environment,
    folder,
    ready: () => options.ready(output),
    readyTimeoutMs: options.readyTimeoutMs,
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${(await output().catch(() => "")).slice(-4000)}`, { cause: error })
  })
  const stop = async () => {
    await running.stop()
    if (options.ownsFolder) await rm(folder, { recursive: true, force: true })
  }
  return { pid: running.pid, outputFile, stop }
}
