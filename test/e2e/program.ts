/** How a program ended; `code` is 128 plus the signal's number where a signal ended it. */
export type Ending = { code: number; out: string; err: string }

/** Runs a program to its end, in this environment and no other but PATH; throws when it takes longer than `limitMs`. */
export async function runProgram(
  command: string[],
  options: { environment?: Record<string, string>; input?: string; folder?: string; limitMs?: number } = {},
): Promise<Ending> {
  const limitMs = options.limitMs ?? 30_000
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...command], {
    cwd: options.folder,
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin", ...options.environment },
    stdin: new TextEncoder().encode(options.input ?? ""),
    stdout: "pipe",
    stderr: "pipe",
    timeout: limitMs,
    killSignal: "SIGKILL",
  })
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  if (child.signalCode === "SIGKILL") throw new Error(`${command.join(" ")} took longer than ${limitMs} ms\n${out}${err}`)
  return { code, out, err }
}
