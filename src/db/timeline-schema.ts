import type { Generated } from "kysely"

/** One line of a hostname's timeline. */
export interface TimelineTable {
  id: Generated<number>
  hostname: string
  /** Whose it is; null for names that nobody held. */
  personId: string | null
  /** What of theirs held the hostname then. */
  subjectKind: "mapping" | "connection" | null
  subjectId: string | null
  at: number
  kind: "dns" | "acme" | "state" | "webhook" | "preflight" | "record"
  /** One sentence for people. */
  text: string
  /** JSON object with what programs may want to know. */
  data: string | null
  /** Name of the observation, for those of which only changes are noted; its value is `value` in the data. */
  observation: string | null
}
