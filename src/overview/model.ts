/** What somebody has to look at: since when, why, and the one step that helps. Times are ISO 8601. */
export type Attention = {
  kind:
    | "mapping_pending"
    | "mapping_failed"
    | "connection_waiting"
    | "connection_stalled"
    | "connection_failed"
    | "connection_drifted"
    | "connection_address"
    | "address_changed"
    | "address_contradicted"
    | "certificate_failing"
    | "certificate_overdue"
    | "container_failed"
    | "disk_low"
    | "disk_full"
    | "engine_away"
    | "engine_missing"
    | "storage_faults"
    | "others_certificates"
    | "backup_failed"
    | "backup_overdue"
    | "certificate_differs"
    | "hostname_unreachable"
    | "watchdog_stalled"
    | "clock_off"
    | "inodes_low"
    | "upgrade_waiting"
    | "program_missing"
  severity: "bad" | "warn"
  subject: { kind: "mapping" | "connection" | "container" | "house"; id: string | null; name: string }
  /** Null where nobody wrote it down. */
  since: string | null
  reason: string
  step: string
}

/** Attention with its moment in Unix milliseconds, as it is sorted. */
export type Finding = Omit<Attention, "since"> & { since: number | null }

/** How the hostnames of a person stand, mappings and connections together. */
export type HostnameStates = { live: number; waiting: number; failed: number; drifted: number }

export type HourOfTraffic = { time: string; requests: number; errors: number; bytes: number }

export type TopHostname = { id: string; kind: "mapping" | "connection"; domain: string; requests: number; errors: number; bytes: number }

export type Overview = {
  attention: Attention[]
  /** How many there are in all, of which `attention` has the weightiest. */
  attention_total: number
  hostnames: { total: number } & HostnameStates
  containers: { total: number; running: number; starting: number; stopped: number; failed: number }
  /** The last 24 hours by the hour, without the minute that is being counted. */
  traffic: { requests: number; errors: number; bytes: number; rows: HourOfTraffic[]; top: TopHostname[] }
  /** For administrators alone. */
  house: House | null
}

export type House = {
  disk: { total_bytes: number; free_bytes: number; floor_bytes: number }
  engine: { state: "none" | "not_found" | "reachable" | "away"; kind: string | null; version: string | null }
  certificates: { total: number; failing: number }
  storage_faults: number
}

export const maxAttention = 50

const weight = { bad: 0, warn: 1 }

/** The weightiest, of those of one weight the oldest; those without a time last. */
export function weightiest(findings: Finding[]): Attention[] {
  return findings
    .toSorted((a, b) => weight[a.severity] - weight[b.severity] || (a.since ?? Infinity) - (b.since ?? Infinity))
    .slice(0, maxAttention)
    .map((finding) => Object.assign(finding, { since: finding.since === null ? null : new Date(finding.since).toISOString() }))
}
