import { existsSync } from "node:fs"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

const keptOutputChars = 64 * 1024
const termLimitMs = 5_000
const killLimitMs = 2_000

export type ProcessOptions = {
  /** How the process is called in messages. */
  name: string
  command: string[]
  /** Added to this process's environment. */
  environment?: Record<string, string>
  folder?: string
  /** Asked every 20 ms; a thrown error counts as "not yet". */
  ready: (output: () => string) => boolean | Promise<boolean>
  readyTimeoutMs?: number
}

/** A child process that is ready; `stop` may be called twice. */
export interface LabProcess {
  readonly pid: number
  /** The last 64 KiB of standard output and standard error together. */
  output(): string
  /** SIGTERM, then SIGKILL after five seconds; resolves when the process is gone. */
  stop(): Promise<void>
  /** SIGKILL at once; resolves when the process is gone. */
  kill(): Promise<void>
  readonly exited: Promise<number>
}

/**
 * Starts a child and waits until it is ready; throws with its output when it ends or does not get ready in time.
 * The kernel ends the child when this process dies in whatever way: `bun test` runs no exit handlers, and SIGKILL leaves no time for any.
 */
export async function startProcess(options: ProcessOptions): Promise<LabProcess> {
  const { name, command, ready, readyTimeoutMs = 30_000 } = options
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...command], {
    cwd: options.folder,
    env: { ...process.env, ...options.environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  let collected = ""
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) collected = (collected + decoder.decode(chunk, { stream: true })).slice(-keptOutputChars)
  }
  const drained = Promise.all([collect(child.stdout), collect(child.stderr)]).catch(() => undefined)
  const output = () => collected
  const goneWithin = (limitMs: number) => Promise.race([child.exited.then(() => true), Bun.sleep(limitMs).then(() => false)])
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
    if (!(await goneWithin(killLimitMs))) throw new Error(`${name} (process ${child.pid}) outlived SIGKILL by ${killLimitMs} ms`)
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM")
    if (!(await goneWithin(termLimitMs))) await kill()
  }

  try {
    await waitUntil(
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) {
          await Promise.race([drained, Bun.sleep(500)])
          throw new ProcessEnded(`${name} ended with ${child.signalCode ?? `exit code ${child.exitCode}`} before it was ready`)
        }
        return ready(output)
      },
      { limitMs: readyTimeoutMs, what: `${name} to be ready`, fatal: (error) => error instanceof ProcessEnded },
    )
  } catch (error) {
    await kill()
    throw new Error(`${String(error)}\n--- output of ${command.join(" ")}\n${collected}`, { cause: error })
  }
  return { pid: child.pid, output, stop, kill, exited: child.exited }
}

class ProcessEnded extends Error {}

/**
 * Runs a command to its end and returns its standard output; throws with its standard error when it fails or takes longer than `limitMs`. It outlives a
 * killed `bun test` by no more than what it was asked to do.
 */
export async function runCommand(
  command: string[],
  options: { input?: string; folder?: string; environment?: Record<string, string>; limitMs?: number } = {},
): Promise<string> {
  const child = Bun.spawn(command, {
    cwd: options.folder,
    env: { ...process.env, ...options.environment },
    stdin: new TextEncoder().encode(options.input ?? ""),
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.limitMs ?? 15_000,
    killSignal: "SIGKILL",
  })
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  if (code !== 0) throw new Error(`${command.join(" ")} failed (${child.signalCode ?? `exit code ${code}`}): ${err || out}`)
  return out
}

/** Asks every `everyMs` until the answer is true; throws after `limitMs`. Thrown errors count as "no", except those that `fatal` picks. */
export async function waitUntil(
  ask: () => boolean | Promise<boolean>,
  options: { limitMs?: number; everyMs?: number; what: string; fatal?: (error: unknown) => boolean },
): Promise<void> {
  const { limitMs = 30_000, everyMs = 20, what, fatal = () => false } = options
  const deadline = performance.now() + limitMs
  let last: unknown
  for (;;) {
    try {
      if (await ask()) return
    } catch (error) {
      if (fatal(error)) throw error
      last = error
    }
    if (performance.now() >= deadline) throw new Error(`waited ${limitMs} ms for ${what}${last === undefined ? "" : `: ${String(last)}`}`)
    await Bun.sleep(everyMs)
  }
}

/** True when something accepts a TCP connection at the address within half a second. */
export function acceptsConnections(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(500, () => done(false))
    socket.once("connect", () => done(true))
    socket.once("error", () => done(false))
  })
}

/** A new folder under the system's temporary folder; folders that earlier, killed runs left behind are removed on the way. */
export async function temporaryFolder(name: string): Promise<{ path: string; remove(): Promise<void> }> {
  const parent = tmpdir()
  for (const entry of await readdir(parent)) {
    const owner = /^freehold-lab-(\d+)-/.exec(entry)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await rm(join(parent, entry), { recursive: true, force: true })
  }
  const path = await mkdtemp(join(parent, `freehold-lab-${process.pid}-${name}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
