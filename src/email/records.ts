import { emailTtl, mailHosts, type Mx } from "./mail-hosts"
import type { EmailInput, EmailPlan, EmailRecord, EmailRecords, Published } from "./model"
import { isSpf, withInclude } from "./spf"

/** What of the DNS has to be known. */
export type Question = { name: string; type: "MX" | "TXT" | "CNAME" }

/** Everything `emailRecords` wants to know; no two are alike. */
export function questions(input: EmailInput): Question[] {
  const { domain, provider } = input
  const others = mailHosts[provider].others(input).map(({ host, type }) => ({ name: host, type }))
  return [{ name: domain, type: "MX" }, { name: domain, type: "TXT" }, { name: `_dmarc.${domain}`, type: "TXT" }, ...others]
}

/** The records that a domain needs for its mail, merged with what it publishes; asks nobody and writes nothing. */
export function emailRecords(input: EmailInput, published: Published): EmailRecords {
  const host = mailHosts[input.provider]
  const notes: string[] = []
  const mx = mxRecords(input, published, notes)
  const spf = spfRecord(input, published, notes)
  const others = host.others(input)
  const conflicts = [...mx.conflicts, ...others.flatMap((record) => inTheWay(record, published))]
  for (const found of conflicts) {
    if (found.type !== "MX")
      notes.push(`${found.host} has the ${found.type} record "${shorten(found.value)}": it has to make way for the one here.`)
  }
  const dmarc = dmarcRecords(input, published, notes)
  return {
    provider: input.provider,
    domain: input.domain,
    records: [...mx.records, spf, ...others, ...dmarc],
    notes: [...notes, ...host.notes(input)],
    conflicts,
  }
}

/** Sorts the records by who writes them: never the SPF of the domain, never beside a record of another provider, and nothing that stands already. */
export function emailPlan(input: EmailInput, published: Published): EmailPlan {
  const { records, notes, conflicts } = emailRecords(input, published)
  const missing = records.filter((record) => !isPublished(record, published))
  const isManual = (record: EmailRecord) =>
    (record.type === "TXT" && isSpf(record.value)) || conflicts.some(({ host, type }) => host === record.host && type === record.type)
  const inPlace = records.length - missing.length
  return {
    written: missing.filter((record) => !isManual(record)),
    manual: missing.filter(isManual),
    notes: inPlace === 0 ? notes : [...notes, `${inPlace} of ${records.length} records stand already.`],
  }
}

function mxRecords(input: EmailInput, published: Published, notes: string[]): { records: EmailRecord[]; conflicts: EmailRecord[] } {
  const host = mailHosts[input.provider]
  const there = at(published, input.domain, "MX").flatMap(parseMx)
  const own = there.filter((mx) => host.isOwnMx(mx.host, input))
  const foreign = there.filter((mx) => !host.isOwnMx(mx.host, input))
  const record = ({ priority, host: value }: Mx): EmailRecord => ({ host: input.domain, type: "MX", value, ttl: emailTtl, priority })
  const documented = host.mx(input)
  const isDocumented = own.every((mx) => documented.some((wanted) => wanted.host === mx.host))
  if (foreign.length > 0) {
    const names = foreign
      .map((mx) => (mx.host === "" ? `${mx.priority} . (no mail at all, RFC 7505)` : `${mx.priority} ${mx.host}`))
      .join(", ")
    notes.push(
      `Conflict: mail for ${input.domain} goes elsewhere now (${names}). Remove these MX records when the mailboxes have moved; until then mail is split or lost.`,
    )
  }
  if (!host.acceptsOwnMx || own.length === 0) return { records: documented.map(record), conflicts: foreign.map(record) }
  if (!isDocumented) notes.push(`The published MX of ${host.name} go on working and are kept: ${own.map((mx) => mx.host).join(", ")}.`)
  return { records: own.map(record), conflicts: foreign.map(record) }
}

function spfRecord(input: EmailInput, published: Published, notes: string[]): EmailRecord {
  const host = mailHosts[input.provider]
  const merged = withInclude(at(published, input.domain, "TXT"), host.spfSender(input), host.spfPolicy)
  notes.push(...merged.notes)
  return { host: input.domain, type: "TXT", value: merged.value, ttl: emailTtl }
}

function dmarcRecords(input: EmailInput, published: Published, notes: string[]): EmailRecord[] {
  const host = `_dmarc.${input.domain}`
  const there = at(published, host, "TXT").filter((text) => /^v=DMARC1\s*(;|$)/.test(text))
  if (there.length === 0) {
    notes.push("DMARC starts at p=none, which only watches: make it p=quarantine or p=reject when SPF and DKIM pass for all your mail.")
    return [{ host, type: "TXT", value: "v=DMARC1; p=none;", ttl: emailTtl }]
  }
  if (there.length > 1) notes.push(`${host} has ${there.length} DMARC records, so none of them counts (RFC 7489 section 6.6.3): keep one.`)
  else notes.push(`The published DMARC record is left as it is: "${shorten(there[0] ?? "")}".`)
  return []
}

/** What is published at a record's name and type and is something else; a DKIM name has one key. */
function inTheWay(record: EmailRecord, published: Published): EmailRecord[] {
  return at(published, record.host, record.type)
    .filter((value) => !isSame(record.type, value, record.value))
    .map((value) => ({ host: record.host, type: record.type, value, ttl: emailTtl }))
}

function isPublished(record: EmailRecord, published: Published): boolean {
  const values = at(published, record.host, record.type)
  if (record.type === "MX") return values.flatMap(parseMx).some((mx) => mx.host === record.value)
  // Beside a second SPF record the right one does not stand as it should.
  if (record.type === "TXT" && isSpf(record.value)) return values.filter(isSpf).length === 1 && values.includes(record.value)
  return values.some((value) => isSame(record.type, value, record.value))
}

/** White space means nothing between the tags of a key (RFC 6376 section 3.2). */
function isSame(type: EmailRecord["type"], one: string, other: string): boolean {
  const plain = (value: string) => (type === "TXT" ? value.replaceAll(" ", "").replace(/;$/, "") : value.toLowerCase().replace(/\.$/, ""))
  return plain(one) === plain(other)
}

function parseMx(value: string): Mx[] {
  const [, priority, host = ""] = /^(\d{1,5}) +(\S+)$/.exec(value.trim()) ?? []
  return priority === undefined ? [] : [{ priority: Number(priority), host: host.toLowerCase().replace(/\.$/, "") }]
}

const at = (published: Published, name: string, type: Question["type"]) => published.get(`${name} ${type}`) ?? []

const shorten = (text: string) => (text.length > 120 ? `${text.slice(0, 120)}…` : text)
