/** What goes on that somebody has to mend: `reason` in a sentence, `step` the one thing that helps. `since` is Unix milliseconds, null where nobody knows. */
export type Condition = {
  kind: string
  severity: "bad" | "warn"
  subject: string
  since: number | null
  reason: string
  step: string
}

/** A condition that is told of once when it opens, once more where a warning becomes worse, and once when it ends. */
export type Episode = Condition & { id: string; openedAt: number }

/** What receivers are sent. Times are ISO 8601. `more` counts what was left out of a list that would be too long. */
export type Notice = {
  type: "alert" | "test"
  house: string
  at: string
  opened: NoticeEntry[]
  ended: NoticeEntry[]
  more: number
}

export type NoticeEntry = Omit<Condition, "since"> & { since: string | null }

export type ReceiverName = "webhook" | "mail" | "ntfy"

/** Somebody who is told. `send` rejects with a message that may be logged: it shows no secret. */
export type Receiver = { name: ReceiverName; send(notice: Notice, signal: AbortSignal): Promise<void> }

/** Entries of one notice; a bad day may have thousands. */
export const maxEntries = 50

export const idOf = ({ kind, subject }: Pick<Condition, "kind" | "subject">): string => `${kind} ${subject}`

/** A notice of what began and ended; the weightier first. */
export function noticeOf(house: string, at: number, opened: Condition[], ended: Condition[]): Notice {
  const shown = [...opened].sort((a, b) => Number(a.severity === "warn") - Number(b.severity === "warn")).slice(0, maxEntries)
  const shownEnds = ended.slice(0, maxEntries - shown.length)
  return {
    type: "alert",
    house,
    at: new Date(at).toISOString(),
    opened: shown.map(entryOf),
    ended: shownEnds.map(entryOf),
    more: opened.length + ended.length - shown.length - shownEnds.length,
  }
}

/** The episode that a condition opens. */
export const episodeOf = (condition: Condition, openedAt: number): Episode => ({ id: idOf(condition), ...fieldsOf(condition), openedAt })

/** A condition as it is shown. */
export const entryOf = (condition: Condition): NoticeEntry => ({
  ...fieldsOf(condition),
  since: condition.since === null ? null : new Date(condition.since).toISOString(),
})

const fieldsOf = ({ kind, severity, subject, since, reason, step }: Condition): Condition => ({
  kind,
  severity,
  subject,
  since,
  reason,
  step,
})
