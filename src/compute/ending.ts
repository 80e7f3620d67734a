import type { ContainerRow } from "../db/schema"
import type { EngineContainer } from "../engine/model"

const firstPauseMs = 1000
const maxPauseMs = 60_000
/** Whoever ran this long ends for another reason than the last time. */
const longRunMs = 10_000

/** What an ended container's status says: an application that ended well has stopped; every other end is a failure. */
export function endOf(
  row: Pick<ContainerRow, "memoryMb">,
  { state, exitCode, outOfMemory }: Pick<EngineContainer, "state" | "exitCode" | "outOfMemory">,
): Pick<ContainerRow, "status"> & { statusDetail: string } {
  if (state !== "exited" && state !== "dead") return { status: "stopped", statusDetail: `the engine says the container is ${state}` }
  if (outOfMemory) return { status: "failed", statusDetail: `the application was ended for using more than ${row.memoryMb} MB of memory` }
  return { status: exitCode === 0 ? "stopped" : "failed", statusDetail: `the application ended with exit code ${exitCode}` }
}

/** When its policy starts it again, and how often that was by then; undefined where it does not. The pause doubles up to a minute. */
export function restartAfter(
  row: Pick<ContainerRow, "restartPolicy" | "restarts" | "memoryMb">,
  found: Pick<EngineContainer, "state" | "exitCode" | "outOfMemory" | "startedAt" | "finishedAt">,
): { pauseMs: number; restarts: number } | undefined {
  if (found.state !== "exited" && found.state !== "dead") return undefined
  const isFailure = endOf(row, found).status === "failed"
  if (row.restartPolicy === "no" || (row.restartPolicy === "on-failure" && !isFailure)) return undefined
  const ranMs = (found.finishedAt ?? 0) - (found.startedAt ?? 0)
  const before = ranMs >= longRunMs ? 0 : row.restarts
  return { pauseMs: Math.min(firstPauseMs * 2 ** Math.min(before, 10), maxPauseMs), restarts: before + 1 }
}
