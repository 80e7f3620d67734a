/**
 * A histogram of times in buckets that grow by a constant factor, so that every percentile is off by at most 4 % of itself, and two histograms
 * are merged exactly by adding their counts. Kept as bytes: for each bucket that is not empty its number and its count (LEB128), in order.
 */

const RELATIVE_ERROR = 0.04
const GROWTH = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
const PER_LOG = 1 / Math.log(GROWTH)

/** Times up to this, the resolution of the edge's clock readings, share the first bucket. */
const LEAST_MS = 0.01

/** One byte says which bucket: from 0.01 ms to two hours. Longer times count in the last one. */
export const BUCKETS = 256

/** The bucket of a time in milliseconds; allocates nothing. */
export function bucketOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0
  // The small step down keeps a bound of a bucket in it, whatever the logarithm's last digit.
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LEAST_MS) * PER_LOG - 1e-9))
}

/** The time that stands for a bucket, as far (in proportion) from its lower bound as from its upper. */
const timeOf = (bucket: number) => (bucket === 0 ? LEAST_MS : (LEAST_MS * GROWTH ** bucket * 2) / (GROWTH + 1))

/** Counts by bucket, from which percentiles are read. */
export class Histogram {
  private counts = new Float64Array(BUCKETS)
  private total = 0

  add(bucket: number, count = 1): void {
    this.counts[bucket] = (this.counts[bucket] ?? 0) + count
    this.total += count
  }

  /** Adds what `encode` made of another. Throws on bytes that it cannot have made. */
  merge(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      const bucket = bytes[at++]!
      let count = 0
      let scale = 1
      for (let more = true; more; scale *= 128) {
        const byte = bytes[at++]
        if (byte === undefined || scale > 2 ** 49) throw new Error("a stored histogram is damaged")
        count += (byte & 127) * scale
        more = byte > 127
      }
      this.add(bucket, count)
    }
  }

  encode(): Uint8Array {
    const bytes: number[] = []
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      let count = this.counts[bucket]!
      if (count === 0) continue
      bytes.push(bucket)
      for (; count > 127; count = Math.floor(count / 128)) bytes.push(128 + (count % 128))
      bytes.push(count)
    }
    return Uint8Array.from(bytes)
  }

  clear(): void {
    this.counts.fill(0)
    this.total = 0
  }

  /** The time below or at which `share` (0 to 1) of the requests stayed, in milliseconds, by nearest rank; 0 when there were none. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.total))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.counts[bucket]!
      if (seen >= rank) return Math.round(timeOf(bucket) * 1000) / 1000
    }
    return 0
  }
}
