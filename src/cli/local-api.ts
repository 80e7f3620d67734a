import type { Check } from "../checks/check"
import { AppError } from "../errors"

/** The whole of a look; each check has its own limit. */
const limitMs = 40_000

const nobody = new Set(["ENOENT", "ECONNREFUSED", "FailedToOpenSocket", "ConnectionRefused", "ENOTSOCK", "ENOTDIR"])

/**
 * Asks the appliance of this machine at its socket, which only root and the service's user may open. Where no answer comes, `check` says why, as a check of
 * its own. Throws `invalid` for what the appliance refuses.
 */
export async function askLocally<T>(
  socket: string,
  method: "GET" | "POST",
  path: string,
): Promise<{ answer: T; check?: undefined } | { answer?: undefined; check: Check }> {
  let res: Response
  try {
    res = await fetch(`http://freehold${path}`, { method, unix: socket, signal: AbortSignal.timeout(limitMs) })
  } catch (error) {
    return { check: { name: "appliance", ...reasonOf(error, socket) } }
  }
  const body = (await res.json()) as T & { error?: string }
  if (res.status === 200) return { answer: body }
  throw new AppError("invalid", body.error ?? `Freehold answered ${res.status}`)
}

function reasonOf(error: unknown, socket: string): Omit<Check, "name"> {
  const { code, name, message } = error as NodeJS.ErrnoException
  if (name === "TimeoutError")
    return {
      status: "bad",
      verdict: `Freehold runs and does not answer at ${socket} within ${limitMs / 1000} seconds.`,
      remedy: "Look at its log and at the load of the machine; if it stays so, restart it.",
    }
  if (code === "EACCES" || code === "EPERM")
    return { status: "bad", verdict: `This user may not open ${socket}.`, remedy: "Run this as root, or as the user of the service." }
  if (code !== undefined && nobody.has(code))
    return {
      status: "bad",
      verdict: `Freehold does not run: nobody answers at ${socket}.`,
      remedy: "Start it (“systemctl start freehold”, or “freehold serve”). If it runs elsewhere, name its data folder by --data-dir.",
    }
  return {
    status: "bad",
    verdict: `Freehold could not be asked at ${socket} (${code ?? message}).`,
    remedy: "See whether it runs: systemctl status freehold.",
  }
}
