/**
 * SPF records (RFC 7208): text → terms of the grammar (section 12) → one record that also lets a sender through.
 *
 * Truth list: nothing is looked up, so the ten look-ups of section 4.6.4 are counted in this record alone; macros stay as they are written.
 */

/** A term in the order it stands in. `fault` says what the grammar has against it; such a record is a permerror to whoever reads it (section 4.6). */
export type SpfTerm = { text: string } & (
  | { kind: "mechanism"; qualifier: "+" | "-" | "~" | "?"; name: string; domain: string | undefined }
  | { kind: "modifier"; name: string; value: string }
  | { kind: "malformed"; fault: string }
)

/** `faults` are in words for people; a record with any is a permerror. */
export type SpfRecord = { terms: SpfTerm[]; faults: string[] }

const mechanismNames = new Set(["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"])
const lookingUp = new Set(["include", "a", "mx", "ptr", "exists"])
const maxLookups = 10
/** Section 3.4: an answer should fit into 512 octets, names and all. */
const comfortableLength = 450

const macro = "%(?:\\{[slodiphcrtv]\\d*r?[.\\-+,/_=]*\\}|[%_-])"
const macroString = new RegExp(`^(?:${macro}|[\\x21-\\x24\\x26-\\x7e])*$`, "i")
const topLabel = "\\.(?!\\d+\\.?$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.?"
const domainSpec = new RegExp(`^(?:${macro}|[\\x21-\\x24\\x26-\\x7e])*?(?:${topLabel}|%\\{[slodiphcrtv]\\d*r?[.\\-+,/_=]*\\})$`, "i")
/** A name has at most 253 characters, its macros some more; the search takes the square of the length. */
const isDomainSpec = (text: string) => text.length <= 512 && domainSpec.test(text)
const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
const ip4 = new RegExp(`^(?:${octet}\\.){3}${octet}(?:/(?:3[0-2]|[12]?\\d))?$`)
const dualCidr = /(\/(?:3[0-2]|[12]?\d))?(\/\/(?:12[0-8]|1[01]\d|[1-9]?\d))?$/

/** Whether a TXT record's text is meant as SPF version 1 (section 4.5). */
export const isSpf = (text: string): boolean => /^v=spf1(?: |$)/i.test(text)

/** Reads a record that `isSpf`; what does not follow the grammar is kept as `malformed`. */
export function parseSpf(text: string): SpfRecord {
  const terms = text
    .slice("v=spf1".length)
    .split(" ")
    .filter((word) => word !== "")
    .map(parseTerm)
  const faults = terms.flatMap((term) => (term.kind === "malformed" ? term.fault : []))
  for (const name of ["redirect", "exp"]) {
    if (modifiers(terms, name).length > 1) faults.push(`"${name}=" stands in it more than once`)
  }
  return { terms, faults }
}

/** How many DNS look-ups the record itself asks of its readers (section 4.6.4); a redirect counts where no `all` comes before it. */
export function countLookups(terms: SpfTerm[]): number {
  const mechanisms = terms.filter((term) => term.kind === "mechanism")
  const end = mechanisms.findIndex((term) => term.name === "all")
  const reached = end === -1 ? mechanisms : mechanisms.slice(0, end)
  return reached.filter((term) => lookingUp.has(term.name)).length + (end === -1 && modifiers(terms, "redirect").length > 0 ? 1 : 0)
}

/** The one record that a name should have, and what is to be said about it. `policy` ends a record that is new. */
export function withInclude(published: string[], sender: string, policy: "~all" | "-all"): { value: string; notes: string[] } {
  const records = published.filter(isSpf)
  if (records.length === 0) return { value: `v=spf1 include:${sender} ${policy}`, notes: [] }
  if (records.length === 1) return including(parseSpf(records[0] ?? ""), sender, records[0])
  const joined = join(records.map(parseSpf))
  const count = `The domain publishes ${records.length} SPF records, which receivers take as an error (permerror, RFC 7208 section 4.5)`
  const whole = including(joined.record, sender, undefined)
  return {
    value: whole.value,
    notes: [`${count}: they are merged into this one, and the others must be removed.`, ...joined.notes, ...whole.notes],
  }
}

function including({ terms, faults }: SpfRecord, sender: string, original: string | undefined): { value: string; notes: string[] } {
  const notes: string[] = []
  if (faults.length > 0) {
    notes.push(
      `The published SPF record has an error, so receivers take no notice of it (permerror): ${faults.join("; ")}. It is kept here as it is: correct it.`,
    )
  }
  const end = terms.findIndex((term) => isMechanism(term, "all"))
  const isSender = (term: SpfTerm) => isMechanism(term, "include") && term.domain?.replace(/\.$/, "").toLowerCase() === sender
  const present = terms.findIndex((term, at) => isSender(term) && (end === -1 || at < end))
  const redirect = modifiers(terms, "redirect")[0]
  const redirectsThere = end === -1 && redirect?.value.replace(/\.$/, "").toLowerCase() === sender
  let result = terms
  if (present !== -1) {
    const term = terms[present]
    if (term?.kind === "mechanism" && term.qualifier !== "+")
      notes.push(`The published SPF record names ${sender} as "${term.text}", which is no pass: write it without "${term.qualifier}".`)
  } else if (redirectsThere) {
    notes.push(`The published SPF record is redirected to ${sender}, which lets the provider's servers through already.`)
  } else {
    // Mechanisms after `all` are never reached (section 5.1), so an include that stands there comes before it.
    const others = terms.filter((term) => !isSender(term))
    result = others.toSpliced(insertionPoint(others), 0, parseTerm(`include:${sender}`))
    if (end === -1 && redirect !== undefined)
      notes.push(
        `The published SPF record has no "all" and is redirected to ${redirect.value}: that record's policy goes on to hold for whoever is not named here.`,
      )
    else if (end === -1)
      notes.push('The published SPF record has no "all", so unknown senders are neutral: end it with "~all" when every sender is in it.')
  }
  if (end !== -1 && redirect !== undefined) notes.push(`"${redirect.text}" has no effect beside "all" (RFC 7208 section 6.1).`)
  if (terms.some((term) => isMechanism(term, "all") && term.qualifier === "+"))
    notes.push('The published SPF record ends with "+all", which lets everybody send in the domain\'s name: make it "~all".')
  const lookups = countLookups(result)
  if (lookups > maxLookups)
    notes.push(
      `The SPF record asks for ${lookups} DNS look-ups by itself, more than the ${maxLookups} that receivers make (RFC 7208 section 4.6.4): remove senders that are no longer used.`,
    )
  const value = result === terms && original !== undefined ? original : write(result)
  if (value.length > comfortableLength)
    notes.push(
      `The SPF record has ${value.length} characters: it is published as several strings of at most 255, which most forms do by themselves.`,
    )
  return { value, notes }
}

/** Several records as one: every mechanism once, in order; redirects become includes, since a record has one at most. */
function join(records: SpfRecord[]): { record: SpfRecord; notes: string[] } {
  const notes: string[] = []
  const kept = new Map<string, SpfTerm>()
  const policies: string[] = []
  let explanation: SpfTerm | undefined
  for (const { terms } of records) {
    const end = terms.findIndex((term) => isMechanism(term, "all"))
    for (const term of end === -1 ? terms : [...terms.slice(0, end), ...terms.slice(end).filter(({ kind }) => kind === "modifier")]) {
      let one = term
      if (isModifier(term, "redirect")) {
        if (end !== -1) continue
        notes.push(`"${term.text}" became "include:${term.value}", since there can be only one redirect.`)
        one = parseTerm(`include:${term.value}`)
      }
      if (isModifier(one, "exp")) explanation ??= one
      else kept.set(one.text.toLowerCase().replace(/^\+/, ""), kept.get(one.text.toLowerCase().replace(/^\+/, "")) ?? one)
    }
    const all = terms[end]
    if (all?.kind === "mechanism") policies.push(all.qualifier)
  }
  // None of them was in force, so the merged one must not begin by rejecting what one of its authors let pass with a mark.
  const policy = (["?", "~", "-", "+"] as const).find((qualifier) => policies.includes(qualifier)) ?? "~"
  if (new Set(policies).size > 1)
    notes.push(`The records end differently (${[...new Set(policies)].map((one) => `${one}all`).join(", ")}): "${policy}all" is kept.`)
  const terms = [...kept.values(), parseTerm(`${policy}all`), ...(explanation === undefined ? [] : [explanation])]
  return { record: { terms, faults: terms.flatMap((term) => (term.kind === "malformed" ? term.fault : [])) }, notes }
}

/** Before `all`, else behind the last mechanism: modifiers come at the end (section 6). */
function insertionPoint(terms: SpfTerm[]): number {
  const end = terms.findIndex((term) => isMechanism(term, "all"))
  return end === -1 ? terms.findLastIndex((term) => term.kind !== "modifier") + 1 : end
}

const write = (terms: SpfTerm[]) => ["v=spf1", ...terms.map((term) => term.text)].join(" ")

function isMechanism(term: SpfTerm | undefined, name: string): term is SpfTerm & { kind: "mechanism" } {
  return term?.kind === "mechanism" && term.name === name
}

function isModifier(term: SpfTerm, name: string): term is SpfTerm & { kind: "modifier" } {
  return term.kind === "modifier" && term.name === name
}

const modifiers = (terms: SpfTerm[], name: string) => terms.filter((term) => isModifier(term, name))

function parseTerm(text: string): SpfTerm {
  const malformed = (fault: string): SpfTerm => ({ text, kind: "malformed", fault })
  const modifier = /^([a-z][a-z0-9_.-]*)=(.*)$/is.exec(text)
  if (modifier !== null) {
    const [, name = "", value = ""] = modifier
    const follows = /^(redirect|exp)$/i.test(name) ? isDomainSpec : (spec: string) => macroString.test(spec)
    return follows(value)
      ? { text, kind: "modifier", name: name.toLowerCase(), value }
      : malformed(`"${text}" has a value that is not allowed`)
  }
  const parts = /^([+\-~?])?([a-z0-9]+)(.*)$/is.exec(text)
  const name = parts?.[2]?.toLowerCase() ?? ""
  if (parts === null || !mechanismNames.has(name)) return malformed(`"${text}" is no mechanism of SPF`)
  const rest = parts[3] ?? ""
  const domain = domainOf(name, rest)
  if (domain === false) return malformed(`"${text}" does not have what "${name}" needs`)
  return { text, kind: "mechanism", qualifier: (parts[1] ?? "+") as "+", name, domain }
}

/** What follows a mechanism's name, without the prefix lengths; false where it breaks the grammar. */
function domainOf(name: string, rest: string): string | undefined | false {
  const value = rest.startsWith(":") ? rest.slice(1) : undefined
  switch (name) {
    case "all":
      return rest === "" ? undefined : false
    case "ip4":
      return value !== undefined && ip4.test(value) ? value : false
    case "ip6":
      return value !== undefined && isIp6Network(value) ? value : false
    case "a":
    case "mx": {
      const plain = rest.replace(dualCidr, "")
      if (plain === "") return undefined
      return plain.startsWith(":") && isDomainSpec(plain.slice(1)) ? plain.slice(1) : false
    }
    case "ptr":
      if (rest === "") return undefined
      return value !== undefined && isDomainSpec(value) ? value : false
    default:
      return value !== undefined && isDomainSpec(value) ? value : false
  }
}

function isIp6Network(text: string): boolean {
  const [address = "", bits, more] = text.split("/")
  if (more !== undefined || (bits !== undefined && !/^(?:12[0-8]|1[01]\d|[1-9]?\d)$/.test(bits))) return false
  return /^[0-9a-f:.]+$/i.test(address) && address.includes(":") && URL.canParse(`http://[${address}]/`)
}
