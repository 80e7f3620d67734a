import { isIP } from "node:net"
import { AppError, describeError } from "../errors"
import { invalid } from "./model"

/** An origin as the edge reaches it: an address that was looked up and found allowed; `serverName` where it is spoken to over TLS. */
export type Origin = { address: string; port: number; serverName?: string }

export type OriginNeeds = {
  /** All addresses of a name; rejects where there are none. */
  resolve: (name: string) => Promise<string[]>
  /** Why an address may not be led to, or undefined where it may. */
  problem: (address: string, port: number, isAdmin: boolean) => string | undefined
  now: () => number
}

type Entry = { url: string; isAdmin: boolean; origin: Origin | undefined; problem: string; askedAt: number }

const keptMs = 60_000
const maxEntries = 10_000
const lookUpLimitMs = 5_000

/** The addresses behind origins' names, checked each time they are looked up, so that a name cannot be led into the house afterwards. */
export class Origins {
  private entries = new Map<string, Entry>()

  constructor(private needs: OriginNeeds) {}

  /** Throws `invalid`, with the reason, for an origin that may not be led to or that has no address. */
  async check(url: string, isAdmin: boolean): Promise<void> {
    const entry = await this.lookUp(url, isAdmin)
    if (entry.origin === undefined) throw invalid(`origin_url: ${entry.problem}`)
  }

  /** The origin, or why it leads nowhere; looked up where it is not known, and at most once a minute. */
  async find(url: string, isAdmin: boolean): Promise<Origin | { nowhere: string }> {
    const known = this.entries.get(keyOf(url, isAdmin))
    const entry = known ?? (await this.lookUp(url, isAdmin))
    return entry.origin ?? { nowhere: `the origin ${url} cannot be used: ${entry.problem}` }
  }

  /** An address of a host that is connected to by other means than HTTP, such as a name server; looked up anew after a minute. Throws `invalid` where it may not be led to. */
  async reach(host: string, port: number, isAdmin: boolean): Promise<string> {
    const url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
    if (!URL.canParse(url)) throw new AppError("invalid", `${host} is not a host`)
    const known = this.entries.get(keyOf(url, isAdmin))
    const isFresh = known !== undefined && this.needs.now() - known.askedAt < keptMs
    const entry = isFresh ? known : await this.lookUp(url, isAdmin)
    if (entry.origin === undefined) throw new AppError("invalid", entry.problem)
    return entry.origin.address
  }

  /** Looks up again what is older than a minute; true where some origin moved. Those that are not in `used` are forgotten. */
  async refresh(used: { url: string; isAdmin: boolean }[]): Promise<boolean> {
    const wanted = new Set(used.map(({ url, isAdmin }) => keyOf(url, isAdmin)))
    let hasMoved = false
    for (const [key, before] of this.entries) {
      if (!wanted.has(key)) this.entries.delete(key)
      else if (this.needs.now() - before.askedAt >= keptMs) {
        const after = await this.lookUp(before.url, before.isAdmin)
        if (after.origin?.address !== before.origin?.address) hasMoved = true
      }
    }
    return hasMoved
  }

  private async lookUp(url: string, isAdmin: boolean): Promise<Entry> {
    const { protocol, hostname, port } = new URL(url)
    const isTls = protocol === "https:"
    const at = { port: port === "" ? (isTls ? 443 : 80) : Number(port), ...(isTls ? { serverName: bare(hostname) } : {}) }
    const before = this.entries.get(keyOf(url, isAdmin))
    const entry: Entry = { url, isAdmin, origin: undefined, problem: "", askedAt: this.needs.now() }
    try {
      const addresses = await this.addresses(bare(hostname))
      // The one in use stays as long as it is among them, so that connections are kept.
      const address = addresses.find((one) => one === before?.origin?.address) ?? addresses[0]
      if (address === undefined) throw new AppError("invalid", `${hostname} has no address`)
      const refused = addresses.map((one) => this.needs.problem(one, at.port, isAdmin)).find((problem) => problem !== undefined)
      if (refused === undefined) entry.origin = { address, ...at }
      else entry.problem = refused
    } catch (error) {
      entry.problem = `${hostname} could not be looked up (${describeError(error)})`
      // A resolver that is away for a moment does not take an origin away that is known.
      if (before?.origin !== undefined) entry.origin = before.origin
    }
    if (this.entries.size >= maxEntries && before === undefined) this.entries.delete(this.entries.keys().next().value!)
    this.entries.set(keyOf(url, isAdmin), entry)
    return entry
  }

  private async addresses(name: string): Promise<string[]> {
    if (isIP(name) !== 0) return [name]
    const limit = Promise.withResolvers<never>()
    const timer = setTimeout(() => limit.reject(new Error("no answer in time")), lookUpLimitMs)
    try {
      return await Promise.race([this.needs.resolve(name), limit.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

const keyOf = (url: string, isAdmin: boolean) => `${isAdmin ? "admin" : "person"} ${url}`

/** An IPv6 address stands in brackets in a URL. */
const bare = (hostname: string) => hostname.replace(/^\[|\]$/g, "")
