import type { ContainerRow } from "../db/schema"
import { AppError } from "../errors"

/** What may be set of a container that an engine runs, as its row has it. */
export type Definition = Pick<
  ContainerRow,
  | "image"
  | "memoryMb"
  | "storageGb"
  | "instanceType"
  | "pullPolicy"
  | "env"
  | "command"
  | "restartPolicy"
  | "pidsLimit"
  | "mountPaths"
  | "sshEnabled"
>

/** A port that is open to the world, and the container's port behind it. */
export type PortRule = { port: number; targetPort: number }

const maxMemoryMb = 1024 * 1024
const maxStorageGb = 64 * 1024
const maxPids = 32_768
const maxImageLength = 255
const maxVariables = 200
const maxEnvChars = 32 * 1024
const maxWords = 200
const maxCommandChars = 16 * 1024
const maxMounts = 16
const maxPathLength = 255
const maxRules = 100
const component = "[a-z0-9][a-z0-9._-]*"

/** [registry[:port]/]path[:tag][@digest]. It stands in a path of the engine's API, so no component may begin with a dot. */
const imageReference = new RegExp(`^${component}(:\\d+)?(/${component})*(:\\w[\\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$`, "i")

/** A create body, but for the name; absent numbers and those below 1 stand for the default. Throws `invalid`, naming the field and its rule. */
export function parseDefinition(body: Record<string, unknown>, instanceTypes: string[]): Definition {
  const instanceType = body.instance_type ?? instanceTypes[0]
  if (typeof instanceType !== "string" || !instanceTypes.includes(instanceType))
    throw new AppError("invalid", `instance_type must be one of: ${instanceTypes.join(", ")}`)
  const isSsh = body.ssh_enabled ?? body.enable_ssh ?? false
  if (typeof isSsh !== "boolean") throw new AppError("invalid", "ssh_enabled must be true or false")
  return {
    instanceType,
    memoryMb: parseAmount("memory_mb", body.memory_mb, { standard: 512, min: 16, max: maxMemoryMb }),
    storageGb: parseAmount("storage_gb", body.storage_gb, { standard: 5, min: 1, max: maxStorageGb }),
    mountPaths: JSON.stringify(isAbsent(body.mount_paths) ? ["/root"] : parseMountPaths(body.mount_paths)),
    image: parseImage(body.image),
    pullPolicy: isAbsent(body.pull_policy) || body.pull_policy === "" ? "IfNotPresent" : parsePullPolicy(body.pull_policy),
    env: JSON.stringify(parseEnv(body.env)),
    command: parseCommand(body.command),
    restartPolicy: parseRestartPolicy(body.restart_policy),
    pidsLimit: isAbsent(body.pids_limit) ? null : parseAmount("pids_limit", body.pids_limit, { standard: null, min: 8, max: maxPids }),
    sshEnabled: isSsh ? 1 : 0,
  }
}

/** The body of an update: only what it names; the result is empty when it names nothing. Throws `invalid`. */
export function parseChange(body: Record<string, unknown>, instanceTypes: string[]): Partial<Definition> {
  const parsers: Record<string, (now: Definition) => Partial<Definition>> = {
    image: ({ image }) => ({ image }),
    memory_mb: ({ memoryMb }) => ({ memoryMb }),
    storage_gb: ({ storageGb }) => ({ storageGb }),
    instance_type: ({ instanceType }) => ({ instanceType }),
    pull_policy: ({ pullPolicy }) => ({ pullPolicy }),
    env: ({ env }) => ({ env }),
    command: ({ command }) => ({ command }),
    restart_policy: ({ restartPolicy }) => ({ restartPolicy }),
    pids_limit: ({ pidsLimit }) => ({ pidsLimit }),
  }
  const unknown = Object.keys(body).find((key) => !Object.hasOwn(parsers, key))
  if (unknown !== undefined)
    throw new AppError("invalid", `"${unknown.slice(0, 40)}" cannot be changed: a rebuild changes ${Object.keys(parsers).join(", ")}`)
  const parsed = parseDefinition({ image: "unset", ...body }, instanceTypes)
  return Object.assign({}, ...Object.keys(body).map((key) => parsers[key]?.(parsed)))
}

function parseAmount<T extends number | null>(
  field: string,
  raw: unknown,
  { standard, min, max }: { standard: T; min: number; max: number },
): number | T {
  if (isAbsent(raw) || (typeof raw === "number" && raw <= 0)) return standard
  if (typeof raw === "number" && Number.isInteger(raw) && raw >= min && raw <= max) return raw
  throw new AppError("invalid", `${field} must be a whole number from ${min} to ${max}`)
}

/** The reference, trimmed; throws `invalid`. */
export function parseImage(raw: unknown): string {
  const image = typeof raw === "string" ? raw.trim() : ""
  if (image === "") throw new AppError("invalid", "image is required")
  if (!imageReference.test(image) || image.length > maxImageLength)
    throw new AppError("invalid", `image "${image.slice(0, 80)}" is not an image reference`)
  return image
}

/** `Always` or `IfNotPresent`; throws `invalid`. */
export function parsePullPolicy(raw: unknown): string {
  if (raw === "Always" || raw === "IfNotPresent") return raw
  throw new AppError("invalid", "invalid pull_policy: must be 'Always' or 'IfNotPresent'")
}

function parseRestartPolicy(raw: unknown): ContainerRow["restartPolicy"] {
  if (isAbsent(raw) || raw === "") return "no"
  // As the engines call it; here a stop that was asked for always holds.
  if (raw === "unless-stopped") return "always"
  if (raw === "no" || raw === "on-failure" || raw === "always") return raw
  throw new AppError("invalid", "restart_policy must be no, on-failure or always")
}

function parseEnv(raw: unknown): Record<string, string> {
  if (isAbsent(raw)) return {}
  if (typeof raw !== "object" || raw === null || Array.isArray(raw))
    throw new AppError("invalid", 'env must be an object such as {"TZ": "Europe/Oslo"}')
  const entries = Object.entries(raw)
  if (entries.length > maxVariables) throw new AppError("invalid", `env has more than ${maxVariables} variables`)
  for (const [name, value] of entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) throw new AppError("invalid", `env: "${name.slice(0, 40)}" is not the name of a variable`)
    if (typeof value !== "string") throw new AppError("invalid", `env: the value of ${name.slice(0, 40)} must be a string`)
    if (value.includes("\0")) throw new AppError("invalid", `env: the value of ${name.slice(0, 40)} contains a zero byte`)
  }
  if (JSON.stringify(raw).length > maxEnvChars) throw new AppError("invalid", `env is longer than ${maxEnvChars} characters`)
  return Object.fromEntries(entries) as Record<string, string>
}

function parseCommand(raw: unknown): string | null {
  if (isAbsent(raw) || (Array.isArray(raw) && raw.length === 0)) return null
  const isWords = Array.isArray(raw) && raw.every((word) => typeof word === "string" && !word.includes("\0"))
  if (!isWords) throw new AppError("invalid", 'command must be a list of words such as ["sleep", "60"]')
  const text = JSON.stringify(raw)
  if (raw.length > maxWords || text.length > maxCommandChars)
    throw new AppError("invalid", `command is longer than ${maxWords} words or ${maxCommandChars} characters`)
  return text
}

/** Absolute paths in canonical form, each once; throws `invalid`. */
export function parseMountPaths(raw: unknown): string[] {
  if (!Array.isArray(raw) || raw.some((path) => typeof path !== "string"))
    throw new AppError("invalid", 'mount_paths must be a list such as ["/data"]')
  const paths = raw.map(parseMountPath)
  if (paths.length > maxMounts) throw new AppError("invalid", `mount_paths has more than ${maxMounts} paths`)
  return [...new Set(paths)]
}

function parseMountPath(raw: string): string {
  if (!raw.startsWith("/")) throw new AppError("invalid", "mount paths must be absolute (start with /)")
  const parts = raw.split("/").filter((part) => part !== "")
  // A colon ends the path in the engines' own notation.
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (parts.length === 0 || parts.some((part) => part === "." || part === "..") || /[:\u0000-\u001f\u007f]/.test(raw))
    throw new AppError("invalid", `mount path "${raw.slice(0, 80)}" is not a folder that can be mounted`)
  if (["proc", "sys", "dev"].includes(parts[0] ?? ""))
    throw new AppError("invalid", `mount path "${raw.slice(0, 80)}" belongs to the system`)
  const path = `/${parts.join("/")}`
  if (path.length > maxPathLength) throw new AppError("invalid", `a mount path is longer than ${maxPathLength} characters`)
  return path
}

/** 80, 443 or 8000 to 8999: what the world may be let in by. */
export function isOuterPort(port: unknown): port is number {
  return typeof port === "number" && Number.isInteger(port) && (port === 80 || port === 443 || (port >= 8000 && port <= 8999))
}

/** `{port, target_port?}`; without a target, and with 0, it is the port itself. Throws `invalid`. */
export function parseRule(raw: unknown): PortRule {
  const { port, target_port: target } = (typeof raw === "object" && raw !== null ? raw : { port: raw }) as Record<string, unknown>
  if (!isOuterPort(port)) throw new AppError("invalid", "external port not allowed")
  const targetPort = isAbsent(target) || target === 0 ? port : target
  if (typeof targetPort !== "number" || !Number.isInteger(targetPort) || targetPort < 1 || targetPort > 65_535)
    throw new AppError("invalid", "target port must be between 1 and 65535")
  return { port, targetPort }
}

/** The rules of a create body, each port once; throws `invalid`. */
export function parseRules(raw: unknown): PortRule[] {
  if (isAbsent(raw)) return []
  if (!Array.isArray(raw) || raw.length > maxRules)
    throw new AppError("invalid", `ingress_rules must be a list of at most ${maxRules} rules such as {"port": 443, "target_port": 8080}`)
  const rules = raw.map(parseRule)
  if (new Set(rules.map(({ port }) => port)).size < rules.length) throw new AppError("invalid", "ingress_rules names a port twice")
  return rules
}

const isAbsent = (raw: unknown) => raw === undefined || raw === null
