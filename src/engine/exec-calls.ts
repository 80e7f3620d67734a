import { connect, type Socket } from "node:net"
import { describeError } from "../errors"
import type { ExecOptions } from "./exec"
import { EngineFault, engineGone } from "./faults"

const callLimitMs = 5_000
const startLimitMs = 20_000
const maxAnswerBytes = 64 * 1024
const resizeAttempts = 5
const resizePauseMs = 50

type Size = { columns: number; rows: number }

/**
 * The calls that make, start and follow a command in a container (Engine API, `/exec`). Done by hand rather than by the library: the start becomes a
 * raw stream, of which both directions must be held back and ended one by one.
 */
export class ExecCalls {
  constructor(readonly socketPath: string) {}

  /** The id of a command that is made and not started. */
  async create(containerId: string, options: ExecOptions, mark: string): Promise<string> {
    const { command, tty, environment = {}, user, workingDir } = options
    const names = tty === undefined ? environment : { TERM: "xterm-256color", ...environment }
    const body = {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty !== undefined,
      Cmd: command,
      Env: [...Object.entries(names).map(([name, value]) => `${name}=${value}`), mark],
      User: user,
      WorkingDir: workingDir,
      ConsoleSize: tty && [tty.rows, tty.columns],
    }
    const path = `/containers/${encodeURIComponent(containerId)}/exec`
    const made = (await this.ask("make a command", "POST", path, body)) as { Id?: unknown }
    if (typeof made?.Id !== "string") throw new EngineFault("make a command: the engine named none", undefined)
    return made.Id
  }

  /** Runs it; the answer is its stream, paused, and what of it had come already. */
  async start(id: string, tty: Size | undefined): Promise<{ socket: Socket; first: Buffer }> {
    // `h` and `w` are Podman's names, `ConsoleSize` Docker's.
    const size = tty && { ConsoleSize: [tty.rows, tty.columns], h: tty.rows, w: tty.columns }
    const body = JSON.stringify({ Detach: false, Tty: tty !== undefined, ...size })
    const fields = ["Host: engine", "Connection: Upgrade", "Upgrade: tcp", "Content-Type: application/json"]
    const head = [`POST /exec/${id}/start HTTP/1.1`, ...fields, `Content-Length: ${Buffer.byteLength(body)}`].join("\r\n")
    const socket = connect({ path: this.socketPath, allowHalfOpen: true })
    try {
      socket.write(`${head}\r\n\r\n${body}`)
      const first = await readAnswer(socket)
      return { socket, first }
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  /** Tries for a moment: a command that was just started may have no terminal yet. */
  async resize(id: string, columns: number, rows: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.ask("resize a terminal", "POST", `/exec/${id}/resize?h=${rows}&w=${columns}`)
        return
      } catch (error) {
        if (!(error instanceof EngineFault) || attempt === resizeAttempts) throw error
        await Bun.sleep(resizePauseMs)
      }
    }
  }

  /** `pid` as the engine's machine counts. */
  async inspect(id: string): Promise<{ running: boolean; exitCode: number; pid: number | undefined }> {
    const info = (await this.ask("inspect a command", "GET", `/exec/${id}/json`)) as Record<string, unknown>
    const pid = Number(info.Pid)
    return { running: info.Running === true, exitCode: Number(info.ExitCode ?? 0), pid: pid > 1 ? pid : undefined }
  }

  private async ask(what: string, method: string, path: string, body?: object): Promise<unknown> {
    let status: number
    let text: string
    try {
      const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" }
      const signal = AbortSignal.timeout(callLimitMs)
      const options = { method, headers, body: body && JSON.stringify(body), unix: this.socketPath, signal }
      const res = await fetch(`http://engine${path}`, options)
      status = res.status
      text = await res.text()
    } catch (error) {
      throw engineGone(what, describeError(error), error)
    }
    if (status >= 300) throw new EngineFault(`${what}: ${engineWords(text)}`, status)
    return text.trim() === "" ? undefined : parseAnswer(what, text)
  }
}

/** Reads the head that turns the connection into a raw stream, and leaves it paused; throws what the engine says when it refuses. */
function readAnswer(socket: Socket): Promise<Buffer> {
  const what = "start a command"
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  let bytes = Buffer.alloc(0)
  const timer = setTimeout(() => reject(engineGone(what, `no answer in ${startLimitMs / 1000} seconds`)), startLimitMs)
  const onData = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    const end = bytes.indexOf("\r\n\r\n")
    if (end === -1 && bytes.length <= maxAnswerBytes) return
    const head = bytes.toString("latin1", 0, Math.max(end, 0))
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0)
    const rest = bytes.subarray(end + 4)
    if (status === 101 || status === 200) {
      socket.pause()
      return resolve(rest)
    }
    const wanted = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (rest.length < Math.min(wanted, maxAnswerBytes)) return
    reject(new EngineFault(`${what}: ${engineWords(rest.toString())}`, status === 0 ? undefined : status))
  }
  const onEnd = () => reject(engineGone(what, "the connection was closed"))
  const onError = (error: Error) => reject(engineGone(what, describeError(error), error))
  socket.on("data", onData).on("end", onEnd).on("close", onEnd).on("error", onError)
  return promise.finally(() => {
    clearTimeout(timer)
    // An error without a listener would be thrown at nobody.
    socket.on("error", () => undefined)
    socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onError)
  })
}

function parseAnswer(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new EngineFault(`${what}: the engine's answer is not JSON`, undefined)
  }
}

function engineWords(text: string): string {
  try {
    const said = JSON.parse(text) as { message?: unknown }
    if (typeof said.message === "string") return said.message
  } catch {
    // Then the text itself is what it says.
  }
  return text.trim().slice(0, 500) || "the engine refused without a word"
}
