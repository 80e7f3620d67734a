import type { RecordSetType } from "./provider"
import { joinMx, joinSrv, splitMx, splitSrv } from "./record-value"

/** A value as providers have it that keep the priority of an MX or SRV apart: what is left of an SRV is `weight port target`. */
export type ApartValue = { content: string; priority?: number }

/** The value with its priority apart; throws `refused` where an MX or SRV has not the form. */
export function apart(type: RecordSetType, value: string): ApartValue {
  if (type === "MX") {
    const { preference, host } = splitMx(value)
    return { content: host, priority: preference }
  }
  if (type === "SRV") {
    const { priority, weight, port, host } = splitSrv(value)
    return { content: `${weight} ${port} ${host}`, priority }
  }
  return { content: value }
}

/** The value in one, its names in canonical form. */
export function together(type: RecordSetType, { content, priority = 0 }: ApartValue): string {
  if (type === "MX") return joinMx({ preference: priority, host: content })
  if (type !== "SRV") return content
  const [weight, port, host = ""] = content.trim().split(/\s+/)
  return joinSrv({ priority, weight: Number(weight), port: Number(port), host })
}
