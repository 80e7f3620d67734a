/** How a program ended; `code` is 128 plus the signal's number where a signal ended it. */
export type Ending = { code: number; out: string; err: string }

/** What a script of this repository needs that builds or brings something: the whole environment, and the Bun that runs this. */
export function builder(): Record<string, string> {
  // Bun's test runner sets NODE_ENV, and what is built would differ by it.
  const { NODE_ENV: _, ...own } = process.env as Record<string, string>
  return { ...own, FREEHOLD_BUN: process.execPath }
}

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
    detached: true,
  })
  let late = false
  // The whole group, or what it started would hold its output open.
  const timer = setTimeout(() => (late = process.kill(-child.pid, "SIGKILL")), limitMs)
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  clearTimeout(timer)
  if (late) throw new Error(`${command.join(" ")} took longer than ${limitMs} ms\n${out}${err}`)
  return { code, out, err }
}
