import { readFile } from "node:fs/promises"
import { constants } from "node:os"
import { AppError } from "../errors"
import type { ExecCalls } from "./exec-calls"

/** `HUP`, `SIGHUP` or `sighup` as `SIGHUP`; throws AppError("invalid") for what is no signal here. */
export function parseSignal(text: string): NodeJS.Signals {
  const upper = text.toUpperCase()
  const name = upper.startsWith("SIG") ? upper : `SIG${upper}`
  if (!Object.hasOwn(constants.signals, name)) throw new AppError("invalid", `"${text.slice(0, 20)}" is no signal`)
  return name as NodeJS.Signals
}

export type Signalled = { calls: ExecCalls; id: string; mark: string; isTerminal: boolean }

/**
 * Signals the command by the process number that the engine tells. The number counts only on the engine's own machine and until it is used again,
 * so the process must carry the mark in its environment. False where it cannot be found or touched; true also when the command has ended.
 */
export async function signalExec({ calls, id, mark, isTerminal }: Signalled, name: NodeJS.Signals): Promise<boolean> {
  const { running, pid } = await calls.inspect(id)
  if (!running) return true
  if (pid === undefined || !(await isMarked(pid, mark))) return false
  const foreground = isTerminal ? await foregroundGroup(pid) : undefined
  try {
    process.kill(pid, name)
    if (foreground !== undefined && foreground !== pid) process.kill(-foreground, name)
  } catch (error) {
    // Gone in the meantime is as good as signalled.
    return (error as NodeJS.ErrnoException).code === "ESRCH"
  }
  return true
}

async function isMarked(pid: number, mark: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "")
  return environment.split("\0").includes(mark)
}

/** The process group in the foreground of the process's terminal (proc(5), `tpgid`), as this machine counts. */
async function foregroundGroup(pid: number): Promise<number | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")
  // The name, in brackets, may hold anything.
  const group = Number(line.slice(line.lastIndexOf(")") + 2).split(" ")[5])
  return group > 1 ? group : undefined
}
