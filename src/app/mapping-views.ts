import { isWildcard } from "../hostname"
import { mappingViewRoutes } from "../mappings/view-routes"
import { preflightReply } from "../preflight/report"
import type { ApiNeeds } from "./api"

type Guard = Parameters<typeof mappingViewRoutes>[1]

/** What there is to see of a mapping besides itself: preflight verdict, records, certificate. */
export function mappingViews({ features: { mappings }, connect, certificateReport }: ApiNeeds, guard: Guard) {
  return [
    mappingViewRoutes("preflight", guard, async ({ personId }, id) => {
      const found = await mappings.hostnameOf(personId, id)
      return found && preflightReply(await connect.world.examine(found.hostname, []))
    }),
    mappingViewRoutes("records", guard, async ({ personId }, id) => {
      const found = await mappings.find(personId, id)
      if (found === undefined) return undefined
      const { domain, status, verify_name, verify_token, acme_challenge } = found
      return connect.records.read(personId, {
        hostname: domain,
        ownership: status === "verified" ? undefined : { name: verify_name, value: verify_token },
        address: undefined,
        // Of a name that a port reaches it is a choice; a wildcard has no other way where no owned domain covers it.
        challenge: isWildcard(domain) ? acme_challenge : undefined,
      })
    }),
    mappingViewRoutes("certificate", guard, async ({ personId }, id) => {
      const found = await mappings.hostnameOf(personId, id)
      return found && certificateReport(found.hostname)
    }),
  ]
}
