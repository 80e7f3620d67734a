import type { Connection, DnsRecord, DomainReport } from "./api"
import type { ShownRecord } from "./record-list"
import type { Words } from "./words"

/** What the provider's form wants for a name: `@` or nothing at the zone's own name, the part before it, or the whole name. */
export function hostField({ zone, registrable_domain: registered, provider }: DomainReport, host: string): string {
  const around = zone ?? registered
  if (provider.host_form === "full" || (host !== around && !host.endsWith(`.${around}`))) return host
  if (host === around) return provider.host_form === "empty" ? "" : "@"
  return host.slice(0, -around.length - 1)
}

/** All that somebody has to enter for a connection, the proof of ownership first, each with what its provider's form wants. */
export function recordsOf(report: DomainReport, connection: Connection, words: Words): ShownRecord[] {
  const { ownership_challenge: challenge, desired_records: desired } = connection
  const own = desired.map((record): ShownRecord => inForm(report, record, words.leads))
  if (challenge === undefined) return own
  const proof: DnsRecord = { host: challenge.name, type: "TXT", value: challenge.value, ttl: desired[0]?.ttl ?? 300 }
  return [inForm(report, proof, words.proves), ...own]
}

/** A record with what its provider's form wants. */
export function inForm(report: DomainReport, record: DnsRecord, purpose?: string): ShownRecord {
  const field = { host_field: record.host_field ?? hostField(report, record.host) }
  return purpose === undefined ? { ...record, ...field } : { ...record, ...field, purpose }
}
