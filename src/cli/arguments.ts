import { type ParseArgsConfig, parseArgs } from "node:util"

/** A command line that cannot be understood: exit code 2 and the usage line. */
export class UsageError extends Error {}

export type FlagKind = "text" | "list" | "switch"

/** The flags of one command, checked against what it knows. */
export class Flags {
  constructor(private values: Record<string, unknown>) {}

  /** Undefined when not given; throws UsageError when given empty. */
  text(name: string): string | undefined {
    const value = this.values[name]
    if (typeof value !== "string") return undefined
    if (value === "") throw new UsageError(`--${name} is empty`)
    return value
  }

  /** Throws UsageError when not given or empty. */
  required(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw new UsageError(`--${name} is missing`)
    return value
  }

  list(name: string): string[] {
    const values = this.values[name]
    return Array.isArray(values) ? values.filter((value) => typeof value === "string") : []
  }

  has(name: string): boolean {
    return this.values[name] !== undefined
  }
}

/** Splits arguments into flags, some of which have a letter too, and the rest; throws UsageError that names the flag at fault. */
export function parseFlags(
  args: string[],
  known: Record<string, FlagKind>,
  shorts: Record<string, string> = {},
): { flags: Flags; rest: string[] } {
  const options: NonNullable<ParseArgsConfig["options"]> = {}
  for (const [name, kind] of Object.entries(known)) {
    options[name] = kind === "switch" ? { type: "boolean" } : { type: "string", multiple: kind === "list" }
  }
  for (const [letter, name] of Object.entries(shorts))
    options[name] = { ...options[name], type: options[name]?.type ?? "boolean", short: letter }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true })
    return { flags: new Flags(values), rest: positionals }
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_"))
      throw new UsageError(inOurWords(error))
    throw error
  }
}

function inOurWords(error: Error): string {
  const flag = /'(?:-\w, )?(--?[^'\s]+)/.exec(error.message)?.[1]
  if (flag === undefined) return error.message
  if (error.message.startsWith("Unknown option")) return `unknown flag ${flag}`
  if (error.message.includes("does not take")) return `${flag} takes no value`
  return `${flag} needs a value (one that starts with a dash is written ${flag}=VALUE)`
}

/** A whole number within limits; throws UsageError that names the flag. */
export function parseNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) throw new UsageError(`${flag} is a number from ${least} to ${most}, not "${text}"`)
  return value
}

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** A span such as `90s`, `10m` or `1h` in milliseconds, at most a day; throws UsageError that names the flag. */
export function parseSpan(flag: string, text: string): number {
  const [, amount, unit] = /^(\d{1,8})(ms|s|m|h)$/.exec(text) ?? []
  const spanMs = Number(amount) * (unitMs[unit ?? ""] ?? Number.NaN)
  if (!(spanMs > 0 && spanMs <= 24 * 3_600_000)) throw new UsageError(`${flag} is a span up to 24h such as 90s or 10m, not "${text}"`)
  return spanMs
}

/** Mebibytes from `512`, `512m` or `1g`; throws UsageError. */
export function parseMemory(text: string): number {
  const [, amount, unit] = /^(\d{1,7})([mg]?)$/i.exec(text) ?? []
  const megabytes = Number(amount) * (unit?.toLowerCase() === "g" ? 1024 : 1)
  if (!(megabytes > 0)) throw new UsageError(`--memory is a size such as 512m or 1g, not "${text}"`)
  return megabytes
}

/** Gibibytes from `10`, `10g` or `1t`; throws UsageError. */
export function parseStorage(text: string): number {
  const [, amount, unit] = /^(\d{1,5})([gt]?)$/i.exec(text) ?? []
  const gigabytes = Number(amount) * (unit?.toLowerCase() === "t" ? 1024 : 1)
  if (!(gigabytes > 0)) throw new UsageError(`--storage is a size such as 10g, not "${text}"`)
  return gigabytes
}

/** `KEY=action,action` flags as the API's map of scope to actions; one key given twice is joined. Throws UsageError. */
export function parseScopes(texts: string[]): Record<string, string[]> {
  const scopes = new Map<string, Set<string>>()
  for (const text of texts) {
    const at = text.indexOf("=")
    const key = text.slice(0, Math.max(at, 0)).trim()
    const actions = text
      .slice(at + 1)
      .split(",")
      .map((action) => action.trim())
    if (key === "" || actions.includes("")) throw new UsageError(`--scope is KEY=ACTION,ACTION, not "${text}"`)
    const known = scopes.get(key) ?? new Set()
    for (const action of actions) known.add(action)
    scopes.set(key, known)
  }
  return Object.fromEntries(Array.from(scopes, ([key, actions]) => [key, Array.from(actions)]))
}

/** `80=32400` flags as the API's map of container port to real port; throws UsageError. */
export function parsePortMap(texts: string[]): Record<string, number> {
  const ports: Record<string, number> = {}
  for (const text of texts) {
    const [from, to, extra] = text.split("=")
    if (from === undefined || to === undefined || extra !== undefined) throw new UsageError(`--port-map is PORT=REAL_PORT, not "${text}"`)
    ports[parseNumber("--port-map", from, 1, 65535)] = parseNumber("--port-map", to, 1, 65535)
  }
  return ports
}
