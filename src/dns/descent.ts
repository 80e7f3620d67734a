import { isIPv6 } from "node:net"
import type { Delegation, DelegationCache, NameServer } from "./delegations"
import type { Endpoint } from "./exchange"
import { labelCount, type Name, parentOf, showName } from "./name"
import { typeNumbers } from "./rdata"
import type { Session } from "./session"
import type { Verdict } from "./verdict"
import { CLASS_IN } from "./wire"

type Failure = { from: Endpoint; verdict: Extract<Verdict, { kind: "failed" }> }
type Probe = { verdict?: Exclude<Verdict, { kind: "failed" }>; failures: Failure[] }

/** The zone nearest above a name. `failures` where none of its servers was of use; `denied` where the root knows no such top-level domain. */
export type Found = { delegation: Delegation; isCached: boolean; failures?: Failure[]; denied?: boolean }

const HEDGE_MS = 300
const MAX_STEPS = 12
const MAX_PATH = 4

/**
 * Walks from the root, or from the deepest delegation known, to the zone of a name: NS of one more label at a time (as RFC 9156 does), so that a zone cut
 * is seen even where one server holds parent and child. NXDOMAIN on the way is checked with the whole name, as some servers deny empty non-terminals.
 */
export class Descent {
  constructor(
    private root: Delegation,
    private cache: DelegationCache,
    private port: number,
  ) {}

  /** The delegation of the name's zone; `path` holds the name-server names whose addresses are being sought. Throws LookupProblem. */
  async find(session: Session, name: Name, path: Name[] = []): Promise<Found> {
    const dropped = new Set<Name>()
    const start = () => this.cache.closest(name) ?? this.root
    let current = start()
    let isCached = current !== this.root
    const depth = labelCount(name)
    let next = labelCount(current.zone) + 1
    for (let step = 0; next <= depth; step++) {
      session.check(`looking for the zone of ${showName(name)} below ${showName(current.zone)}`)
      if (step >= MAX_STEPS) next = depth
      const probe = await this.probe(session, current, suffix(name, next), typeNumbers.NS, path)
      const { verdict } = probe
      if (!verdict) {
        if (!isCached || dropped.has(current.zone)) return { delegation: current, isCached, failures: probe.failures }
        dropped.add(current.zone)
        this.cache.drop(current.zone)
        current = start()
        isCached = current !== this.root
        next = labelCount(current.zone) + 1
        continue
      }
      const below = verdict.kind === "referral" || verdict.kind === "records" ? verdict.delegation : undefined
      if (below) {
        current = below
        isCached = false
        this.cache.put(below)
        next = labelCount(below.zone) + 1
      } else if (verdict.kind === "nxdomain") {
        if (current.zone === "") return { delegation: current, isCached, denied: true }
        next = next === depth ? depth + 1 : depth
      } else next++
    }
    return { delegation: current, isCached }
  }

  /** Takes the first useful reply of any server of the zone, asking more and more of them as time passes. */
  private async probe(session: Session, delegation: Delegation, name: Name, type: number, path: Name[]): Promise<Probe> {
    const failures: Failure[] = []
    const known = endpointsOf(delegation.servers)
    const verdict = await this.race(session, delegation.zone, known, name, type, failures)
    if (verdict) return { verdict, failures }
    const unknown = delegation.servers.filter((server) => server.addresses.length === 0)
    await this.seekAddresses(session, unknown, path)
    const late = await this.race(session, delegation.zone, endpointsOf(unknown), name, type, failures)
    return late ? { verdict: late, failures } : { failures }
  }

  private async race(session: Session, zone: Name, endpoints: Endpoint[], name: Name, type: number, failures: Failure[]) {
    const attempts = endpoints.length > 2 ? 1 : 2
    const losers = new AbortController()
    const signal = AbortSignal.any([session.signal, losers.signal])
    const { promise: won, resolve: win } = Promise.withResolvers<Probe["verdict"]>()
    const isSettled = { value: false }
    const inFlight = new Set<Promise<void>>()
    const askOne = (from: Endpoint) => {
      const asking = session.ask(from, zone, { name, type, class: CLASS_IN }, attempts, signal).then((verdict) => {
        inFlight.delete(asking)
        if (verdict.kind !== "failed") {
          isSettled.value = true
          win(verdict)
        } else if (!isSettled.value) failures.push({ from, verdict })
      })
      inFlight.add(asking)
    }
    const waiting = [...endpoints]
    for (let wave = 1; waiting.length > 0 && !isSettled.value && !session.signal.aborted; wave *= 2) {
      for (const from of waiting.splice(0, wave)) askOne(from)
      const { promise: pause, resolve: wake } = Promise.withResolvers<void>()
      const timer = setTimeout(wake, HEDGE_MS)
      await Promise.race([won, Promise.all(inFlight), pause])
      clearTimeout(timer)
    }
    const verdict = await Promise.race([won, Promise.all(inFlight).then(() => (isSettled.value ? won : undefined))])
    losers.abort()
    await Promise.all(inFlight)
    return verdict
  }

  /** Looks for the addresses of name servers that came without glue, all at once; what is found is kept in them. Throws LookupProblem. */
  async seekAddresses(session: Session, servers: NameServer[], path: Name[] = []): Promise<void> {
    const open = servers.filter((server) => server.addresses.length === 0 && !server.sought && !path.includes(server.name))
    if (path.length >= MAX_PATH) return
    await Promise.all(
      open.map(async (server) => {
        const inner = [...path, server.name]
        const found = await this.find(session, server.name, inner)
        if (found.failures || found.denied) return
        const probes = await Promise.all(
          [typeNumbers.A, typeNumbers.AAAA].map((type) => this.probe(session, found.delegation, server.name, type, inner)),
        )
        const values = probes.flatMap(({ verdict }) => (verdict?.kind === "records" ? verdict.values.slice(0, 2) : []))
        server.addresses = values.map((address) => ({ address, port: this.port }))
        server.sought = true
      }),
    )
  }
}

/** The last `labels` labels of a name. */
function suffix(name: Name, labels: number): Name {
  let cut = name
  for (let count = labelCount(name); count > labels; count--) cut = parentOf(cut)
  return cut
}

/** Every address in random order, one of each server before the second of any, IPv4 first: a host without IPv6 loses no time. */
function endpointsOf(servers: NameServer[]): Endpoint[] {
  const ranked = servers.flatMap((server) => {
    const order = Math.random()
    const places = [...server.addresses].sort((a, b) => Number(isIPv6(a.address)) - Number(isIPv6(b.address)))
    return places.map(({ address, port }, index) => {
      const rank = (isIPv6(address) ? 100 : 0) + index + order
      return { rank, endpoint: { server: server.name, address, port } }
    })
  })
  return ranked.sort((a, b) => a.rank - b.rank).map(({ endpoint }) => endpoint)
}
