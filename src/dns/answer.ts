// Truth list:
// - No recursion and no referrals: a name in none of our zones is REFUSED, and zones hold no delegations.
// - No DNSSEC, no DNS cookies, no NSID: options of EDNS are ignored. No notify, update or transfer: NOTIMP for other opcodes, REFUSED for AXFR and IXFR.
// - No wildcards (RFC 4592): the names of our zones are all known.
// - ANY gets one of the name's sets (RFC 8482 section 4.1).

import { isWithin, WireError } from "./name"
import { typeNumbers } from "./rdata"
import { CLASS_IN, decodeMessage, type DnsRecord, encodeMessage, type Message, message, type Question, rcodes, UDP_SIZE } from "./wire"
import type { AuthoritativeZone } from "./zone"

const ANY = 255
const DS = 43
const FIRST_META_TYPE = 128
const MAX_ALIASES = 8
const PLAIN_UDP_SIZE = 512

/**
 * The answer to one query, or undefined where none may be sent (too short for a header, or itself a response: answering would make echoes). Pure and fast;
 * never throws for what a client sends. Order: header → NOTIMP → FORMERR → EDNS version → zone → records → size. No recursion, ever.
 */
export function answer(
  query: Uint8Array,
  zones: Iterable<AuthoritativeZone>,
  options: { transport: "udp" | "tcp" },
): Uint8Array | undefined {
  if (query.length < 12 || (query[2]! & 0x80) !== 0) return undefined
  const id = (query[0]! << 8) | query[1]!
  const opcode = (query[2]! >>> 3) & 15
  const bare = message({ id, response: true, opcode, recursionDesired: (query[2]! & 1) !== 0 })
  if (opcode !== 0) return encodeMessage({ ...bare, rcode: rcodes.NOTIMP })
  const asked = decode(query)
  const [question, ...more] = asked?.questions ?? []
  if (!asked || !question || more.length > 0) return encodeMessage({ ...bare, rcode: rcodes.FORMERR })
  // The DO bit is echoed (RFC 3225 section 3); options and other flags that we do not know are left out (RFC 6891 section 6.1.2 and 6.1.4).
  const edns = asked.edns ? { edns: { udpSize: UDP_SIZE, version: 0, dnssecOk: asked.edns.dnssecOk } } : {}
  const base: Message = { ...bare, questions: [question], ...edns }
  if (asked.edns && asked.edns.version !== 0) return encodeMessage({ ...base, rcode: rcodes.BADVERS })
  const reply = encodeMessage({ ...base, ...resolve(question, [...zones]) })
  const limit = asked.edns ? Math.min(Math.max(asked.edns.udpSize, PLAIN_UDP_SIZE), UDP_SIZE) : PLAIN_UDP_SIZE
  if (options.transport === "tcp" || reply.length <= limit) return reply
  return encodeMessage({ ...base, authoritative: true, truncated: true })
}

/** A whole answer cut to its header, question and OPT record, so that the client asks again over TCP (RFC 2181 section 9). */
export function cut(reply: Uint8Array): Uint8Array {
  return encodeMessage({ ...decodeMessage(reply), answers: [], authorities: [], additionals: [], truncated: true })
}

function decode(query: Uint8Array): Message | undefined {
  try {
    return decodeMessage(query)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

function resolve(question: Question, zones: AuthoritativeZone[]): Partial<Message> {
  const isMeta = question.type >= FIRST_META_TYPE && question.type < ANY
  let zone = question.class === CLASS_IN && !isMeta ? zoneOf(question.name, question.type, zones) : undefined
  if (!zone) return { rcode: rcodes.REFUSED }
  const answers: DnsRecord[] = []
  let name = question.name
  for (let hop = 0; ; hop++) {
    const wanted = question.type === ANY ? zone.anyRecords(name) : zone.records(name, question.type)
    if (wanted.length > 0) return { authoritative: true, answers: [...answers, ...wanted], additionals: addresses(wanted, zones) }
    const [alias] = zone.records(name, typeNumbers.CNAME)
    if (!alias) break
    // A chain that comes back to itself is answered as far as it goes; the client sees the circle.
    if (answers.includes(alias)) return { authoritative: true, answers }
    answers.push(alias)
    name = alias.value
    const next = zoneOf(name, question.type, zones)
    if (next === undefined || hop === MAX_ALIASES) return { authoritative: true, answers }
    zone = next
  }
  // A name at or above another zone of ours exists too, or who trusts the denial would not ask there any more (RFC 8020).
  const exists = zone.exists(name) || zones.some(({ origin }) => isWithin(origin, name))
  return { authoritative: true, answers, authorities: [zone.soa], rcode: exists ? rcodes.NOERROR : rcodes.NXDOMAIN }
}

/** The addresses we hold of the name servers in an answer (RFC 1034 section 3.6.1), so that whoever asks can go on to them. */
function addresses(answers: DnsRecord[], zones: AuthoritativeZone[]): DnsRecord[] {
  const servers = answers.filter((record) => record.type === typeNumbers.NS).map((record) => record.value)
  return servers.flatMap((name) => [typeNumbers.A, typeNumbers.AAAA].flatMap((type) => closest(name, zones)?.records(name, type) ?? []))
}

/** The zone that answers a question: the closest one, but for DS that above a zone's own name (RFC 4035 section 3.1.4.1), where we have it. */
function zoneOf(name: string, type: number, zones: AuthoritativeZone[]): AuthoritativeZone | undefined {
  const zone = closest(name, zones)
  if (type !== DS || zone?.origin !== name) return zone
  return (
    closest(
      name,
      zones.filter((other) => other !== zone),
    ) ?? zone
  )
}

function closest(name: string, zones: AuthoritativeZone[]): AuthoritativeZone | undefined {
  let best: AuthoritativeZone | undefined
  for (const zone of zones) {
    if (isWithin(name, zone.origin) && (!best || zone.origin.length > best.origin.length)) best = zone
  }
  return best
}
