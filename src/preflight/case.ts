import type { Lookup } from "../dns/lookup"
import type { CdnFinder } from "./cdn"
import type { Lookups } from "./lookups"
import type { PreflightInput } from "./report"

/** One hostname under examination: what was asked for, and what the first look-ups found. */
export type Case = {
  input: PreflightInput
  lookups: Lookups
  /** The name that visitors ask for; of a wildcard the `*` name, which has the records of all. */
  name: string
  /** The zone the name lies in. */
  zone: string
  cname: Lookup
  a: Lookup
  aaaa: Lookup
  cdn: CdnFinder
  now: () => number
}
