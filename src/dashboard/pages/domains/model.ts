import { queryOptions } from "@tanstack/react-query"
import { ask } from "../../data/api"

/** A provider token and the zones that it saw when it was last asked. */
export type OwnedDomain = { id: string; zones: string[]; created_at: string }

export const domainsQuery = queryOptions({
  queryKey: ["domains", "list"],
  queryFn: async ({ signal }) => (await ask<{ connections: OwnedDomain[] }>("GET", "/api/domains", undefined, { signal })).connections,
})

/** Whether a name, or what a wildcard stands for, lies in one of the zones. */
export const isBelow = (hostname: string, zones: string[]): boolean => {
  const name = hostname.replace(/^\*\./, "")
  return zones.some((zone) => name === zone || name.endsWith(`.${zone}`))
}
