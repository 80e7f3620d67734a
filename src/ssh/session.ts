import type { Socket } from "node:net"
import { constants } from "node:os"
import type { ServerChannel, Session } from "ssh2"
import type { Exec, ExecOptions } from "../engine/exec"
import { Window } from "../engine/window"
import { AppError } from "../errors"
import { ChannelOutput } from "./channel-output"
import { loginCommand } from "./login-command"

export type SessionNeeds = {
  /** Starts a command in the container that the session is for. */
  startExec: (options: ExecOptions) => Promise<Exec>
  /** Serves the `sftp` subsystem on a channel, and resolves with its exit code; absent where it is not offered. */
  serveFiles?: (channel: ServerChannel, output: ChannelOutput) => Promise<number>
  /** The user inside; undefined leaves it to the container. */
  user: string | undefined
  /** What is told to the command beside what the client sends. */
  environment: Record<string, string>
  /** The client's connection, for the sake of its back-pressure. */
  socket: Socket
  onFault: (what: string, error: unknown) => void
  /** Once, when nothing of the session is left. */
  onEnd: () => void
}

const maxVariables = 32
const maxValueLength = 1024
const maxSide = 10_000
const maxFaults = 10
/** As sshd has it on most systems: what says nothing but how to speak to the person. */
const allowedVariable = /^(LANG|LC_[A-Z_]{1,30}|COLORTERM|NO_COLOR|TZ)$/
const failed = 255

/** One session of a client: a shell, a command or the file subsystem, each an exec in the container. */
export class SshSession {
  private size: { columns: number; rows: number } | undefined
  private environment: Record<string, string>
  private exec: Exec | undefined
  private output: ChannelOutput | undefined
  private signal: string | undefined
  private window: Window | undefined
  private faults = 0
  private isOver = false

  constructor(
    session: Session,
    private needs: SessionNeeds,
  ) {
    this.environment = { ...needs.environment }
    // ssh2 tells a session by the name of its class when the connection ends, which a minified program does not keep, and trips over one in
    // which nothing was started.
    Object.assign(session, { incoming: { state: "closed" } })
    session.on("env", (accept, reject, { key, val }) => reply(this.setVariable(key, val), accept, reject))
    session.on("pty", (accept, _reject, { cols, rows, term }) => {
      this.size = { columns: side(cols, 80), rows: side(rows, 24) }
      this.environment.TERM = /^[\w.+-]{1,64}$/.test(term ?? "") ? term : "xterm-256color"
      accept?.()
    })
    session.on("window-change", (accept, _reject, { cols, rows }) => {
      this.resize(side(cols, 80), side(rows, 24))
      accept?.()
    })
    session.on("signal", (accept, _reject, { name }) => {
      this.kill(name)
      accept?.()
    })
    // One session is for one thing: `accept` gives no channel for a second.
    session.on("shell", (accept: () => ServerChannel | undefined) => {
      const channel = accept()
      if (channel !== undefined) void this.run(channel)
    })
    session.on("exec", (accept: () => ServerChannel | undefined, _reject, { command }) => {
      const channel = accept()
      if (channel !== undefined) void this.run(channel, command)
    })
    session.on("subsystem", (accept: () => ServerChannel | undefined, reject: (() => void) | undefined, { name }) => {
      const serve = name === "sftp" ? needs.serveFiles : undefined
      const channel = serve && accept()
      if (serve === undefined) reject?.()
      else if (channel !== undefined) void this.runFiles(channel, serve)
    })
    session.on("close", () => this.close())
  }

  /** Ends what runs, without a word to the client. */
  close(): void {
    if (this.isOver) return
    this.isOver = true
    this.output?.close()
    this.exec?.close()
    this.needs.onEnd()
  }

  private setVariable(name: string, value: string): boolean {
    const isRoom = Object.keys(this.environment).length < maxVariables
    if (!isRoom || !allowedVariable.test(name) || value.length > maxValueLength || /\p{Cc}/u.test(value)) return false
    this.environment[name] = value
    return true
  }

  private resize(columns: number, rows: number): void {
    if (this.size === undefined) return
    this.size = { columns, rows }
    this.window?.resize(columns, rows)
  }

  private kill(name: string): void {
    if (this.exec === undefined || !/^[A-Z][A-Z0-9]{1,9}$/.test(name)) return
    this.signal = name
    this.exec.kill(name).catch((error) => this.fault("a signal could not be sent", error))
  }

  private async run(channel: ServerChannel, command?: string): Promise<void> {
    const output = this.open(channel)
    const { startExec, user } = this.needs
    const size = this.size
    try {
      const exec = await startExec({ command: loginCommand(command), tty: size, environment: this.environment, user })
      if (this.isOver) return exec.close()
      const ending = this.carry(exec, channel, output)
      // The window may have changed while the command was started.
      if (this.size !== undefined && this.size !== size) this.resize(this.size.columns, this.size.rows)
      this.end(channel, await ending)
    } catch (error) {
      await this.fail(channel, output, error)
    }
  }

  private async runFiles(channel: ServerChannel, serve: NonNullable<SessionNeeds["serveFiles"]>): Promise<void> {
    const output = this.open(channel)
    try {
      const code = await serve(channel, output)
      await output.flush()
      this.end(channel, code)
    } catch (error) {
      await this.fail(channel, output, error)
    }
  }

  private open(channel: ServerChannel): ChannelOutput {
    const output = new ChannelOutput(channel, this.needs.socket)
    this.output = output
    channel.on("error", () => this.close())
    channel.on("close", () => this.close())
    return output
  }

  /** Carries bytes both ways until the command has ended and all it said is sent; the answer is its exit code. */
  private async carry(exec: Exec, channel: ServerChannel, output: ChannelOutput): Promise<number> {
    this.exec = exec
    this.window = new Window(exec, (error) => this.fault("a terminal could not be resized", error))
    exec.onDrain = () => channel.resume()
    output.onRoom = () => exec.resume()
    exec.onOutput = (bytes, stream) => {
      if (!output.write(bytes, stream)) exec.pause()
    }
    channel.on("data", (bytes: Buffer) => {
      if (!exec.write(bytes)) channel.pause()
    })
    channel.on("end", () => exec.endInput())
    const code = await exec.exit
    await output.flush()
    return code
  }

  private async fail(channel: ServerChannel, output: ChannelOutput, error: unknown): Promise<void> {
    if (this.isOver) return
    this.fault("a session could not go on", error)
    const reason = error instanceof AppError ? error.message : "the container's engine refused"
    output.write(Buffer.from(`freehold: ${reason.replaceAll(/\p{Cc}/gu, " ")}\r\n`), "stderr")
    await output.flush()
    this.end(channel, failed)
  }

  private fault(what: string, error: unknown): void {
    // A client can cause as many as it likes.
    if (++this.faults <= maxFaults) this.needs.onFault(what, error)
  }

  /** Says how it ended: by the signal that the client sent, else by the exit code, which is a shell's 128 and more for other signals. */
  private end(channel: ServerChannel, code: number): void {
    if (this.isOver) return
    const number = Object.entries(constants.signals).find(([name]) => name === `SIG${this.signal}`)?.[1]
    if (number !== undefined && this.signal !== undefined && code === 128 + number) channel.exit(this.signal, false, "")
    else channel.exit(code)
    channel.end()
    this.close()
  }
}

/** A width or height in characters; 0 stands for "unknown". */
function side(value: number, standard: number): number {
  return Number.isInteger(value) && value > 0 ? Math.min(value, maxSide) : standard
}

function reply(good: boolean, accept: (() => void) | undefined, reject: (() => void) | undefined): void {
  if (good) accept?.()
  else reject?.()
}
