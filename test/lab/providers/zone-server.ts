import { randomInt } from "node:crypto"
import { join } from "node:path"
import { encodeQuery } from "../../../src/dns/exchange"
import { typeNumbers } from "../../../src/dns/rdata"
import { exchangeOverTcp } from "../../../src/dns/tcp"
import { addRecord, encodeData, encodeUpdate, rawSections, removeSet, updateCode, updateCodes } from "../../../src/dns/update"
import { CLASS_IN } from "../../../src/dns/wire"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { findProgram, presentation, startKnot } from "../dns"
import { startKnotControl } from "../knot-control"
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
  const control = startKnotControl(join(folder.path, "knot", "knot.sock"))
  return zoneServerAt(at, {
    isOnlyWriter: true,
    read: (zone) => readAt(at, zone),
    write: (zone, sets) => writeAt(at, zone, sets),
    afterUpdate: (zone) => control.run(`zone-notify ${zone}`),
    stop: async () => {
      await control.stop()
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

const limits = () => ({ timeoutMs: 5000, signal: AbortSignal.timeout(10_000) })

// A transfer and an update by the product's own messages, which Knot judges: there are thousands, and each tool would be a process more.

async function readAt(at: { address: string; port: number }, zone: string): Promise<RecordSet[]> {
  const id = randomInt(0x10000)
  const query = encodeQuery(id, { name: zone, type: 252, class: CLASS_IN }, false)
  const bytes = await exchangeOverTcp({ host: at.address, port: at.port }, query, limits())
  const { answers } = rawSections(bytes)
  const isWhole = answers.length > 1 && answers[0]?.type === typeNumbers.SOA && answers.at(-1)?.type === typeNumbers.SOA
  if (!isWhole) throw new Error(`Knot sent ${zone} in more than one message, or not at all (response code ${updateCode(bytes, id)})`)
  const sets = new Map<string, RecordSet>()
  for (const { name, type: number, ttl, value } of answers) {
    const type = types.find((known) => typeNumbers[known] === number)
    if (type !== undefined) add(sets, { name, type, ttlSeconds: ttl }, value)
  }
  return [...sets.values()]
}

async function writeAt(at: { address: string; port: number }, zone: string, sets: RecordSet[]): Promise<void> {
  const changes = sets.flatMap(({ name, type, ttlSeconds, values }) => [
    removeSet(name, typeNumbers[type]),
    ...values.map((value) => addRecord(name, typeNumbers[type], ttlSeconds, encodeData(typeNumbers[type], value))),
  ])
  const id = randomInt(0x10000)
  const message = encodeUpdate({ id, zone, prerequisites: [], changes })
  const code = updateCode(await exchangeOverTcp({ host: at.address, port: at.port }, message, limits()), id)
  if (code !== updateCodes.NOERROR) throw new Error(`Knot answered the update of ${zone} with response code ${code}`)
}

/**
 * A ZoneServer over a name server that is running; `key` signs transfers and updates, as `kdig -y` takes it. Where it is the only writer, a zone is
 * transferred again only after a change. `read` and `write` are used in place of kdig and `knsupdate`.
 */
export function zoneServerAt(
  at: { address: string; port: number; key?: string },
  hooks: {
    isOnlyWriter?: boolean
    read?(zone: string): Promise<RecordSet[]>
    write?(zone: string, sets: RecordSet[]): Promise<void>
    afterUpdate?(zone: string): Promise<void>
    stop(): Promise<void>
  },
): ZoneServer {
  const { address, port, key } = at
  const signed = key === undefined ? [] : ["-y", key]
  const kdig = (...words: string[]) =>
    runCommand(["kdig", `@${address}`, "-p", String(port), ...signed, "+tcp", "+norecurse", "+retry=0", "+timeout=5", ...words])
  let queue: Promise<unknown> = Promise.resolve()

  const transferred = new Map<string, Promise<RecordSet[]>>()
  const transfer = hooks.read ?? (async (zone: string) => gather(await kdig("+noall", "+answer", zone, "AXFR")))
  const sets = async (zone: string) => {
    if (hooks.isOnlyWriter !== true) return transfer(zone)
    const reading = transferred.get(zone) ?? transfer(zone)
    transferred.set(zone, reading)
    try {
      return structuredClone(await reading)
    } catch (error) {
      if (transferred.get(zone) === reading) transferred.delete(zone)
      throw error
    }
  }
  const change = async (zone: string, work: (present: RecordSet[]) => RecordSet[]) => {
    const present = await sets(zone)
    const changed = work(present)
    refuseConflicts(zone, present, changed)
    const { write } = hooks
    if (write !== undefined && changed.length > 0) return updated(zone, () => write(zone, changed))
    const lines: string[] = []
    for (const { name, type, ttlSeconds, values } of changed) {
      lines.push(`update del ${name}. ${type}`)
      for (const value of values) lines.push(`update add ${name}. ${ttlSeconds} ${type} ${presentation(type, value)}`)
    }
    if (lines.length > 0) await send(zone, lines)
  }
  const send = (zone: string, lines: string[]) => {
    const input = `server ${address} ${port}\nzone ${zone}.\n${lines.join("\n")}\nsend\nquit\n`
    return updated(zone, () => runCommand(["knsupdate", "-v", "-t", "5", ...signed], { input }))
  }
  const updated = async (zone: string, update: () => Promise<unknown>) => {
    try {
      await update()
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
    add(sets, { name, type, ttlSeconds: Number(match[2]) }, valueOf(type, match[4] ?? ""))
  }
  return [...sets.values()]
}

function add(sets: Map<string, RecordSet>, key: Omit<RecordSet, "values">, value: string): void {
  const at = `${key.name} ${key.type}`
  const set = sets.get(at) ?? { ...key, values: [] }
  sets.set(at, set)
  set.values.push(value)
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
