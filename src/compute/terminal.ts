import type { Exec } from "../engine/exec"
import { EngineFault } from "../engine/faults"
import { Window } from "../engine/window"
import { AppError, describeError } from "../errors"
import type { Log } from "../log"
import type { Peer, PeerUser } from "../peer"
import { parseControl, type TerminalControl } from "./terminal-request"

/** What may come before the command runs. */
const maxEarlyBytes = 1024 * 1024
const maxNotes = 10
const streams = { stdout: 1, stderr: 2 } as const

/** How a terminal speaks with its peer. */
export type TerminalManner = {
  /**
   * `raw` as the document's clients do: output in binary frames, and every frame that comes is input but for a resize. `framed`, the subprotocol
   * `freehold.exec.v1`: output in binary frames that begin with 1 (output) or 2 (errors), input in binary frames, and text frames are control.
   */
  framing: "raw" | "framed"
  container: string
  log: Log
}

/**
 * One command of a container and the WebSocket that it is used through. Each side waits for the other: the command for a peer that does not keep
 * up, the peer for a command that does not read. The peer's leaving ends the command; the command's end closes with 1000 and `exit code N`.
 */
export class Terminal implements PeerUser {
  /** Settles when the command has ended and nothing of it is left. */
  readonly done: Promise<void>
  private exec: Exec | undefined
  private early: Buffer[] = []
  private earlyBytes = 0
  private wanted: TerminalControl[] = []
  private window: Window | undefined
  private notes = 0
  private isBehind = false
  private isClosed = false
  private last: (() => void) | undefined

  constructor(
    private peer: Peer,
    start: () => Promise<Exec>,
    private manner: TerminalManner,
  ) {
    peer.pause()
    this.done = this.run(start)
  }

  onMessage(message: string | Buffer): void {
    if (typeof message === "string") {
      const control = parseControl(message)
      if (control?.type === "resize" || (control !== undefined && this.manner.framing === "framed")) return this.control(control)
      if (this.manner.framing === "framed") return this.peer.close(1008, "a text frame must be a control frame")
    }
    const bytes = typeof message === "string" ? Buffer.from(message) : message
    if (this.exec !== undefined) return this.input(this.exec, bytes)
    this.earlyBytes += bytes.length
    if (this.earlyBytes > maxEarlyBytes) return this.peer.close(1008, "too much input before the command runs")
    this.early.push(bytes)
  }

  onDrain(): void {
    this.isBehind = false
    if (this.last !== undefined) this.last()
    else this.exec?.resume()
  }

  onClosed(): void {
    this.isClosed = true
    this.exec?.close()
  }

  private async run(start: () => Promise<Exec>): Promise<void> {
    let exec: Exec
    try {
      exec = await start()
    } catch (error) {
      return this.fail("failed to start the command", error)
    }
    if (this.isClosed) exec.close()
    else this.connect(exec)
    try {
      const code = await exec.exit
      this.tell({ type: "exit", code })
      this.end(1000, `exit code ${code}`)
    } catch (error) {
      this.fail("failed to follow the command", error)
    }
  }

  private connect(exec: Exec): void {
    this.exec = exec
    this.window = new Window(exec, (error) => this.note("a terminal could not be resized", error))
    exec.onDrain = () => this.peer.resume()
    exec.onOutput = (bytes, stream) => {
      const frame = this.manner.framing === "raw" ? bytes : Buffer.concat([Buffer.of(streams[stream]), bytes])
      if (this.peer.send(frame)) return
      this.isBehind = true
      exec.pause()
    }
    for (const control of this.wanted.splice(0)) this.control(control)
    this.peer.resume()
    for (const bytes of this.early.splice(0)) this.input(exec, bytes)
  }

  private input(exec: Exec, bytes: Buffer): void {
    if (!exec.write(bytes)) this.peer.pause()
  }

  private control(control: TerminalControl): void {
    const { exec } = this
    if (exec === undefined) {
      if (this.wanted.length < 100) this.wanted.push(control)
    } else if (control.type === "end") {
      // What came before it goes first.
      for (const bytes of this.early.splice(0)) this.input(exec, bytes)
      exec.endInput()
    } else if (control.type === "signal") exec.kill(control.name).catch((error) => this.note("a signal could not be sent", error))
    else this.window?.resize(control.columns, control.rows)
  }

  private fail(what: string, error: unknown): void {
    if (this.isClosed) return
    const isTheirs = error instanceof AppError || error instanceof EngineFault
    if (isTheirs) this.note(what, error)
    else this.manner.log.error(what, { container: this.manner.container, error })
    const message = `${what}: ${isTheirs ? describeError(error) : "internal error"}`
    if (this.manner.framing === "framed") this.tell({ type: "error", message })
    else this.peer.send(`error: ${message}`)
    this.end(1011, what)
  }

  private tell(control: object): void {
    if (this.manner.framing === "framed" && !this.isClosed && !this.peer.send(JSON.stringify(control))) this.isBehind = true
  }

  /** After all that was sent. */
  private end(code: number, reason: string): void {
    if (this.isClosed) return
    this.last = () => this.peer.close(code, reason)
    if (!this.isBehind) this.last()
  }

  private note(what: string, error: unknown): void {
    // A client can cause as many as it likes.
    if (++this.notes > maxNotes) return
    this.manner.log.info(what, { container: this.manner.container, error })
  }
}
