import type { home } from "../words/home"

export type TroubleKind = keyof typeof home.states

/** What is the matter, since when, why, and what helps: an item of Home, and an episode of alerts. */
export type Trouble = { kind: TroubleKind; severity: "bad" | "warn"; since: string | null; reason: string; step: string }

type Place = { to: string; search?: never }

const doctor = "/administration/doctor"
const ofDoctor: ReadonlySet<TroubleKind> = new Set(["watchdog_stalled", "clock_off", "inodes_low"])
const ofHostname: ReadonlySet<TroubleKind> = new Set([
  "hostname_unreachable",
  "certificate_differs",
  "certificate_failing",
  "certificate_overdue",
])

/** Where trouble of the house is looked at and mended; `name` is the hostname of those that have one. */
export function placeInHouse(kind: TroubleKind, name: string): Place {
  if (kind.startsWith("backup_")) return { to: "/administration/backups" }
  if (ofDoctor.has(kind)) return { to: doctor }
  if (ofHostname.has(kind)) return { to: doctor, search: { hostname: name } as never }
  if (kind === "storage_faults") return { to: "/files/admin" }
  if (kind === "others_certificates") return { to: "/administration/certificates", search: { state: "failing" } as never }
  return { to: "/administration/system" }
}
