import type { HostTally, TrafficMinute } from "../traffic/model"

/** Requests of one hostname by class of status, from `1xx` to `5xx`, and bytes of answers' bodies, since its counting began. */
export type HostCount = { host: string; classes: Record<string, number>; bytesOut: number }

type Sum = { classes: [number, number, number, number, number]; bytesOut: number }

/**
 * Adds up the minutes of the few hostnames that somebody named, so that their counts only grow. Costs nothing at a request: what is counted by the
 * minute anyway is read when the minute is over.
 */
export class HostCounts {
  private before = new Map<string, Sum>()

  /** `hosts` are those of the moment; one that is no longer among them is forgotten. */
  constructor(private hosts: () => readonly string[]) {}

  /** A minute is over. */
  keep(minute: TrafficMinute): void {
    const kept = new Map<string, Sum>()
    for (const host of this.hosts()) kept.set(host, sum(this.before.get(host), minute.tally(host)))
    this.before = kept
  }

  /** With what the running minute has so far. */
  read(current: TrafficMinute): HostCount[] {
    return this.hosts().map((host) => {
      const { classes, bytesOut } = sum(this.before.get(host), current.tally(host))
      return { host, classes: Object.fromEntries(classes.map((count, index) => [`${index + 1}xx`, count])), bytesOut }
    })
  }
}

function sum(before: Sum | undefined, tally: HostTally | undefined): Sum {
  const [a, b, c, d, e] = before?.classes ?? [0, 0, 0, 0, 0]
  const bytesOut = before?.bytesOut ?? 0
  if (tally === undefined) return { classes: [a, b, c, d, e], bytesOut }
  const { status1xx, status2xx, status3xx, status4xx, status5xx } = tally
  return { classes: [a + status1xx, b + status2xx, c + status3xx, d + status4xx, e + status5xx], bytesOut: bytesOut + tally.bytesOut }
}
