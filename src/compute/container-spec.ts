import type { ContainerRow, InstanceTypeRow } from "../db/schema"
import type { ContainerSpec } from "../engine/model"

/** Carries the container's id at the engine, so that it is found again even when we died between its making and our noting it. */
export const idLabel = "freehold.id"

const processLimit = 1024

/** What a container is called at the engine. */
export const nameOf = (row: Pick<ContainerRow, "id">) => `freehold-${row.id}`

/** What the engine is asked to make of a row; a type that was taken away since leaves one processor. */
export function containerSpec(row: ContainerRow, type: InstanceTypeRow | undefined, mounts: ContainerSpec["mounts"]): ContainerSpec {
  return {
    name: nameOf(row),
    image: row.image ?? "",
    memoryMb: row.memoryMb,
    cpus: type?.cpus ?? 1,
    pids: row.pidsLimit ?? type?.pids ?? processLimit,
    labels: { [idLabel]: row.id },
    env: JSON.parse(row.env) as Record<string, string>,
    ...(row.command === null ? {} : { command: JSON.parse(row.command) as string[] }),
    mounts,
  }
}
