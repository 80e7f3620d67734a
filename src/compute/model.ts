import type { ContainerRow } from "../db/schema"
import { AppError } from "../errors"

/** Who asks; `kind` is `session` where a person does so themselves. */
export type Caller = { personId: string; isAdmin: boolean }

/** A container as the compute API shows it (platform-api.md section 3.1, and `kind`, `image`, `address`, `ports`, `status_detail`). */
export type ContainerReply = {
  id: string
  name: string
  kind: ContainerRow["kind"]
  status: ContainerRow["status"]
  status_detail?: string
  hostname: string
  image?: string
  address?: string
  ports?: Record<string, number>
  memory_mb: number
  storage_gb: number
  instance_type: string
  pull_policy: string
  /** Of an engine's container: how it is started, and what becomes of it when it ends. */
  env?: Record<string, string>
  command?: string[]
  restart_policy?: ContainerRow["restartPolicy"]
  restarts?: number
  pids_limit?: number
  mount_paths?: string[]
  /** Only for one that runs and was sampled. */
  memory_used_mb?: number
  /** One decimal, cut off. */
  storage_used_gb?: number
  created_at: string
  ssh_enabled: boolean
  https_enabled: boolean
}

/** How the container engine stands, as the compute API shows it. */
export type EngineState = { state: "ready" | "none" | "away"; detail?: string }

/** What a container used at the last look, where there was one. */
export type ContainerUse = { memoryUsedMb?: number; storageUsedBytes?: number }

/** What a reply says beyond the row. */
export type ReplyContext = {
  baseDomain: string
  /** Why the status of an engine's container may be out of date; undefined while the engine answers. */
  trouble: string | undefined
  hasHttps: boolean
} & ContainerUse

/**
 * Where the edge finds a container, or why it does not. `port` leads from a container port to the real one; until `awaitedUntil` (milliseconds of the
 * clock) one of the engine that takes no requests is on its way up.
 */
export type ContainerTarget = {
  running: boolean
  reason?: string
  address?: string
  awaitedUntil?: number
  port: (targetPort: number) => number
}

const maxNameLength = 64

/** The trimmed name; throws `invalid`. */
export function parseName(raw: unknown): string {
  const name = typeof raw === "string" ? raw.trim() : ""
  if (name === "") throw new AppError("invalid", "name is required")
  if (name.length > maxNameLength) throw new AppError("invalid", `name is longer than ${maxNameLength} characters`)
  if (/\p{Cc}/u.test(name)) throw new AppError("invalid", "name contains control characters")
  return name
}

/** A container as its owner sees it. */
export function containerReply(row: ContainerRow, { baseDomain, trouble, hasHttps, ...used }: ReplyContext): ContainerReply {
  const detail = row.kind === "engine" && trouble !== undefined ? trouble : row.statusDetail
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    status: row.status,
    ...(detail === null ? {} : { status_detail: detail }),
    hostname: containerHost(row.id, baseDomain),
    ...(row.image === null ? {} : { image: row.image }),
    ...(row.address === null ? {} : { address: row.address }),
    ...(row.kind === "external" ? { ports: parsePorts(row) } : {}),
    memory_mb: row.memoryMb,
    storage_gb: row.storageGb,
    instance_type: row.instanceType,
    pull_policy: row.pullPolicy,
    ...(row.kind === "engine" ? engineFields(row) : {}),
    ...(row.status === "running" ? useFields(used) : {}),
    created_at: new Date(row.createdAt).toISOString().replace(/\.\d{3}Z$/, "Z"),
    ssh_enabled: row.sshEnabled === 1,
    https_enabled: hasHttps,
  }
}

function useFields({ memoryUsedMb, storageUsedBytes }: ContainerUse): Partial<ContainerReply> {
  return {
    ...(memoryUsedMb === undefined ? {} : { memory_used_mb: memoryUsedMb }),
    ...(storageUsedBytes === undefined ? {} : { storage_used_gb: gigabytes(storageUsedBytes) }),
  }
}

function engineFields(row: ContainerRow): Partial<ContainerReply> {
  return {
    env: JSON.parse(row.env) as Record<string, string>,
    ...(row.command === null ? {} : { command: JSON.parse(row.command) as string[] }),
    restart_policy: row.restartPolicy,
    restarts: row.restarts,
    ...(row.pidsLimit === null ? {} : { pids_limit: row.pidsLimit }),
    mount_paths: mountPathsOf(row),
  }
}

const gib = 1024 ** 3

/** Gibibytes with one decimal, cut off. */
export const gigabytes = (bytes: number) => Math.floor((bytes / gib) * 10) / 10

/** The paths whose contents are kept. */
export const mountPathsOf = (row: Pick<ContainerRow, "mountPaths">) => JSON.parse(row.mountPaths) as string[]

/** The name at which the edge serves a container's open ports. */
export const containerHost = (id: string, baseDomain: string) => `${id}.compute.${baseDomain}`

/** Container port → real port, as the row has it. */
export function parsePorts(row: ContainerRow): Record<string, number> {
  return JSON.parse(row.ports) as Record<string, number>
}
