/** Who is told what happens at the standard streams. */
export type ConsoleUser = {
  onInput(bytes: Buffer): void
  onInputEnd(): void
  /** What was held back in output has gone. */
  onDrain(): void
  onResize(): void
  /** `INT` or `TERM` came; not called for keys, which are input. */
  onSignal(name: string): void
}

/** The standard streams as bytes, for commands that carry what they do not read. */
export interface ByteConsole {
  readonly inputIsTerminal: boolean
  /** Of the terminal at the output, if there is one. */
  size(): { columns: number; rows: number } | undefined
  /** Begins to tell. With `raw` every key is input at once, and nothing is shown by itself; `input` false leaves the input alone. */
  start(user: ConsoleUser, options: { raw: boolean; input: boolean }): void
  pauseInput(): void
  resumeInput(): void
  /** False when the reader does not keep up: `onDrain` follows. */
  write(bytes: Uint8Array, stream: "stdout" | "stderr"): boolean
  /** Puts the terminal back as it was, and resolves when all that was written has gone. */
  stop(): Promise<void>
}

type Output = NodeJS.WriteStream
type Input = NodeJS.ReadStream

/** The process's own streams. */
export class ProcessConsole implements ByteConsole {
  private undo: (() => void)[] = []

  constructor(
    private input: Input,
    private output: Output,
    private errors: Output,
  ) {}

  get inputIsTerminal(): boolean {
    return this.input.isTTY === true
  }

  size(): { columns: number; rows: number } | undefined {
    const { isTTY, columns, rows } = this.output
    return isTTY === true && columns > 0 && rows > 0 ? { columns, rows } : undefined
  }

  start(user: ConsoleUser, { raw, input: readsInput }: { raw: boolean; input: boolean }): void {
    const { input, output, errors } = this
    const on = (source: NodeJS.EventEmitter, name: string, listener: (...args: never[]) => void) => {
      source.on(name, listener as (...args: unknown[]) => void)
      this.undo.push(() => source.off(name, listener as (...args: unknown[]) => void))
    }
    for (const stream of [output, errors]) on(stream, "drain", () => user.onDrain())
    on(output, "resize", () => user.onResize())
    for (const name of ["INT", "TERM"]) on(process, `SIG${name}`, () => user.onSignal(name))
    if (!readsInput) return
    if (raw && this.inputIsTerminal) {
      input.setRawMode(true)
      this.undo.push(() => void input.setRawMode(false))
    }
    on(input, "data", (bytes: Buffer) => user.onInput(bytes))
    on(input, "end", () => user.onInputEnd())
    this.undo.push(() => void input.pause())
    input.resume()
  }

  pauseInput(): void {
    this.input.pause()
  }

  resumeInput(): void {
    this.input.resume()
  }

  write(bytes: Uint8Array, stream: "stdout" | "stderr"): boolean {
    return (stream === "stdout" ? this.output : this.errors).write(bytes)
  }

  async stop(): Promise<void> {
    for (const step of this.undo.splice(0).reverse()) step()
    // An empty write is answered after all that went before it.
    const flushed = (stream: Output) => new Promise<void>((resolve) => stream.write("", () => resolve()))
    await Promise.all([flushed(this.output), flushed(this.errors)])
  }
}
