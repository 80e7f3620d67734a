import { randomBytes } from "node:crypto"
import type { Socket } from "node:net"
import { AppError } from "../errors"
import { ExecCalls } from "./exec-calls"
import { readFrames } from "./exec-frames"
import { parseSignal, signalExec } from "./exec-signal"

export type ExecOptions = {
  command: string[]
  /** With a pseudo-terminal of this size; `TERM` is xterm-256color unless `environment` says otherwise. */
  tty?: { columns: number; rows: number }
  environment?: Record<string, string>
  /** Name or number of the user inside; without it the image's. */
  user?: string
  workingDir?: string
}

/** A command that runs in a container beside its application. Output waits at the engine until `onOutput` is set. */
export interface Exec {
  /** Takes all bytes; false says that the command does not keep up, so nothing more should come before `onDrain`. */
  write(bytes: Uint8Array): boolean
  /** The command's input ends; at a terminal that is the key Ctrl-D. */
  endInput(): void
  resize(columns: number, rows: number): Promise<void>
  /** Lets the command wait once the buffers on the way are full; output of a chunk under way may still come. */
  pause(): void
  resume(): void
  /**
   * Sends a signal, named with or without `SIG`, to the command, and at a terminal to what runs in the foreground there. No engine offers it: it is
   * the kernel's own where we see the engine's processes and may signal them, else a shell in the container does it, to all that the command
   * has started. Does nothing when the command has ended; throws AppError("unavailable") where neither way is open, and AppError("rate_limited") while
   * twenty others wait for their turn.
   */
  kill(signal: string): Promise<void>
  /** The exit code, 128 and the signal's number after a signal. Rejects with AppError or EngineFault when the engine cannot say any more. */
  readonly exit: Promise<number>
  /** All that comes at a terminal is `stdout`. Every chunk is the receiver's to keep. */
  onOutput: (bytes: Buffer, stream: "stdout" | "stderr") => void
  onDrain: () => void
  /** Ends it whatever it does: no more output, SIGHUP, and SIGKILL after two seconds. `exit` settles within ten. */
  close(): void
}

const hangUpMs = 2_000
const exitWaitMs = 5_000
const exitPauseMs = 20
const maxExitPauseMs = 500
const maxSignals = 20

/** Starts a command in a container that runs. Throws EngineFault where the engine refuses, AppError("unavailable") where it does not answer. */
export function startExec(engine: { readonly socketPath: string }, containerId: string, options: ExecOptions): Promise<Exec> {
  return start(engine, containerId, options)
}

async function start(engine: { readonly socketPath: string }, containerId: string, options: ExecOptions): Promise<EngineExec> {
  const calls = new ExecCalls(engine.socketPath)
  // The mark by which the command's processes are known again when they are to be signalled.
  const mark = `FREEHOLD_EXEC=${randomBytes(12).toString("hex")}`
  const id = await calls.create(containerId, options, mark)
  const { socket, first } = await calls.start(id, options.tty)
  const exec = new EngineExec(calls, containerId, id, mark, socket, first, options.tty !== undefined)
  // An older engine heard no size at the start.
  if (options.tty !== undefined) await exec.resize(options.tty.columns, options.tty.rows).catch(() => undefined)
  return exec
}

class EngineExec implements Exec {
  readonly exit: Promise<number>
  onDrain: () => void = () => {}
  private output: Exec["onOutput"] | undefined
  private hold = false
  private ended = false
  private closing: Promise<void> | undefined
  private streamEnd = Promise.withResolvers<void>()
  private take: (chunk: Buffer) => void
  private signals = 0
  private lastSignal: Promise<unknown> = Promise.resolve()

  constructor(
    private calls: ExecCalls,
    private containerId: string,
    private id: string,
    private mark: string,
    private socket: Socket,
    private first: Buffer,
    private isTerminal: boolean,
  ) {
    const give = (bytes: Buffer, stream: "stdout" | "stderr") => {
      if (this.closing === undefined) this.output?.(bytes, stream)
    }
    this.take = isTerminal ? (chunk) => give(chunk, "stdout") : readFrames(give)
    socket.on("drain", () => this.onDrain())
    socket.on("end", () => this.finish())
    socket.on("error", () => this.finish())
    socket.on("close", () => this.finish())
    this.exit = this.awaitExit()
    // Whoever does not ask for the code is not to be ended by its failure.
    this.exit.catch(() => undefined)
  }

  get onOutput(): Exec["onOutput"] {
    return this.output ?? (() => {})
  }

  set onOutput(output: Exec["onOutput"]) {
    const isFirst = this.output === undefined
    this.output = output
    if (!isFirst) return
    // Not at once: the caller may have more to prepare.
    queueMicrotask(() => {
      if (this.first.length > 0) this.take(this.first)
      this.first = Buffer.alloc(0)
      this.socket.on("data", this.take)
      if (this.hold) this.socket.pause()
      else this.socket.resume()
    })
  }

  write(bytes: Uint8Array): boolean {
    if (this.ended || bytes.length === 0) return true
    return this.socket.write(bytes)
  }

  endInput(): void {
    if (this.ended) return
    if (this.isTerminal) this.socket.write("\u0004")
    else this.socket.end()
  }

  async resize(columns: number, rows: number): Promise<void> {
    if (!this.ended) await this.calls.resize(this.id, columns, rows)
  }

  pause(): void {
    this.hold = true
    this.socket.pause()
  }

  resume(): void {
    this.hold = false
    if (this.output !== undefined) this.socket.resume()
  }

  async kill(signal: string): Promise<void> {
    const name = parseSignal(signal)
    if (this.signals >= maxSignals) throw new AppError("rate_limited", "too many signals at once")
    this.signals++
    // Each may take a helper in the container, so they wait for each other.
    const turn = this.lastSignal.then(() => (this.closing === undefined ? this.send(name) : undefined)).finally(() => this.signals--)
    this.lastSignal = turn.catch(() => undefined)
    return turn
  }

  private async send(name: NodeJS.Signals): Promise<void> {
    const { calls, containerId, id, mark, isTerminal } = this
    if (await signalExec({ calls, id, mark, isTerminal }, name)) return
    // What runs in the container can look for the mark there.
    const command = ["/bin/sh", "-c", signalScript, mark, name.slice(3)]
    const helper = await start({ socketPath: calls.socketPath }, containerId, { command, user: "0" })
    helper.onOutput = () => {}
    const limit = Promise.withResolvers<undefined>()
    const timer = setTimeout(limit.resolve, exitWaitMs)
    const code = await Promise.race([helper.exit, limit.promise]).finally(() => clearTimeout(timer))
    helper.abandon()
    if (code !== 0) throw new AppError("unavailable", `the command could not be sent ${name}: the container has no shell to do it`)
  }

  close(): void {
    if (this.closing !== undefined) return
    this.closing = this.ended ? Promise.resolve() : this.hangUp()
    this.socket.destroy()
    this.finish()
  }

  /** Leaves it to itself: a shell that hangs would also hang when it is to end itself. */
  private abandon(): void {
    this.closing ??= Promise.resolve()
    this.finish()
  }

  private finish(): void {
    if (this.ended) return
    this.ended = true
    this.socket.destroy()
    this.streamEnd.resolve()
  }

  /** As the kernel does it for a terminal that is gone, and harder on those that do not listen. */
  private async hangUp(): Promise<void> {
    try {
      await this.send("SIGHUP")
      for (let waitedMs = 0; waitedMs < hangUpMs; waitedMs += 100) {
        if (!(await this.calls.inspect(this.id)).running) return
        await Bun.sleep(100)
      }
      await this.send("SIGKILL")
    } catch {
      // `exit` finds out what became of it.
    }
  }

  private async awaitExit(): Promise<number> {
    await this.streamEnd.promise
    await this.closing
    const deadline = performance.now() + exitWaitMs
    for (let pauseMs = exitPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxExitPauseMs)) {
      const { running, exitCode } = await this.calls.inspect(this.id)
      if (!running) return exitCode
      if (performance.now() >= deadline) throw new AppError("unavailable", "the command runs on without its output")
      await Bun.sleep(pauseMs)
    }
  }
}

/** Every process with the mark in the environment it was started with, and none that has cleared it. $0 is the mark, $1 the signal. */
const signalScript = `found=1
for file in /proc/[0-9]*/environ; do
  grep -q "$0" "$file" 2>/dev/null || continue
  process=\${file#/proc/}
  kill -s "$1" "\${process%/environ}" && found=0
done
exit $found`
