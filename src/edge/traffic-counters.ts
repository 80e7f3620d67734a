import { BUCKETS, bucketOf, Histogram } from "../traffic/histogram"
import type { HostTally, TrafficMinute, TrafficSource } from "../traffic/model"
import { EdgeTotals } from "./edge-totals"

/** Names counted in one minute: what an appliance is built for. About 250 bytes each, so 25 MiB at the most. */
const MAX_HOSTS = 100_000

/** Cells of all histograms together in one minute, 16 MiB: 40 for each of the names above. */
const MAX_CELLS = 1 << 22

/** Sizes of a histogram: most names need few buckets. Only the last is addressed by bucket, the others are searched. */
const SIZES = [8, 32, BUCKETS] as const

/** Fields of a name in `counts`: requests, one for each status class, then where its histogram is, how large, and how much of it is used. */
const WIDTH = 9
const CELLS_AT = 6
const CELLS_SIZE = 7
const CELLS_USED = 8

/** Fields of a name in `sums`. */
const SUMS = 3
const BYTES_OUT = 1
const FIRST_AT = 2

/** Counts of names as flat arrays, to be handed to another thread; `hosts` are joined by newlines. */
export type PackedMinute = {
  unnamed: number
  hosts: string
  counts: Uint32Array<ArrayBuffer>
  sums: Float64Array<ArrayBuffer>
  cells: Uint32Array<ArrayBuffer>
}

/**
 * Counts requests by hostname, in memory and by the minute. `note` is called for each request: it costs about 100 ns and allocates nothing for a
 * name that was seen in this minute.
 */
export class TrafficCounters implements TrafficSource {
  readonly totals = new EdgeTotals()
  current: MinuteCounts
  private elsewhere: (() => Promise<void>)[] = []

  constructor(
    /** `onTaken` sees each minute that is over. */
    private options: { maxHosts?: number; maxCells?: number; onTaken?: (minute: TrafficMinute) => void } = {},
    private now = Date.now,
  ) {
    this.current = new MinuteCounts(this.minuteOf(now()), this.limits(), now)
  }

  /**
   * `host` is a name of the route table, given as the table's own string, since it is kept; `status` 0 is a client that left before there was
   * one, which counts as 4xx; times are milliseconds.
   */
  note(host: string, status: number, bytesIn: number, bytesOut: number, totalMs: number): void {
    this.current.note(host, status, bytesIn, bytesOut, totalMs)
  }

  /** Registers a way to bring in (`merge`) what is counted elsewhere; it never rejects. */
  include(bringIn: () => Promise<void>): void {
    this.elsewhere.push(bringIn)
  }

  async gather(): Promise<void> {
    await Promise.all(this.elsewhere.map((bringIn) => bringIn()))
  }

  /** Adds counts made elsewhere to the current minute. */
  merge(packed: PackedMinute): void {
    this.current.absorb(packed)
  }

  take(start: number): MinuteCounts {
    const taken = this.current
    this.current = new MinuteCounts(start, this.limits(), this.now, taken)
    this.options.onTaken?.(taken)
    return taken
  }

  private minuteOf(ms: number): number {
    return Math.floor(ms / 60_000) * 60_000
  }

  private limits() {
    return { hosts: this.options.maxHosts ?? MAX_HOSTS, cells: this.options.maxCells ?? MAX_CELLS }
  }
}

/**
 * One minute's counts, in a few flat arrays rather than an object for each name. A histogram is a run of cells in one array; a cell of a small
 * histogram is `bucket << 24 | count`, and a full one moves to a larger run and leaves its own unused until the minute is over.
 */
class MinuteCounts implements TrafficMinute {
  unnamed = 0
  private slots = new Map<string, number>()
  private counts: Uint32Array<ArrayBuffer>
  private sums: Float64Array<ArrayBuffer>
  private cells: Uint32Array<ArrayBuffer>
  private cellsUsed = 0

  /** `before` is the minute before this one, which says what sizes to begin with. */
  constructor(
    readonly start: number,
    private limits: { hosts: number; cells: number },
    private now: () => number,
    before?: MinuteCounts,
  ) {
    const hosts = Math.max(64, before?.slots.size ?? 0)
    this.counts = new Uint32Array(hosts * WIDTH)
    this.sums = new Float64Array(hosts * SUMS)
    this.cells = new Uint32Array(Math.max(1024, before?.cellsUsed ?? 0))
  }

  note(host: string, status: number, bytesIn: number, bytesOut: number, totalMs: number): void {
    const slot = this.slots.get(host) ?? this.open(host)
    if (slot < 0) {
      this.unnamed++
      return
    }
    const { counts, sums } = this
    const at = slot * WIDTH
    const klass = status < 100 ? 4 : status < 200 ? 1 : status < 300 ? 2 : status < 400 ? 3 : status < 500 ? 4 : 5
    counts[at]!++
    counts[at + klass]!++
    sums[slot * SUMS]! += bytesIn
    sums[slot * SUMS + BYTES_OUT]! += bytesOut
    this.count(at, bucketOf(totalMs), 1)
  }

  /** The arrays themselves: what is packed counts no more. */
  pack(): PackedMinute {
    const { unnamed, counts, sums, cells } = this
    return { unnamed, hosts: [...this.slots.keys()].join("\n"), counts, sums, cells }
  }

  /** Adds what was packed elsewhere; names beyond the bound count as unnamed. */
  absorb({ unnamed, hosts, counts, sums, cells }: PackedMinute): void {
    this.unnamed += unnamed
    for (const [index, host] of (hosts === "" ? [] : hosts.split("\n")).entries()) {
      const slot = this.slots.get(host) ?? this.open(host)
      const from = index * WIDTH
      if (slot < 0) {
        this.unnamed += counts[from]!
        continue
      }
      const at = slot * WIDTH
      for (let field = 0; field < CELLS_AT; field++) this.counts[at + field]! += counts[from + field]!
      for (let field = 0; field < FIRST_AT; field++) this.sums[slot * SUMS + field]! += sums[index * SUMS + field]!
      const firstAt = slot * SUMS + FIRST_AT
      this.sums[firstAt] = Math.min(this.sums[firstAt]!, sums[index * SUMS + FIRST_AT]!)
      for (const [bucket, times] of timesOf(counts, from, cells)) this.count(at, bucket, times)
    }
  }

  tally(host: string): HostTally | undefined {
    const slot = this.slots.get(host)
    return slot === undefined ? undefined : this.read(host, slot, new Histogram())
  }

  *tallies(): Iterable<HostTally> {
    const histogram = new Histogram()
    for (const [host, slot] of this.slots) yield this.read(host, slot, histogram)
  }

  /** A slot for a name that is new in this minute, or -1 past the bound. */
  private open(host: string): number {
    const slot = this.slots.size
    if (slot >= this.limits.hosts) return -1
    this.counts = withRoom(this.counts, (slot + 1) * WIDTH)
    this.sums = withRoom(this.sums, (slot + 1) * SUMS)
    this.sums[slot * SUMS + FIRST_AT] = this.now()
    this.slots.set(host, slot)
    return slot
  }

  private count(at: number, bucket: number, times: number): void {
    const { counts, cells } = this
    const first = counts[at + CELLS_AT]!
    const size = counts[at + CELLS_SIZE]!
    if (size === BUCKETS) {
      cells[first + bucket]! += times
      return
    }
    const used = counts[at + CELLS_USED]!
    for (let i = first; i < first + used; i++) {
      if (cells[i]! >>> 24 === bucket) {
        // 24 bits, 16 million requests of one name in one minute, are more than the edge can serve.
        cells[i]! += times
        return
      }
    }
    if (used === size) {
      // Past the bound on cells times of further buckets are not sampled, and the counts stay right.
      if (this.enlarge(at)) this.count(at, bucket, times)
      return
    }
    cells[first + used] = ((bucket << 24) | times) >>> 0
    counts[at + CELLS_USED] = used + 1
  }

  private enlarge(at: number): boolean {
    const { counts } = this
    const first = counts[at + CELLS_AT]!
    const used = counts[at + CELLS_USED]!
    const size = SIZES.find((larger) => larger > counts[at + CELLS_SIZE]!)!
    const target = this.cellsUsed
    if (target + size > this.limits.cells) return false
    this.cells = withRoom(this.cells, target + size)
    this.cellsUsed += size
    const { cells } = this
    for (let i = 0; i < used; i++) {
      const cell = cells[first + i]!
      if (size === BUCKETS) cells[target + (cell >>> 24)] = cell & 0xffffff
      else cells[target + i] = cell
    }
    counts[at + CELLS_AT] = target
    counts[at + CELLS_SIZE] = size
    return true
  }

  private read(host: string, slot: number, histogram: Histogram): HostTally {
    const { counts, sums, cells } = this
    const at = slot * WIDTH
    histogram.clear()
    for (const [bucket, times] of timesOf(counts, at, cells)) histogram.add(bucket, times)
    return {
      host,
      firstAt: sums[slot * SUMS + FIRST_AT]!,
      requests: counts[at]!,
      status1xx: counts[at + 1]!,
      status2xx: counts[at + 2]!,
      status3xx: counts[at + 3]!,
      status4xx: counts[at + 4]!,
      status5xx: counts[at + 5]!,
      bytesIn: sums[slot * SUMS]!,
      bytesOut: sums[slot * SUMS + BYTES_OUT]!,
      histogram: histogram.encode(),
    }
  }
}

/** The buckets of the name whose counts begin at `at`, and how many times each has. */
function* timesOf(counts: Uint32Array, at: number, cells: Uint32Array): Generator<[bucket: number, times: number]> {
  const first = counts[at + CELLS_AT]!
  const isWhole = counts[at + CELLS_SIZE] === BUCKETS
  const used = isWhole ? BUCKETS : counts[at + CELLS_USED]!
  for (let i = 0; i < used; i++) {
    const cell = cells[first + i]!
    if (!isWhole) yield [cell >>> 24, cell & 0xffffff]
    else if (cell > 0) yield [i, cell]
  }
}

/** The array itself, or one at least twice as long with the same beginning. */
function withRoom<T extends Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(array: T, length: number): T {
  if (length <= array.length) return array
  const larger = new (array.constructor as new (length: number) => T)(Math.max(length, array.length * 2))
  larger.set(array)
  return larger
}
