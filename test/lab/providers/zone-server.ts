import { join } from "node:path"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { findProgram, presentation, startKnot } from "../dns"
import { freePort } from "../ports"
import { runCommand, temporaryFolder } from "../process"

/** What a provider's API would have to refuse, since no zone can hold it; `message` says which names and types meet. */
export class RecordConflict extends Error {}

/** Zones on one real Knot, read by zone transfer and written by dynamic update: what a provider's stand-in keeps its records in. */
export interface ZoneServer {
  readonly address: string
  readonly port: number
  /** Every record set of the zone, without SOA and NS. */
  sets(zone: string): Promise<RecordSet[]>
  /**
   * Makes the sets that `work` answers with exactly so, those without values away, in one message; changes come one after the other, so `present`
   * is what they meet. Throws RecordConflict, and changes nothing, where a CNAME would stand beside something else or at the apex.
   */
  change(zone: string, work: (present: RecordSet[]) => RecordSet[]): Promise<void>
  /** Sends one line of an update as `knsupdate` takes it, for what a RecordSet cannot say. */
  raw(zone: string, line: string): Promise<void>
  /** What Knot answers to a query: the values, sorted; nothing where there is no such set. */
  ask(name: string, type: RecordSetType): Promise<string[]>
  /** The zone's serial, which each change that changes something moves. */
  serial(zone: string): Promise<number>
  stop(): Promise<void>
}

const types: RecordSetType[] = ["A", "AAAA", "CNAME", "TXT", "MX", "CAA", "SRV"]

/** Why this machine cannot run it, as a reason to skip; undefined when it can. */
export function zoneServerObstacle(): string | undefined {
  const absent = ["knotd", "knotc", "knsupdate", "kdig", "setpriv"].find((program) => findProgram(program) === undefined)
  return absent && `${absent} is not installed`
}

/** Starts Knot on a loopback port with these zones, which hold nothing but SOA, NS and the address of the name server. */
export async function startZoneServer(zones: string[]): Promise<ZoneServer> {
  const at = { address: "127.0.0.1", port: await freePort("127.0.0.1") }
  const folder = await temporaryFolder("providers")
  const knot = await startKnot(
    folder.path,
    "knot",
    at,
    zones.map((name) => ({ name, lines: emptyZone(name) })),
  ).catch(async (error: unknown) => {
    await folder.remove()
    throw error
  })
  return zoneServerAt(at, {
    isOnlyWriter: true,
    afterUpdate: knotIsIdle(join(folder.path, "knot", "knot.sock")),
    stop: async () => {
      await knot.stop()
      await folder.remove()
    },
  })
}

/** The lines of a zone file with what every zone must have, served at `address`; names are relative to it. */
export const emptyZone = (zone: string, address = "127.0.0.1") => [
  `@ 300 SOA ns.${zone}. hostmaster.${zone}. 1 3600 600 604800 300`,
  "@ 300 NS ns",
  `ns 300 A ${address}`,
]

/**
 * Resolves when Knot takes the next update at once: Knot 3.2 puts its NOTIFY off by a second, and an update that comes meanwhile in the next second of
 * the clock waits for it. Told now, it is over.
 */
export function knotIsIdle(socket: string): (zone: string) => Promise<void> {
  return async (zone) => void (await runCommand([findProgram("knotc") ?? "knotc", "-s", socket, "zone-notify", zone]))
}

/**
 * A ZoneServer over a name server that is running; `key` signs transfers and updates, as `kdig -y` takes it. Where it is the only writer, a zone is
 * transferred again only after a change.
 */
export function zoneServerAt(
  at: { address: string; port: number; key?: string },
  hooks: { isOnlyWriter?: boolean; afterUpdate?(zone: string): Promise<void>; stop(): Promise<void> },
): ZoneServer {
  const { address, port, key } = at
  const signed = key === undefined ? [] : ["-y", key]
  const kdig = (...words: string[]) =>
    runCommand(["kdig", `@${address}`, "-p", String(port), ...signed, "+tcp", "+norecurse", "+retry=0", "+timeout=5", ...words])
  let queue: Promise<unknown> = Promise.resolve()

  const transferred = new Map<string, Promise<string>>()
  const transfer = (zone: string) => kdig("+noall", "+answer", zone, "AXFR")
  const sets = async (zone: string) => {
    if (hooks.isOnlyWriter !== true) return gather(await transfer(zone))
    const lines = transferred.get(zone) ?? transfer(zone)
    transferred.set(zone, lines)
    try {
      return gather(await lines)
    } catch (error) {
      if (transferred.get(zone) === lines) transferred.delete(zone)
      throw error
    }
  }
  const change = async (zone: string, work: (present: RecordSet[]) => RecordSet[]) => {
    const present = await sets(zone)
    const changed = work(present)
    refuseConflicts(zone, present, changed)
    const lines: string[] = []
    for (const { name, type, ttlSeconds, values } of changed) {
      lines.push(`update del ${name}. ${type}`)
      for (const value of values) lines.push(`update add ${name}. ${ttlSeconds} ${type} ${presentation(type, value)}`)
    }
    if (lines.length > 0) await send(zone, lines)
  }
  const send = async (zone: string, lines: string[]) => {
    const input = `server ${address} ${port}\nzone ${zone}.\n${lines.join("\n")}\nsend\nquit\n`
    try {
      await runCommand(["knsupdate", "-v", "-t", "5", ...signed], { input })
      await hooks.afterUpdate?.(zone)
    } finally {
      transferred.delete(zone)
    }
  }
  return {
    address,
    port,
    sets,
    change: (zone, work) => {
      const done = queue.then(() => change(zone, work))
      queue = done.catch(() => undefined)
      return done
    },
    raw: (zone, line) => send(zone, [line]),
    ask: async (name, type) => {
      const lines = await kdig("+noall", "+answer", name, type)
      // An alias on the way is in the answer too, and a set of another type is not what was asked for.
      return gather(lines)
        .filter((set) => set.type === type)
        .flatMap(({ values }) => values)
        .sort()
    },
    serial: async (zone) => Number((await kdig("+short", zone, "SOA")).split(" ")[2]),
    stop: async () => {
      await queue
      await hooks.stop()
    },
  }
}

function refuseConflicts(zone: string, present: RecordSet[], changed: RecordSet[]): void {
  const key = ({ name, type }: RecordSet) => `${name} ${type}`
  const touched = new Set(changed.map(key))
  const next = [...present.filter((set) => !touched.has(key(set))), ...changed.filter(({ values }) => values.length > 0)]
  for (const alias of next.filter(({ type }) => type === "CNAME")) {
    if (alias.name === zone) throw new RecordConflict(`a CNAME cannot stand at the apex ${zone}`)
    const other = next.find(({ name, type }) => name === alias.name && type !== "CNAME")
    if (other) throw new RecordConflict(`a CNAME and a record of type ${other.type} cannot both stand at ${alias.name}`)
    if (alias.values.length > 1) throw new RecordConflict(`only one CNAME can stand at ${alias.name}`)
  }
}

/** The sets in lines of a zone file. */
function gather(lines: string): RecordSet[] {
  const sets = new Map<string, RecordSet>()
  for (const line of lines.split("\n")) {
    const match = /^(\S+)\s+(\d+)\s+(?:IN\s+)?([A-Z]+)\s+(.*)$/.exec(line.trim())
    const type = types.find((known) => known === match?.[3])
    if (!match || type === undefined) continue
    const name = (match[1] ?? "").toLowerCase().replace(/\.$/, "")
    const set = sets.get(`${name} ${type}`) ?? { name, type, ttlSeconds: Number(match[2]), values: [] }
    sets.set(`${name} ${type}`, set)
    set.values.push(valueOf(type, match[4] ?? ""))
  }
  return [...sets.values()]
}

/** Record data as kdig prints it, in the form that RecordSet has. */
function valueOf(type: RecordSetType, data: string): string {
  if (type !== "TXT") return type === "CAA" ? data : data.toLowerCase().replace(/\.$/, "")
  const octets: number[] = []
  for (const [, string = ""] of data.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
    for (const [piece, digits, char] of string.matchAll(/\\(\d{3})|\\(.)|[^\\]/g))
      octets.push(digits ? Number(digits) : (char ?? piece).charCodeAt(0))
  }
  return Buffer.from(octets).toString("utf8")
}
