import { AppError } from "../errors"
import type { RecordType } from "./lookup"
import { canonicalName, isWithin, type Name, parentOf, WireError } from "./name"
import { Writer } from "./octets"
import { typeNumbers, writeData } from "./rdata"
import { CLASS_IN, type DnsRecord } from "./wire"

export type ZoneOptions = {
  origin: string
  /** The first is the primary of the SOA record. */
  nameServers: string[]
  /** Mailbox of the SOA record, as a domain name. */
  contact: string
  /** Of the zone as it is filled at first; the Unix time in seconds unless given. */
  serial?: number
  ttlSeconds?: number
  /** How long "no such record" may be remembered (RFC 2308). */
  negativeTtlSeconds?: number
  maxNames?: number
}

/**
 * The records of one zone, changed one RRset at a time; the serial that is shown after changes is higher (RFC 1982) than the one before. Truth list: no wildcards and no delegations (a `set` that would make
 * one is refused), no DNSSEC, no transfers.
 */
export class AuthoritativeZone {
  readonly origin: Name
  private sets = new Map<Name, Map<number, DnsRecord[]>>()
  /** Names that exist only because something lies below them (RFC 8020), and how many sets do. */
  private below = new Map<Name, number>()
  private serial: number
  private isChanged = false
  private options: Required<ZoneOptions>

  /** Throws AppError("invalid"). */
  constructor(options: ZoneOptions) {
    this.options = { serial: Math.floor(Date.now() / 1000), ttlSeconds: 300, negativeTtlSeconds: 5, maxNames: 10_000, ...options }
    this.origin = parse(options.origin)
    this.serial = this.options.serial >>> 0
    if (options.nameServers.length === 0) throw new AppError("invalid", `zone ${this.origin} has no name server`)
    this.set(this.origin, "NS", options.nameServers, this.options.ttlSeconds)
    this.isChanged = false
    checkData(typeNumbers.SOA, this.soa.value)
  }

  /** The SOA record; its TTL is that of negative answers (RFC 2308 section 5). */
  get soa(): DnsRecord {
    const { nameServers, contact, negativeTtlSeconds } = this.options
    // One step for all changes that nobody has seen yet, however many a filling of the zone takes.
    if (this.isChanged) this.serial = (this.serial + 1) >>> 0 || 1
    this.isChanged = false
    const value = `${parse(nameServers[0] ?? "")} ${parse(contact)} ${this.serial} 14400 3600 1209600 ${negativeTtlSeconds}`
    return { name: this.origin, type: typeNumbers.SOA, class: CLASS_IN, ttl: negativeTtlSeconds, value }
  }

  /** Replaces the records of one type at a name; values in presentation form, a TXT value as plain text. Throws AppError("invalid" or "conflict"). */
  set(rawName: string, type: Exclude<RecordType, "SOA">, values: string[], ttlSeconds = this.options.ttlSeconds): void {
    const name = parse(rawName)
    const number = typeNumbers[type]
    if (!isWithin(name, this.origin)) throw new AppError("invalid", `${name} is not in the zone ${this.origin}`)
    if (name.split(".").includes("*")) throw new AppError("invalid", `${name}: wildcards are not served`)
    if (type === "NS" && name !== this.origin) throw new AppError("invalid", `${name}: delegations are not served`)
    if (values.length === 0) throw new AppError("invalid", `${name} ${type}: no value was given`)
    if (!(Number.isInteger(ttlSeconds) && ttlSeconds >= 0 && ttlSeconds <= 0x7fffffff))
      throw new AppError("invalid", `${name} ${type}: bad TTL`)
    for (const value of values) checkData(number, value)
    const present = this.sets.get(name)
    const others = [...(present?.keys() ?? [])].filter((other) => other !== number)
    const isMixed = type === "CNAME" ? others.length > 0 || values.length > 1 || name === this.origin : others.includes(typeNumbers.CNAME)
    if (isMixed) throw new AppError("conflict", `${name}: a CNAME stands alone at its name, and never at the zone's own`)
    if (!present && this.sets.size >= this.options.maxNames) {
      throw new AppError("conflict", `zone ${this.origin} is full: it has ${this.sets.size} names`)
    }
    const records = [...new Set(values)].map((value) => ({ name, type: number, class: CLASS_IN, ttl: ttlSeconds, value }))
    if (present) present.set(number, records)
    else {
      this.sets.set(name, new Map([[number, records]]))
      this.count(name, 1)
    }
    this.isChanged = true
  }

  /** Takes away the records of one type, or all of a name; false when there were none. The zone's own NS set stays. */
  remove(rawName: string, type?: Exclude<RecordType, "SOA" | "NS">): boolean {
    const name = parse(rawName)
    const present = this.sets.get(name)
    if (!present) return false
    const goes = [...present.keys()].filter((number) => number !== typeNumbers.NS && (type === undefined || number === typeNumbers[type]))
    for (const number of goes) present.delete(number)
    if (present.size === 0) {
      this.sets.delete(name)
      this.count(name, -1)
    }
    if (goes.length > 0) this.isChanged = true
    return goes.length > 0
  }

  /** The records of one type at a canonical name. */
  records(name: Name, type: number): DnsRecord[] {
    if (type === typeNumbers.SOA) return name === this.origin ? [this.soa] : []
    return this.sets.get(name)?.get(type) ?? []
  }

  /** The first set at a canonical name, which is what ANY gets (RFC 8482 section 4.1). */
  anyRecords = (name: Name): DnsRecord[] => [...(this.sets.get(name)?.values() ?? [])][0] ?? []

  /** Whether the name exists, be it without records (RFC 8020). */
  exists = (name: Name): boolean => this.sets.has(name) || this.below.has(name)

  private count(name: Name, change: number): void {
    for (let above = name; above !== this.origin;) {
      above = parentOf(above)
      const count = (this.below.get(above) ?? 0) + change
      if (count > 0) this.below.set(above, count)
      else this.below.delete(above)
    }
  }
}

function parse(text: string): Name {
  try {
    return canonicalName(text)
  } catch (error) {
    throw new AppError("invalid", `"${text}" is not a name: ${error instanceof WireError ? error.message : String(error)}`)
  }
}

function checkData(type: number, value: string): void {
  try {
    writeData(new Writer(), type, value)
  } catch (error) {
    throw new AppError("invalid", error instanceof WireError ? error.message : String(error))
  }
}
