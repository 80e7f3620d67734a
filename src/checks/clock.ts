import { dlopen, ptr } from "bun:ffi"
import type { Verdict } from "./check"
import type { HttpsAnswer } from "./outbound"

/** Codes of a second factor change every half minute, and certificates begin at the second. */
const offMs = 30_000
const wrongMs = 5 * 60_000
/** A `Date` field names a second (RFC 9110 section 6.6.1), so on the average half of one more has gone by. */
const halfSecondMs = 500

/** Whether this machine's clock is right, by the time of an HTTPS answer, and whether the kernel says that somebody keeps it so. */
export function checkClock(answer: HttpsAnswer, isKept: boolean | undefined): Verdict {
  const offBy = clockOffsetMs(answer)
  const keep = "Switch time synchronisation on (“timedatectl set-ntp true”, or install chrony)."
  if (offBy === undefined) {
    if (isKept === true) return { status: "ok", verdict: "The kernel says that the clock is synchronised." }
    return {
      status: isKept === false ? "warn" : "unknown",
      verdict: `${isKept === false ? "Nobody synchronises this machine's clock, and no" : "No"} server of the world told its time.`,
      remedy: keep,
    }
  }
  const distance = Math.abs(offBy)
  if (distance > offMs)
    return {
      status: distance > wrongMs ? "bad" : "warn",
      verdict: `The clock is ${span(distance)} ${offBy > 0 ? "fast" : "slow"}, by the time of ${answer.host}.`,
      remedy: `${keep} Certificates, logins and signatures fail by a wrong clock.`,
    }
  const verdict = `The clock agrees with that of ${answer.host}`
  return isKept === false
    ? { status: "ok", verdict: `${verdict}; nobody synchronises it, so it will drift.`, remedy: keep }
    : { status: "ok", verdict: `${verdict}.` }
}

/** How far our clock is ahead; undefined where the answer has no time. */
export function clockOffsetMs(answer: HttpsAnswer): number | undefined {
  if (answer.problem !== undefined || answer.serverTime === undefined) return undefined
  return (answer.askedAt + answer.answeredAt) / 2 - (answer.serverTime + halfSecondMs)
}

function span(ms: number): string {
  const [amount, unit] =
    ms >= 2 * 86_400_000
      ? [ms / 86_400_000, "days"]
      : ms >= 2 * 3_600_000
        ? [ms / 3_600_000, "hours"]
        : ms >= 120_000
          ? [ms / 60_000, "minutes"]
          : [ms / 1000, "seconds"]
  return `${Math.round(amount)} ${unit}`
}

const timeError = 5

/** adjtimex(2), asked without changing anything: whether the kernel takes its clock for synchronised; undefined where it cannot be asked. */
export function isClockKept(): boolean | undefined {
  for (const library of ["libc.so.6", "libc.so", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`]) {
    try {
      const { symbols, close } = dlopen(library, { adjtimex: { args: ["ptr"], returns: "int" } })
      // Larger than the struct on any machine of 64 bits.
      const state = symbols.adjtimex(ptr(new Uint8Array(512)))
      close()
      return state < 0 ? undefined : state !== timeError
    } catch {
      // Another C library's name, then.
    }
  }
  return undefined
}
