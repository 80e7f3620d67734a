import type { Verdict } from "./check"

/** What the CAA records of a name come to: who is asked to certify it, and what stands in the way. */
export type CaaFinding = {
  authorities: string[]
  problem?: { severity: "blocked" | "warning" | "notice"; sentence: string; fix: string | null }
}

/** Whether the CAA records of a name (RFC 8659) let those certify it whom the settings name. */
export function checkCaa(name: string, { authorities, problem }: CaaFinding): Verdict {
  if (authorities.length === 0)
    return {
      status: "ok",
      verdict: `CAA records do not count for ${name}: the built-in CA certifies it, or one whose name in such records is not known.`,
    }
  if (problem === undefined) return { status: "ok", verdict: `The CAA records above ${name} let ${authorities[0]} certify it.` }
  return {
    status: problem.severity === "blocked" ? "bad" : problem.severity === "warning" ? "warn" : "ok",
    verdict: problem.sentence,
    ...(problem.fix === null ? {} : { remedy: problem.fix }),
  }
}
