import type { Notice, NoticeEntry } from "./model"

/** A line for a subject or a lock screen: ASCII, because hostnames are. */
export function titleOf({ type, house, opened, ended, more }: Notice): string {
  if (type === "test") return `${house}: a test of alerts`
  const [first] = opened.length > 0 ? opened : ended
  const others = opened.length + ended.length + more - 1
  const rest = others > 0 ? `, and ${others} more` : ""
  return `${house}: ${plain(first?.subject ?? "")}${opened.length > 0 ? "" : " is well again"}${rest}`
}

/** The whole notice as text for people. */
export function textOf({ type, house, at, opened, ended, more }: Notice): string {
  if (type === "test") return `Freehold at ${house} can reach you here. Nothing has happened.\n`
  const parts = [
    ...opened.map(
      (one) =>
        `${one.severity === "bad" ? "TROUBLE" : "Warning"}: ${one.subject}\n${sentence(one.reason)}${since(one)}\nWhat to do: ${one.step}`,
    ),
    ...ended.map((one) => `Over: ${one.subject}\n${sentence(one.reason)} That has ended.`),
    ...(more > 0 ? [`And ${more} more, which Home of the dashboard and “freehold doctor” show.`] : []),
  ]
  return `${parts.join("\n\n")}\n\n${house}, ${minute(at)}\n`
}

const since = (one: NoticeEntry) => (one.since === null ? "" : ` Since ${minute(one.since)}.`)

const minute = (iso: string) => `${iso.slice(0, 16).replace("T", " ")} UTC`

/** A reason begins small, as it stands behind a name elsewhere. */
const sentence = (reason: string) => `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/\.$/, "")}.`

const plain = (text: string) => text.replace(/[^\x20-\x7e]/g, "?")
