/** Bounds in days, and the names of what lies below each; what lies beyond the last has one of its own. */
const bins = [
  [0, "expired"],
  [1, "0-1"],
  [7, "1-7"],
  [14, "7-14"],
  [30, "14-30"],
  [90, "30-90"],
] as const
const beyond = "90+"

const DAY_MS = 86_400_000
const ROWS_A_TURN = 500

/** Certificates in use at one moment: by days left (every bin, empty ones too), and the soonest end in Unix milliseconds. */
export type CertificateCensus = { daysLeft: Record<string, number>; overdue: number; expired: number; soonestEnd: number | undefined }

export type CensusNeeds = {
  ends: () => AsyncIterable<{ hostname: string; notAfter: number; renewAt: number }>
  /** Whether a name is served: what is kept of others ends without harm. */
  isServed: (hostname: string) => boolean
  now: () => number
}

/**
 * Counts the certificates that are in use. One is overdue when a quarter of the time between its renewal and its end is over: by then a renewal has
 * failed again and again. Others have their turn after every 500 rows.
 */
export async function takeCensus({ ends, isServed, now }: CensusNeeds): Promise<CertificateCensus> {
  const at = now()
  const daysLeft: Record<string, number> = Object.fromEntries([...bins.map(([, name]) => name), beyond].map((name) => [name, 0]))
  let overdue = 0
  let soonestEnd: number | undefined
  let seen = 0
  for await (const { hostname, notAfter, renewAt } of ends()) {
    if (++seen % ROWS_A_TURN === 0) await Bun.sleep(1)
    if (!isServed(hostname)) continue
    daysLeft[binOf((notAfter - at) / DAY_MS)]!++
    if (at > renewAt + (notAfter - renewAt) / 4) overdue++
    if (soonestEnd === undefined || notAfter < soonestEnd) soonestEnd = notAfter
  }
  return { daysLeft, overdue, expired: daysLeft.expired ?? 0, soonestEnd }
}

const binOf = (days: number): string => bins.find(([bound]) => days < bound)?.[1] ?? beyond
