import { readFileSync } from "node:fs"
import { waitUntil } from "../lab/process"
import type { Ending } from "../e2e/program"

export type ToolOptions = { environment?: Record<string, string>; folder?: string; limitMs?: number }

/** A program that runs, in this environment and no other but PATH; the kernel ends it when this process dies. */
export class Tool {
  readonly ended: Promise<Ending>
  private child: Bun.Subprocess<"ignore", "pipe", "pipe">

  constructor(
    private command: string[],
    options: ToolOptions = {},
  ) {
    const limitMs = options.limitMs ?? 30 * 60_000
    this.child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...command], {
      cwd: options.folder,
      env: { PATH: process.env.PATH ?? "/usr/bin:/bin", ...options.environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: limitMs,
      killSignal: "SIGKILL",
    })
    this.ended = this.collect()
  }

  /** Waits until it has written so many bytes, whether into files or sockets; throws when it ends before. */
  async wrote(bytes: number): Promise<void> {
    const what = `${this.command.join(" ")} to write ${bytes} bytes`
    await waitUntil(
      async () => {
        if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode} before it had: ${(await this.ended).err}`)
        const io = readFileSync(`/proc/${this.child.pid}/io`, "utf8")
        return Number(/^wchar: (\d+)/m.exec(io)?.[1]) >= bytes
      },
      { limitMs: 120_000, everyMs: 2, what, fatal: (error) => String(error).includes("it ended with") },
    )
  }

  /** SIGKILL; false when it had ended by itself. */
  async kill(): Promise<boolean> {
    const wasRunning = this.child.exitCode === null && this.child.signalCode === null
    this.child.kill("SIGKILL")
    await this.ended
    return wasRunning && this.child.signalCode === "SIGKILL"
  }

  /** What it printed; throws with both outputs when it ended with a fault. */
  async output(): Promise<string> {
    const { code, out, err } = await this.ended
    if (code !== 0) throw new Error(`${this.command.join(" ")} ended with ${code}\n${out.slice(-4000)}${err.slice(-4000)}`)
    return out
  }

  private async collect(): Promise<Ending> {
    const { child } = this
    const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
    return { code, out, err }
  }
}
