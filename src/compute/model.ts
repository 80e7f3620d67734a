import { randomBytes } from "node:crypto"
import type { ContainerRow } from "../db/schema"
import { AppError } from "../errors"

/** Who asks. */
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
  created_at: string
  ssh_enabled: false
  https_enabled: false
}

/** Where the edge finds a container, or why it does not. `port` leads from a container port to the real one. */
export type ContainerTarget = { running: boolean; reason?: string; address?: string; port: (targetPort: number) => number }

/** What may be set of a container that an engine runs. */
export type EngineContainerInput = { image: string; memoryMb: number; storageGb: number; instanceType: string; pullPolicy: string }

/** Processors of each instance type; the architecture that its name once stood for is whatever this machine is. */
export const instanceCpus: Record<string, number> = { nano: 0.5, micro: 1, mini: 2, tiny: 1, small: 2, medium: 4 }

const maxNameLength = 64
const maxMemoryMb = 1024 * 1024
const maxStorageGb = 64 * 1024
const maxImageLength = 255
const component = "[a-z0-9][a-z0-9._-]*"

/** [registry[:port]/]path[:tag][@digest]. It stands in a path of the engine's API, so no component may begin with a dot. */
const imageReference = new RegExp(`^${component}(:\\d+)?(/${component})*(:\\w[\\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$`, "i")

/** 8 hex digits, so that it is a DNS label: `<id>.compute.<base>`. */
export const newContainerId = () => randomBytes(4).toString("hex")

/** The trimmed name; throws `invalid`. */
export function parseName(raw: unknown): string {
  const name = typeof raw === "string" ? raw.trim() : ""
  if (name === "") throw new AppError("invalid", "name is required")
  if (name.length > maxNameLength) throw new AppError("invalid", `name is longer than ${maxNameLength} characters`)
  if (/\p{Cc}/u.test(name)) throw new AppError("invalid", "name contains control characters")
  return name
}

/** The rest of a create body; absent numbers and those below 1 stand for the default. Throws `invalid`, naming the field and its rule. */
export function parseEngineContainer(body: Record<string, unknown>): EngineContainerInput {
  const instanceType = body.instance_type ?? "nano"
  if (typeof instanceType !== "string" || !Object.hasOwn(instanceCpus, instanceType))
    throw new AppError("invalid", `instance_type must be one of: ${Object.keys(instanceCpus).join(", ")}`)
  return {
    instanceType,
    memoryMb: parseAmount("memory_mb", body.memory_mb, { standard: 512, min: 16, max: maxMemoryMb }),
    storageGb: parseAmount("storage_gb", body.storage_gb, { standard: 5, min: 1, max: maxStorageGb }),
    image: parseImage(body.image),
    pullPolicy: parsePullPolicy(body.pull_policy),
  }
}

function parseAmount(field: string, raw: unknown, { standard, min, max }: { standard: number; min: number; max: number }): number {
  if (raw === undefined || raw === null || (typeof raw === "number" && raw <= 0)) return standard
  if (typeof raw === "number" && Number.isInteger(raw) && raw >= min && raw <= max) return raw
  throw new AppError("invalid", `${field} must be a whole number from ${min} to ${max}`)
}

function parseImage(raw: unknown): string {
  const image = typeof raw === "string" ? raw.trim() : ""
  if (image === "") throw new AppError("invalid", "image is required")
  if (!imageReference.test(image) || image.length > maxImageLength)
    throw new AppError("invalid", `image "${image.slice(0, 80)}" is not an image reference`)
  return image
}

function parsePullPolicy(raw: unknown): string {
  if (raw === undefined || raw === null || raw === "") return "IfNotPresent"
  if (raw === "Always" || raw === "IfNotPresent") return raw
  throw new AppError("invalid", "invalid pull_policy: must be 'Always' or 'IfNotPresent'")
}

/** `trouble` says why the status of an engine's container may be out of date; undefined while the engine answers. */
export function containerReply(row: ContainerRow, baseDomain: string, trouble: string | undefined): ContainerReply {
  const detail = row.kind === "engine" && trouble !== undefined ? trouble : row.statusDetail
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    status: row.status,
    ...(detail === null ? {} : { status_detail: detail }),
    hostname: `${row.id}.compute.${baseDomain}`,
    ...(row.image === null ? {} : { image: row.image }),
    ...(row.address === null ? {} : { address: row.address }),
    ...(row.kind === "external" ? { ports: parsePorts(row) } : {}),
    memory_mb: row.memoryMb,
    storage_gb: row.storageGb,
    instance_type: row.instanceType,
    pull_policy: row.pullPolicy,
    created_at: new Date(row.createdAt).toISOString().replace(/\.\d{3}Z$/, "Z"),
    ssh_enabled: false,
    https_enabled: false,
  }
}

/** Container port → real port, as the row has it. */
export function parsePorts(row: ContainerRow): Record<string, number> {
  return JSON.parse(row.ports) as Record<string, number>
}
