import { queryOptions } from "@tanstack/react-query"
import { ask } from "../../data/api"

/** Whose tokens owned domains are. */
export const ownedProvider = "cloudflare"

/** A provider token and the zones that it saw when it was last asked. */
export type OwnedDomain = { id: string; zones: string[]; created_at: string }

/** A record that Freehold wrote in a zone. */
export type WrittenRecord = {
  id: string
  name: string
  type: string
  value: string
  priority?: number
  hostname: string
  purpose: "address" | "ownership" | "email" | "template"
  /** Null once it is gone, and the record was left behind. */
  written_for: { kind: "mapping" | "connection"; id: string } | null
  written_with: { kind: "owned_domain" | "application"; provider: string }
  written_at: string
  stands: boolean | null
  seen_at: string | null
}

/** What a look at the written records found, counted. */
export type RecordCheck = { looked_at: number; standing: number; missing: number; unknown: number; forgotten: number }

export const domainsQuery = queryOptions({
  queryKey: ["domains", "list"],
  queryFn: async ({ signal }) => (await ask<{ connections: OwnedDomain[] }>("GET", "/api/domains", undefined, { signal })).connections,
})

/** Whether a name, or what a wildcard stands for, lies in one of the zones. */
export const isBelow = (hostname: string, zones: string[]): boolean => {
  const name = hostname.replace(/^\*\./, "")
  return zones.some((zone) => name === zone || name.endsWith(`.${zone}`))
}
