import { addressBlock } from "../address-block"
import type { Log } from "../log"
import type { Client } from "./client"

/** Clients that hold buffers against a budget, and who counts those that it ends. */
export type BufferHolders = { clients: Iterable<Client>; onCut: () => void }

const MEBIBYTE = 2 ** 20
/** Where nothing was said. */
export const DEFAULT_BUFFER_BYTES = 64 * MEBIBYTE
/** Of the memory that the process may use; the rest is for what it does besides. */
const SHARE = 1 / 8
const LEAST_BYTES = 16 * MEBIBYTE
const MOST_BYTES = 512 * MEBIBYTE
/** What is left after clients were ended, so that the next do not follow at once. */
const LEFT = 3 / 4
const TOLD_EVERY_MS = 60_000
const COLLECT_EVERY_MS = 500

/** Bytes that one of `parts` equal parts of the edge may hold, where the process has so much memory. */
export const bufferShare = (memoryBytes: number, parts: number) =>
  Math.floor(Math.min(Math.max(memoryBytes * SHARE, LEAST_BYTES), MOST_BYTES) / parts)

/**
 * The bytes that a thread holds for peers who do not take them: answers for clients that do not read, and uploads for applications that do not. A
 * single connection is bounded by what one read brought, thousands are bounded here: past the limit those clients are ended that hold the most,
 * by the address they come from first, as proxies do under pressure.
 */
export class BufferBudget {
  private held = 0
  private isDue = false
  private holders = new Set<BufferHolders>()
  private cut = 0
  private toldAt = Number.NEGATIVE_INFINITY
  private collectedAt = Number.NEGATIVE_INFINITY

  constructor(
    private limit: number,
    private log: Pick<Log, "warn">,
  ) {}

  /** The memory held now. */
  get bytes(): number {
    return this.held
  }

  add(bytes: number): void {
    this.held += bytes
    if (this.held <= this.limit || this.isDue) return
    this.isDue = true
    // Not at once: whoever holds them is at work.
    setImmediate(() => {
      this.isDue = false
      if (this.held <= this.limit) return
      this.relieve()
      this.collect()
    })
  }

  remove(bytes: number): void {
    this.held -= bytes
  }

  /** Counts these clients in until the answered function is called. */
  join(holders: BufferHolders): () => void {
    this.holders.add(holders)
    return () => this.holders.delete(holders)
  }

  private relieve(): void {
    const blocks = new Map<string, Holding[]>()
    for (const { clients, onCut } of this.holders)
      for (const client of clients) {
        const bytes = client.heldBytes
        if (bytes === 0) continue
        const name = addressBlock(client.address)
        const block = blocks.get(name) ?? []
        blocks.set(name, block)
        block.push({ client, bytes, onCut, weight: 0 })
      }
    for (const block of blocks.values()) {
      let sum = 0
      for (const one of block.sort((a, b) => a.bytes - b.bytes)) one.weight = sum += one.bytes
    }
    // By what they said to hold: what others hold is not theirs to give back.
    let excess = this.held - this.limit * LEFT
    for (const { client, bytes, onCut } of [...blocks.values()].flat().sort((a, b) => b.weight - a.weight)) {
      if (excess <= 0) break
      excess -= bytes
      client.destroy()
      onCut()
      this.cut++
    }
    this.tell()
  }

  /** What was read on the way here is garbage by now, and as much again; the collector by itself would let it grow with what the machine has. */
  private collect(): void {
    const now = performance.now()
    if (now - this.collectedAt < COLLECT_EVERY_MS) return
    Bun.gc(true)
    this.collectedAt = performance.now()
  }

  private tell(): void {
    const now = performance.now()
    if (this.cut === 0 || now - this.toldAt < TOLD_EVERY_MS) return
    this.log.warn("connections that held the most bytes which their other end does not take were ended, since all together held too many", {
      connections: this.cut,
      limitBytes: this.limit,
    })
    this.toldAt = now
    this.cut = 0
  }
}

/** A client and what it holds; `weight` is that with all that lighter ones of its address hold: who has the most of it goes first. */
type Holding = { client: Client; bytes: number; onCut: () => void; weight: number }
