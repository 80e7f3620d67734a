/** The streams that closed last, so that frames which were on their way are told from false ones (RFC 9113 section 5.1). Bounded: the oldest go. */
export class ClosedStreams {
  private reset = new RecentIds()
  private ended = new RecentIds()
  /** DATA bytes that peers may still send on streams we reset: what their windows allowed. */
  private stray = 0

  constructor(private capacity: number) {}

  /** `windowBytes` is what the peer was still allowed to send. */
  addReset(id: number, windowBytes: number): void {
    this.reset.add(id, this.capacity)
    this.stray += windowBytes
  }

  addEnded(id: number): void {
    this.ended.add(id, this.capacity)
  }

  wasReset(id: number): boolean {
    return this.reset.has(id)
  }

  hasEnded(id: number): boolean {
    return this.ended.has(id)
  }

  /** Counts DATA on a stream that we reset; false when there is more than all of them together were allowed. */
  ignore(bytes: number): boolean {
    this.stray -= bytes
    return this.stray >= 0
  }
}

class RecentIds {
  private ids: Int32Array | undefined
  private next = 0

  add(id: number, capacity: number): void {
    this.ids ??= new Int32Array(capacity)
    this.ids[this.next] = id
    this.next = (this.next + 1) % this.ids.length
  }

  has(id: number): boolean {
    return this.ids?.includes(id) ?? false
  }
}
