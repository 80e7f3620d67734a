import { describeError } from "../errors"

/** How something about this server stands: `verdict` says it in a sentence, and `remedy` in another what to do, where something is to be done. */
export type Verdict = { status: "ok" | "warn" | "bad" | "unknown"; verdict: string; remedy?: string }

export type Check = { name: string } & Verdict

/** How long one check may take. */
export const checkLimitMs = 5000

/** One check under its name, within its time: what did not end, or failed by itself, is `unknown` and never keeps the others from their answer. */
export async function limited(name: string, look: () => Promise<Verdict> | Verdict, limitMs = checkLimitMs): Promise<Check> {
  const { promise: late, resolve } = Promise.withResolvers<Verdict>()
  const timer = setTimeout(
    () =>
      resolve({
        status: "unknown",
        verdict: `This was not found out within ${limitMs / 1000} seconds.`,
        remedy: "Look again in a moment.",
      }),
    limitMs,
  )
  try {
    return { name, ...(await Promise.race([Promise.try(look), late])) }
  } catch (error) {
    return { name, status: "unknown", verdict: `The check itself failed: ${describeError(error)}.` }
  } finally {
    clearTimeout(timer)
  }
}

/** What a promise brings, or after `limitMs` something else instead. */
export async function within<T>(promise: Promise<T>, limitMs: number, instead: T): Promise<T> {
  const { promise: late, resolve } = Promise.withResolvers<T>()
  const timer = setTimeout(() => resolve(instead), limitMs)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
