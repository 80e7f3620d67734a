import type { Db } from "../db/open"
import type { Log } from "../log"
import type { Holder } from "../timeline/model"
import { TimelineStore } from "../timeline/store"
import { Timeline } from "../timeline/timeline"

/** The timeline of every hostname; whose an entry is that names nobody, the table of proven names says. */
export function openTimeline(
  db: Db,
  log: Log,
  now: () => number,
  onWritten: (personId: string) => void,
  agingNow?: () => number,
): Timeline {
  return new Timeline({ store: new TimelineStore(db), holder: (hostname) => holderOf(db, hostname), onWritten, log, now, agingNow })
}

async function holderOf(db: Db, hostname: string): Promise<Holder | undefined> {
  const held = await db.selectFrom("heldNames").selectAll().where("hostname", "=", hostname).executeTakeFirst()
  if (held === undefined) return undefined
  const { kind, holderId: id } = held
  const table = kind === "mapping" ? ("domainMappings" as const) : ("connections" as const)
  const row = await db.selectFrom(table).select("personId").where("id", "=", id).executeTakeFirst()
  return row && { personId: row.personId, subject: { kind, id } }
}
