import { isIP } from "node:net"
import { canonicalName as canonicalWireName } from "../dns/name"
import { typeNumbers } from "../dns/rdata"
import { type TsigAlgorithm, tsigAlgorithms } from "../dns/tsig"
import {
  addRecord,
  encodeData,
  isAbsent,
  isExactly,
  isThere,
  type RawRecord,
  removeSet,
  updateCodes,
  type UpdateRecord,
} from "../dns/update"
import { isWithin, zoneNamesAround } from "../hostname"
import { joined, notOfForm, parseToken } from "./credential"
import {
  type DnsProvider,
  type EditableZone,
  type ProviderAdapter,
  ProviderFault,
  type Reach,
  type RecordSet,
  type RecordSetType,
  type SetChange,
} from "./provider"
import { requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName } from "./record-value"
import { refuseMalformed, SignedDns } from "./signed-dns"

// A change, in order:
//   1. ask for the sets as they are, and for which of them are to become something else
//   2. one update message: "they are still exactly this" and "nothing stands in the way of, or beside, a CNAME" → away with them → the new records
//   3. a prerequisite that failed: ask again; where all is as it was, something stands in the way, else somebody was faster, and all is done anew
// A server leaves out silently what would stand beside a CNAME (RFC 2136 section 3.4.2.2), hence the prerequisites, and a look at every CNAME after.

const maxAttempts = 10
const maxTtlSeconds = 0x7fffffff
/** NAPTR, PTR, DS, SSHFP, TLSA, SVCB, HTTPS beside those we know: what may stand at a name where a CNAME is wanted. */
const typesBesideCname = [...Object.values(typeNumbers).filter((type) => type !== typeNumbers.CNAME), 12, 35, 43, 44, 52, 64, 65]

/** Any name server that takes dynamic updates (RFC 2136) signed with a key (RFC 8945), such as BIND, Knot or PowerDNS. */
export const rfc2136: ProviderAdapter = {
  key: "rfc2136",
  name: "RFC 2136 (BIND, Knot, PowerDNS)",
  credentialHint: "server[:port];key name;hmac-sha256, hmac-sha384 or hmac-sha512;secret in base64[;zone]",
  docsUrl: "https://www.knot-dns.cz/docs/latest/html/configuration.html#dynamic-updates",
  fields: [
    { key: "server", label: "Server", hint: "Host or address, with :port where it is not 53." },
    { key: "key_name", label: "Key name" },
    { key: "algorithm", label: "Algorithm", choices: Object.keys(tsigAlgorithms) },
    {
      key: "secret",
      label: "Secret",
      isSecret: true,
      form: { pattern: /^[A-Za-z0-9+/]+={0,2}$/, rule: "base64, as in the server's configuration" },
    },
    { key: "zone", label: "Zone", hint: "Where it is left out, the server is asked.", isOptional: true },
  ],
  rights: ["Updates of the zone by that key: allow-update in BIND, action: update in Knot", "Both clocks right within 300 seconds"],
  compose: joined(";", "server", "key_name", "algorithm", "secret", "zone"),
  open: (credential, { baseUrl, reach } = {}) => openUpdates(credential, { server: baseUrl, reach }),
}

/** The adapter with a clock of one's own, and another server than the credential's. */
export function openUpdates(
  credential: string,
  options: { server?: string | undefined; reach?: Reach | undefined; now?: () => number } = {},
): DnsProvider {
  const [server = "", keyName = "", algorithm = "", secret = "", zone, ...more] = parseToken(credential, rfc2136).split(";")
  const isAlgorithm = Object.hasOwn(tsigAlgorithms, algorithm)
  const isSecret = /^[A-Za-z0-9+/]+={0,2}$/.test(secret) && secret.length % 4 === 0
  if (more.length > 0 || !isAlgorithm || !isSecret || zone === "") throw notOfForm(rfc2136)
  try {
    const key = { name: canonicalWireName(keyName), algorithm: algorithm as TsigAlgorithm, secret: Buffer.from(secret, "base64") }
    if (key.name === "") throw notOfForm(rfc2136)
    const own = parseServer(server)
    const asked = options.server === undefined ? own : parseServer(options.server)
    return new UpdateProvider(new SignedDns(asked, key, options), zone && canonicalWireName(zone))
  } catch {
    throw notOfForm(rfc2136)
  }
}

function parseServer(text: string): { host: string; port: number } {
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\d{1,5}))?$/i.exec(text)
  const plain = isIP(text) === 6 ? [text, text] : /^([a-z0-9.-]{1,253})(?::(\d{1,5}))?$/i.exec(text)
  const [, host = "", port = "53"] = bracketed ?? plain ?? []
  if (host === "" || Number(port) < 1 || Number(port) > 65_535) throw notOfForm(rfc2136)
  return { host, port: Number(port) }
}

type Held = { set: RecordSet | undefined; records: RawRecord[] }

class UpdateProvider implements DnsProvider {
  constructor(
    private server: SignedDns,
    private onlyZone: string | undefined,
  ) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    if (this.onlyZone !== undefined && !isWithin(hostname, this.onlyZone)) return undefined
    const name = await this.zoneAround(hostname, signal)
    if (name === undefined || (this.onlyZone !== undefined && name !== this.onlyZone)) return undefined
    // Changes nothing, and is refused to a key that may change nothing.
    const code = await this.server.update(name, [isThere(name, typeNumbers.SOA)], [], signal)
    if (code === updateCodes.SERVFAIL)
      throw new ProviderFault("unreachable", `the name server could not say whether ${name} may be changed`)
    if (code !== updateCodes.NOERROR) return undefined
    const { answers } = await this.server.query(name, typeNumbers.NS, signal)
    const nameServers = answers.filter((record) => record.type === typeNumbers.NS && record.name === name).map(({ value }) => value)
    return { id: name, name, nameServers }
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    return (await this.read(zone, requireWithin(zone, name), type, signal)).set
  }

  async replaceSet(zone: EditableZone, set: RecordSet, signal: AbortSignal): Promise<void> {
    await this.replaceSets(zone, [set], signal)
  }

  async replaceSets(zone: EditableZone, given: RecordSet[], signal: AbortSignal): Promise<void> {
    const sets = given.map((set) => setWithin(zone, set))
    await this.change(zone, sets, () => sets, signal)
  }

  updateSet(zone: EditableZone, name: string, type: RecordSetType, change: SetChange, signal: AbortSignal): Promise<boolean> {
    const key = { name: requireWithin(zone, name), type }
    const next = ([held]: Held[]) => {
      const set = change(held?.set)
      return set === undefined ? [] : [setWithin(zone, { ...set, ...key })]
    }
    return this.change(zone, [key], next, signal)
  }

  /** The sets that `next` answers are among those asked for. */
  private async change(
    zone: EditableZone,
    keys: { name: string; type: RecordSetType }[],
    next: (held: Held[]) => RecordSet[],
    signal: AbortSignal,
  ): Promise<boolean> {
    let before: string | undefined
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const held = await Promise.all(keys.map(({ name, type }) => this.read(zone, name, type, signal)))
      const heldOf = (set: RecordSet) => held[keys.findIndex(({ name, type }) => name === set.name && type === set.type)]
      const seen = held.map(contentOf).join(" ")
      if (seen === before) throw new ProviderFault("refused", standsInTheWay(keys))
      before = seen
      const changed = next(held).filter((set) => !isSame(set, heldOf(set)?.set))
      if (changed.length === 0) return false
      const { prerequisites, changes } = refuseMalformed(() => updateOf(changed, (set) => heldOf(set)?.records ?? []))
      const code = await this.server.update(zone.name, prerequisites, changes, signal)
      if (code === updateCodes.NOERROR) {
        await this.requireAliases(zone, changed, signal)
        return true
      }
      if (code !== updateCodes.NXRRSET && code !== updateCodes.YXRRSET) throw updateFault(code, zone.name)
    }
    throw tooBusy(keys[0]?.name ?? zone.name)
  }

  private async requireAliases(zone: EditableZone, sets: RecordSet[], signal: AbortSignal): Promise<void> {
    for (const { name, type, values } of sets.filter((set) => set.type === "CNAME" && set.values.length > 0)) {
      const { set } = await this.read(zone, name, type, signal)
      if (!set?.values.includes(values[0] ?? "")) throw new ProviderFault("refused", standsInTheWay([{ name }]))
    }
  }

  private async read(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<Held> {
    const number = typeNumbers[type]
    let before: string | undefined
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const records = await this.recordsAt(name, number, signal)
      const held = {
        set: setOf(
          name,
          type,
          records.map(({ value, ttl }) => ({ value, ttlSeconds: ttl })),
        ),
        records,
      }
      // A wildcard answers for names that are not there; a prerequisite looks at what the zone itself holds (RFC 2136 section 3.2). Where that is
      // another thing than the answer, and the answer stays the same, it was a wildcard's; else somebody has just changed it.
      if (records.length === 0 || (await this.holds(zone, name, number, records, signal))) return held
      if (contentOf(held) === before) return { set: undefined, records: [] }
      before = contentOf(held)
    }
    throw tooBusy(name)
  }

  private async recordsAt(name: string, type: number, signal: AbortSignal): Promise<RawRecord[]> {
    const { code, authoritative, answers } = await this.server.query(name, type, signal)
    if (code === updateCodes.SERVFAIL) throw new ProviderFault("unreachable", `the name server could not say what stands at ${name}`)
    if (code !== updateCodes.NOERROR && code !== updateCodes.NXDOMAIN) {
      throw new ProviderFault("denied", `the name server answers ${codeName(code)} when asked for ${name}`)
    }
    if (!authoritative) throw new ProviderFault("refused", `the name server is not the authority for ${name}`)
    return answers.filter((record) => record.type === type && record.name === name)
  }

  private async holds(zone: EditableZone, name: string, type: number, records: RawRecord[], signal: AbortSignal): Promise<boolean> {
    const prerequisites = isExactly(
      name,
      type,
      records.map(({ data }) => data),
    )
    const code = await this.server.update(zone.name, prerequisites, [], signal)
    if (code === updateCodes.NOERROR) return true
    if (code === updateCodes.NXRRSET || code === updateCodes.NXDOMAIN) return false
    throw updateFault(code, zone.name)
  }

  /** The apex of the zone that the server has around the name; undefined where it has none, or has delegated the name away. */
  private async zoneAround(hostname: string, signal: AbortSignal): Promise<string | undefined> {
    for (const name of zoneNamesAround(canonicalName(hostname))) {
      const { code, authoritative, answers, authorities } = await this.server.query(name, typeNumbers.SOA, signal)
      if (code === updateCodes.SERVFAIL)
        throw new ProviderFault("unreachable", `the name server could not say where the zone of ${name} begins`)
      if (code !== updateCodes.NOERROR && code !== updateCodes.NXDOMAIN) continue
      const apex = [...answers, ...authorities].find((record) => record.type === typeNumbers.SOA && isWithin(name, record.name))
      if (authoritative && apex) return apex.name
      if (!authoritative && authorities.some((record) => record.type === typeNumbers.NS)) return undefined
    }
    return undefined
  }
}

function updateOf(
  sets: RecordSet[],
  recordsOf: (set: RecordSet) => RawRecord[],
): { prerequisites: UpdateRecord[]; changes: UpdateRecord[] } {
  const prerequisites: UpdateRecord[] = []
  const removals: UpdateRecord[] = []
  const additions: UpdateRecord[] = []
  for (const set of sets) {
    const { name } = set
    const type = typeNumbers[set.type]
    const records = recordsOf(set)
    prerequisites.push(
      ...(records.length > 0
        ? isExactly(
            name,
            type,
            records.map(({ data }) => data),
          )
        : [isAbsent(name, type)]),
    )
    if (records.length > 0) removals.push(removeSet(name, type))
    if (set.values.length === 0) continue
    const changed = new Set(sets.filter((other) => other.name === name).map((other): number => typeNumbers[other.type]))
    const rivals = set.type === "CNAME" ? typesBesideCname : [typeNumbers.CNAME]
    prerequisites.push(...rivals.filter((rival) => !changed.has(rival)).map((rival) => isAbsent(name, rival)))
    const ttl = ttlWithin(set.ttlSeconds, 0, maxTtlSeconds)
    additions.push(...set.values.map((value) => addRecord(name, type, ttl, encodeData(type, value))))
  }
  return { prerequisites, changes: [...removals, ...additions] }
}

function isSame(wanted: RecordSet, present: RecordSet | undefined): boolean {
  if (present === undefined || wanted.values.length === 0) return wanted.values.length === (present?.values.length ?? 0)
  const isSameSize = wanted.values.length === present.values.length
  return isSameSize && wanted.ttlSeconds === present.ttlSeconds && wanted.values.every((value) => present.values.includes(value))
}

function updateFault(code: number, zone: string): ProviderFault {
  if (code === updateCodes.REFUSED || code === updateCodes.NOTAUTH) {
    return new ProviderFault("denied", `the name server does not let this key make the change in ${zone} (${codeName(code)})`)
  }
  if (code === updateCodes.SERVFAIL) return new ProviderFault("unreachable", `the name server failed to change ${zone} (SERVFAIL)`)
  return new ProviderFault("refused", `the name server does not make the change in ${zone} (${codeName(code)})`)
}

const tooBusy = (name: string) =>
  new ProviderFault("unreachable", `${name} was changed by others ${maxAttempts} times while we were about to`)

/** What tells one state of a set from another. */
const contentOf = ({ records }: Held) =>
  JSON.stringify(records.map(({ ttl, data }) => `${ttl} ${Buffer.from(data).toString("hex")}`).sort())

const standsInTheWay = ([key]: { name: string }[]) => `another record stands in the way at ${key?.name}: a CNAME stands beside no other`

const codeName = (code: number) => Object.entries(updateCodes).find(([, number]) => number === code)?.[0] ?? `response code ${code}`
