import type { house } from "../../words/house"

/** A setting as `GET /admin/settings` shows it. */
export type Setting = {
  name: string
  value: string | null
  default: string | null
  source: keyof typeof house.settings.sources
  source_name: string | null
  set_here: string | null
  reloads: boolean
  waits_for_restart: boolean
  is_secret: boolean
  meaning: string
  rule: string
}

/** Whether what is set here would be in force. */
export const canBeChanged = ({ reloads, source }: Setting): boolean => reloads && (source === "here" || source === "default")
