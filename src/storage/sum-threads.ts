import { availableParallelism } from "node:os"

/** Memory of one body on its way: the next slot is filled while the others are summed and written. */
const slotBytes = 512 * 1024
const slots = 4
const keptMemories = 8
const mostThreads = 4

type LaneOrder = { do: "bytes"; slot: number; at: number; length: number } | { do: "end" }
type Order = { lane: number } & (
  LaneOrder | { do: "open"; algorithm: "sha256" | "md5"; memory: SharedArrayBuffer; handle: number | undefined }
)
type Answer = { lane: number; slot?: number; algorithm?: "sha256" | "md5"; sum?: string; error?: { message: string; code?: string } }

/** Bun's types for workers have not all that its workers have. */
type Waiting = Worker & { ref(): void; unref(): void }

/**
 * Sums large bodies, and writes them into their files, on other threads: MD5 and SHA-256 of 1 GiB take three seconds of a core, in which the main
 * thread would hold up everything else by 8 ms at a time. Threads start at the first body that asks for them.
 */
export class SumThreads {
  private threads: Worker[] = []
  private lanes = new Map<number, Lane>()
  private memories: SharedArrayBuffer[] = []
  private count = 0

  /** For one body, whose bytes go into the open file. Its `close` must have resolved before the file is closed. */
  open(handle: number): Lane {
    if (this.threads.length === 0) this.start()
    const id = ++this.count
    const memory = this.memories.pop() ?? new SharedArrayBuffer(slots * slotBytes)
    if (this.lanes.size === 0) for (const worker of this.threads) (worker as Waiting).ref()
    // Two threads share the work where there are two. Each knows its part by a number of its own, so that one may have both.
    const parts = [
      { lane: id, worker: this.threads[id % this.threads.length], algorithm: "sha256", handle },
      { lane: -id, worker: this.threads[(id + 1) % this.threads.length], algorithm: "md5", handle: undefined },
    ] as const
    for (const { worker, ...part } of parts) worker?.postMessage({ ...part, do: "open", memory } satisfies Order, [])
    const send = (order: LaneOrder) => {
      for (const { worker, lane } of parts) worker?.postMessage({ ...order, lane } satisfies Order, [])
    }
    const lane = new Lane(memory, send, () => this.closed(id, memory))
    this.lanes.set(id, lane)
    return lane
  }

  private closed(id: number, memory: SharedArrayBuffer): void {
    this.lanes.delete(id)
    if (this.memories.length < keptMemories) this.memories.push(memory)
    // Waiting threads keep no process alive.
    if (this.lanes.size === 0) for (const worker of this.threads) (worker as Waiting).unref()
  }

  private start(): void {
    // As text, so that the thread is in the compiled binary wherever it is built from.
    const url = URL.createObjectURL(new Blob([`(${thread.toString()})()`], { type: "application/javascript" }))
    this.threads = Array.from({ length: Math.min(mostThreads, availableParallelism()) }, () => {
      const worker = new Worker(url)
      worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.lanes.get(Math.abs(data.lane))?.answered(data))
      worker.addEventListener("error", ({ message }) => {
        this.threads = []
        for (const lane of this.lanes.values()) lane.fail(new Error(`a thread that sums ended: ${message}`))
      })
      return worker
    })
  }
}

/** One body on its way through the threads. */
export class Lane {
  private bytes: Uint8Array
  private slot = 0
  private filled = 0
  /** How many threads have not answered, by slot. */
  private pending = Array.from({ length: slots }, () => 0)
  private sums: Partial<Record<"sha256" | "md5", string>> = {}
  private error: Error | undefined
  private wake = () => {}

  constructor(
    memory: SharedArrayBuffer,
    private send: (order: LaneOrder) => void,
    private closed: () => void,
  ) {
    this.bytes = new Uint8Array(memory)
  }

  /** Takes a copy. Throws what writing the bytes before threw. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) {
      await this.until(() => this.pending[this.slot] === 0)
      const length = Math.min(slotBytes - this.filled, chunk.byteLength - at)
      this.bytes.set(chunk.subarray(at, at + length), this.slot * slotBytes + this.filled)
      this.filled += length
      at += length
      if (this.filled < slotBytes) continue
      this.pass()
      // Others get their turn, however fast the bytes come.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** When all bytes are in the file; to be called once. */
  async finish(): Promise<{ sha256: string; md5: string }> {
    if (this.filled > 0) this.pass()
    this.send({ do: "end" })
    await this.until(() => this.sums.sha256 !== undefined && this.sums.md5 !== undefined)
    const { sha256 = "", md5 = "" } = this.sums
    return { sha256, md5 }
  }

  /** Resolves when no thread writes any more. */
  async close(): Promise<void> {
    if (this.sums.sha256 === undefined) this.send({ do: "end" })
    while (this.pending.some((count) => count > 0)) await this.turn()
    this.closed()
  }

  answered({ slot, algorithm, sum, error }: Answer): void {
    if (slot !== undefined) this.pending[slot] = (this.pending[slot] ?? 1) - 1
    if (algorithm !== undefined) this.sums[algorithm] = sum
    if (error !== undefined) this.error ??= Object.assign(new Error(error.message), { code: error.code })
    this.wake()
  }

  /** Nobody answers any more. */
  fail(error: Error): void {
    this.error ??= error
    this.pending.fill(0)
    this.wake()
  }

  private pass(): void {
    this.pending[this.slot] = 2
    this.send({ do: "bytes", slot: this.slot, at: this.slot * slotBytes, length: this.filled })
    this.slot = (this.slot + 1) % slots
    this.filled = 0
  }

  private async until(isTrue: () => boolean): Promise<void> {
    for (;;) {
      if (this.error !== undefined) throw this.error
      if (isTrue()) return
      await this.turn()
    }
  }

  private turn = () => new Promise<void>((resolve) => (this.wake = resolve))
}

/** What a thread does; it is sent as text, so it refers to nothing outside of itself. */
function thread(): void {
  const { writeSync } = process.getBuiltinModule("node:fs")
  type Open = { bytes: Uint8Array; hasher: Bun.CryptoHasher; algorithm: "sha256" | "md5"; handle: number | undefined }
  const lanes = new Map<number, Open>()
  const answer = (message: Answer) => self.postMessage(message, [])
  self.addEventListener("message", ({ data: order }: MessageEvent<Order>) => {
    const { lane } = order
    if (order.do === "open") {
      const { algorithm, memory, handle } = order
      lanes.set(lane, { bytes: new Uint8Array(memory), hasher: new Bun.CryptoHasher(algorithm), algorithm, handle })
      return
    }
    const open = lanes.get(lane)
    if (open === undefined) return
    if (order.do === "end") {
      lanes.delete(lane)
      return answer({ lane, algorithm: open.algorithm, sum: open.hasher.digest("hex") })
    }
    const { slot, at, length } = order
    const bytes = open.bytes.subarray(at, at + length)
    try {
      open.hasher.update(bytes)
      if (open.handle !== undefined) for (let done = 0; done < length;) done += writeSync(open.handle, bytes, done, length - done)
      answer({ lane, slot })
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException
      answer({ lane, slot, error: { message, code } })
    }
  })
}
