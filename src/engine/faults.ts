import { AppError, describeError } from "../errors"

/** An engine may quote what a registry answered. */
const maxWords = 2000

/** The engine heard us and said no; the message names what was asked and quotes the engine. */
export class EngineFault extends Error {
  constructor(
    message: string,
    /** HTTP status of the engine's answer, where there was one. */
    readonly status: number | undefined,
    cause?: unknown,
  ) {
    super(message, { cause })
    this.name = "EngineFault"
  }

  /** True where the host cannot limit memory, CPU or processes: cgroups without the controller, or not delegated to the engine. */
  get concernsLimits(): boolean {
    return /cgroup|controller|memory limit|cpu quota|cpu cfs|nanocpus|pids limit/i.test(this.message)
  }
}

/** The engine does not answer at all, or not in time. */
export function engineGone(what: string, why: string, cause?: unknown): AppError {
  return new AppError("unavailable", `the container engine does not answer (${what}: ${why})`, { retryAfterSeconds: 10, cause })
}

/** True for the errors of `engineGone`. */
export function isEngineGone(error: unknown): boolean {
  return error instanceof AppError && error.code === "unavailable"
}

/** Reads an answer of the engine; one that cannot be read is as good as none, since whatever answers there is no engine. Throws AppError("unavailable"). */
export function understood<T, R>(what: string, answer: T, read: (answer: T) => R): R {
  try {
    return read(answer)
  } catch (error) {
    throw engineGone(what, "what it answered cannot be understood", error)
  }
}

/** The text that an engine names something by; throws for anything else. */
export function nameIn(value: unknown): string {
  if (typeof value !== "string" || value === "") throw new TypeError("no name")
  return value
}

/** An error of the client library as AppError("unavailable") or EngineFault. */
export function explainFault(what: string, error: unknown): Error {
  if (error instanceof AppError || error instanceof EngineFault) return error
  const status = statusOf(error)
  if (status === undefined) return engineGone(what, describeError(error), error)
  return new EngineFault(`${what}: ${engineWords(error)}`, status, error)
}

/** HTTP status of the engine's answer, or undefined where there was no answer. */
function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined
}

/** What the engine itself said; the library puts its own words around it. */
function engineWords(error: unknown): string {
  const json = error instanceof Error && "json" in error ? error.json : undefined
  if (typeof json === "object" && json !== null && "message" in json && typeof json.message === "string") return json.message
  return describeError(error)
    .slice(0, maxWords)
    .replace(/^\(HTTP code \d+\) \S+ ?[^-]*- /, "")
    .trim()
}
