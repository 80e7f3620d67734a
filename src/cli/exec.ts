import type { ByteConsole } from "./byte-console"
import { UsageError } from "./arguments"
import { type ApiClient, ApiError } from "./client"
import type { Call, Command } from "./command"

const protocol = "freehold.exec.v1"
const maxQueuedBytes = 1024 * 1024
const queuePollMs = 20

/** `containers exec`: a command in a container, with the streams of this one; its exit code is the command's. */
export const execCommand: Command = {
  flags: { interactive: "switch", tty: "switch", user: "text" },
  shorts: { i: "interactive", t: "tty" },
  takesLine: true,
  rest: [1, 1],
  async run(call) {
    const { api, flags, rest, line, io } = call
    const [isInteractive, isTerminal] = [flags.has("interactive"), flags.has("tty")]
    const bytes = io.console?.()
    if (bytes === undefined) throw new UsageError("exec needs the standard streams of a process")
    if (isTerminal && !bytes.inputIsTerminal) throw new UsageError("-t is for a terminal, and standard input is none")
    if (line.length === 0 && !isInteractive) throw new UsageError("a shell without input ends at once: add -i, or a command after --")
    const path = terminalPath(call, isTerminal, bytes)
    const socket = await open(api, path)
    return new RemoteCommand(socket, bytes, { isInteractive, isTerminal }).run(rest[0] ?? "")
  },
}

function terminalPath({ rest, flags, line }: Call, isTerminal: boolean, bytes: ByteConsole): string {
  const query = new URLSearchParams(line.map((argument) => ["command", argument]))
  query.set("tty", String(isTerminal))
  const size = bytes.size()
  if (isTerminal && size !== undefined) {
    query.set("columns", String(Math.min(size.columns, 1_000)))
    query.set("rows", String(Math.min(size.rows, 1_000)))
  }
  const user = flags.text("user")
  if (user !== undefined) query.set("user", user)
  return `/compute/containers/${encodeURIComponent(rest[0] ?? "")}/terminal?${query}`
}

/** Resolves once it is open. A refused handshake does not say why, so the same is asked again as a plain request. */
async function open(api: ApiClient, path: string): Promise<Bun.WebSocket> {
  const socket = api.openSocket(path, protocol)
  socket.binaryType = "nodebuffer"
  const opened = await new Promise<boolean>((resolve) => {
    socket.addEventListener("open", () => resolve(true))
    socket.addEventListener("close", () => resolve(false))
    socket.addEventListener("error", () => resolve(false))
  })
  // Nothing is to be missed before the streams are connected.
  if (opened) {
    socket.pause()
    return socket
  }
  await api.get(path).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 426)) throw error
  })
  throw new ApiError(0, `${api.server} did not open a WebSocket (does a proxy on the way let them through?)`)
}

/** One command that runs far away, and the streams of this process. */
class RemoteCommand {
  private code: number | undefined
  private fault: string | undefined
  private timer: Timer | undefined

  constructor(
    private socket: Bun.WebSocket,
    private console: ByteConsole,
    private mode: { isInteractive: boolean; isTerminal: boolean },
  ) {}

  async run(container: string): Promise<number> {
    const { socket, console: streams, mode } = this
    const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.addEventListener("close", resolve))
    socket.addEventListener("message", ({ data }) => this.take(data as string | Buffer))
    streams.start(
      {
        onInput: (bytes) => this.input(bytes),
        onInputEnd: () => this.tell({ type: "end" }),
        onDrain: () => void socket.resume(),
        onResize: () => this.resize(),
        onSignal: (name) => this.tell({ type: "signal", name }),
      },
      { raw: mode.isTerminal, input: mode.isInteractive },
    )
    try {
      if (!mode.isInteractive) this.tell({ type: "end" })
      socket.resume()
      const { code, reason } = await closed
      if (this.code !== undefined) return this.code
      throw new ApiError(0, this.fault ?? (reason === "" ? `the connection to ${container} was lost (${code})` : reason))
    } finally {
      clearInterval(this.timer)
      await streams.stop()
    }
  }

  private take(message: string | Buffer): void {
    if (typeof message !== "string") {
      if (!this.console.write(message.subarray(1), message[0] === 2 ? "stderr" : "stdout")) this.socket.pause()
      return
    }
    const { type, code, message: words } = JSON.parse(message) as { type?: string; code?: number; message?: string }
    if (type === "exit" && typeof code === "number") this.code = code
    if (type === "error") this.fault = words
  }

  /** The library tells no moment at which what was sent has gone, so it is looked at now and then while too much waits. */
  private input(bytes: Buffer): void {
    const { socket } = this
    if (socket.readyState !== WebSocket.OPEN) return
    // Kept apart from what the stream may write over.
    socket.send(Buffer.from(bytes))
    if (socket.bufferedAmount < maxQueuedBytes || this.timer !== undefined) return
    this.console.pauseInput()
    this.timer = setInterval(() => {
      if (socket.bufferedAmount >= maxQueuedBytes && socket.readyState === WebSocket.OPEN) return
      clearInterval(this.timer)
      this.timer = undefined
      this.console.resumeInput()
    }, queuePollMs)
  }

  private resize(): void {
    const size = this.console.size()
    if (this.mode.isTerminal && size !== undefined) this.tell({ type: "resize", ...size })
  }

  private tell(control: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(control))
  }
}
