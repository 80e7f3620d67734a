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
  wrote = (bytes: number) => this.moved("wchar", bytes)

  /** The same of what it has read. */
  read = (bytes: number) => this.moved("rchar", bytes)

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

  private async moved(way: "rchar" | "wchar", bytes: number): Promise<void> {
    const { child } = this
    let early: string | undefined
    await waitUntil(
      async () => {
        if (child.exitCode !== null) early = `it ended with ${child.exitCode} before: ${(await this.ended).err}`
        if (early !== undefined) return true
        const io = readFileSync(`/proc/${child.pid}/io`, "utf8")
        return Number(new RegExp(`^${way}: (\\d+)`, "m").exec(io)?.[1]) >= bytes
      },
      { limitMs: 10 * 60_000, everyMs: 2, what: `${this.command.join(" ")} to move ${bytes} bytes` },
    )
    if (early !== undefined) throw new Error(early)
  }

  private async collect(): Promise<Ending> {
    const { child } = this
    const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
    return { code, out, err }
  }
}
