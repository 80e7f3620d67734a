// Which public addresses this house has, and had. What the settings say counts; where they say nothing and a look is asked for, what is found does:
//   1. look      the settings, or what the interfaces and the Internet's name servers say; a look that finds nothing changes nothing
//   2. agree     an address in place of another must be found twice in a row: a line that fails over and back moves nobody's records
//   3. keep      in the store, with when the one before was left, so that a restart knows it too
//   4. follow    told to whoever has records with the address in them, again and again until nothing of the former one is left: a crash loses nothing

import { isIP } from "node:net"
import type { PublicAddressRow } from "../db/schema"
import type { Log } from "../log"
import { Worker } from "../worker"
import type { PublicAddressStore } from "./store"

/** An address that was ours: until when, and what is in its place; undefined where nothing of its family is. */
export type Former = { address: string; leftAt: number; successor: string | undefined }

export type PublicAddressesOptions = {
  store: PublicAddressStore
  /** What the settings say. */
  configured: () => string[]
  /** What is found, best first; empty where nothing could be. */
  find: () => Promise<string[]>
  /** How often is looked; undefined: only what the settings say counts. */
  intervalMs: () => number | undefined
  /** For how long records that lead to a former address are nobody's fault but ours. */
  graceMs: () => number
  /** There are addresses that there were not before. */
  onChange: () => void
  /** Brings what has a former address in it to its successor; resolves when it tried. */
  follow: (former: Former[]) => Promise<void>
  log: Log
  now: () => number
  random?: () => number
}

const families = [4, 6] as const
const DAY_MS = 24 * 3_600_000
/** How often what could not be brought along is tried again. */
const followEveryMs = 10 * 60_000
const configuredLookMs = 60_000

/** The public addresses, answered from memory. */
export class PublicAddresses {
  private rows: PublicAddressRow[] = []
  private candidate = new Map<4 | 6, string>()
  private seen: string[] = []
  private followedAt = 0
  private worker: Worker
  private looking: Promise<void> = Promise.resolve()

  constructor(private options: PublicAddressesOptions) {
    const { intervalMs, random = Math.random, log } = options
    // Up to a tenth later, so that houses that start together do not ask together.
    const pauseMs = () => (intervalMs() ?? configuredLookMs) * (1 + random() / 10)
    this.worker = new Worker(() => this.look(), pauseMs, log, "the public address could not be looked for")
  }

  /** Those of a family that we have, at most one. */
  of(family: 4 | 6): string[] {
    const told = this.options.configured().filter((address) => isIP(address) === family)
    if (told.length > 0 || this.options.intervalMs() === undefined) return told
    return this.rows.filter((row) => row.family === family && row.leftAt === null).map(({ address }) => address)
  }

  /** Those that we had within the grace, the last one left first. */
  former(): Former[] {
    const since = this.options.now() - this.options.graceMs()
    const left = this.rows.flatMap(({ address, family, leftAt }) =>
      leftAt === null || leftAt <= since ? [] : [{ address, family, leftAt }],
    )
    return left
      .filter(({ address }) => !this.options.configured().includes(address))
      .map(({ address, family, leftAt }) => ({ address, leftAt, successor: this.of(family === 4 ? 4 : 6)[0] }))
      .sort((a, b) => b.leftAt - a.leftAt)
  }

  /** What the Internet sees where the settings say something else of the same family. */
  contradiction(): { configured: string; seen: string } | undefined {
    for (const seen of this.seen) {
      const told = this.options.configured().filter((address) => isIP(address) === isIP(seen))
      if (told[0] !== undefined && !told.includes(seen)) return { configured: told[0], seen }
    }
    return undefined
  }

  /** Reads what was known, and takes over what the settings say now; resolves before anybody asks. */
  async start(): Promise<void> {
    this.rows = await this.options.store.list()
    // What was found before the restart is as new to who asks as what is found now.
    if (!(await this.takeOver(this.options.configured()))) this.options.onChange()
    this.worker.start(1000)
  }

  async stop(): Promise<void> {
    await this.worker.stop()
    await this.looking
  }

  /** The settings may say something else. */
  reload(): void {
    this.look().catch((error) => this.options.log.error("the public address could not be looked for", { error }))
  }

  /** Looks once, and brings along what has not followed yet. One at a time. */
  look(): Promise<void> {
    this.looking = this.looking.catch(() => undefined).then(() => this.lookOnce())
    return this.looking
  }

  private async lookOnce(): Promise<void> {
    const { configured, find, intervalMs, follow, now } = this.options
    const told = configured()
    if (intervalMs() !== undefined) this.seen = await find()
    const free = families.filter((family) => !told.some((address) => isIP(address) === family))
    const found = intervalMs() === undefined ? [] : free.flatMap((family) => this.agreed(family) ?? [])
    const isChanged = await this.takeOver([...told, ...found])
    const former = this.former()
    if (former.length === 0 || (!isChanged && Math.abs(now() - this.followedAt) < followEveryMs)) return
    this.followedAt = now()
    await follow(former)
  }

  /** What was found of a family, where it may be believed. */
  private agreed(family: 4 | 6): string | undefined {
    const found = this.seen.find((address) => isIP(address) === family)
    const known = this.rows.find((row) => row.family === family && row.leftAt === null)?.address
    const before = this.candidate.get(family)
    if (found === undefined || found === known) {
      this.candidate.delete(family)
      return known
    }
    this.candidate.set(family, found)
    return known === undefined || before === found ? found : known
  }

  private async takeOver(addresses: string[]): Promise<boolean> {
    const { store, now, graceMs, onChange, log } = this.options
    let isChanged = false
    for (const family of families) {
      const next = addresses.find((address) => isIP(address) === family)
      const known = this.rows.find((row) => row.family === family && row.leftAt === null)?.address
      // What was found before stays known where a look found nothing.
      if (next === undefined || next === known) continue
      await store.replace(family, next, now(), now() - Math.max(graceMs(), DAY_MS))
      if (known === undefined) log.info("public address found", { address: next })
      else log.warn("public address changed", { from: known, to: next })
      isChanged = true
    }
    if (!isChanged) return false
    this.rows = await store.list()
    onChange()
    return true
  }
}
