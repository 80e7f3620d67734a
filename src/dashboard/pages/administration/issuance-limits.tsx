import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { Loaded } from "../../parts/loaded"
import { type Limit, LimitRows } from "../../parts/limit-rows"
import { count } from "../../parts/time"
import { house } from "../../words/house"

const words = house.certificates

/** So many rows help; a house with more has the rest in `freehold certificates limits`. */
const mostShown = 50

/** The ledger of the issuers' rate limits: what is left of each that is touched, the one that takes longest to fill first. */
export function IssuanceLimits() {
  const query = useQuery({
    queryKey: ["overview", "issuance-limits"],
    queryFn: ({ signal }) =>
      ask<{ total: number; limits: Limit[] }>("GET", `/admin/issuance-limits?limit=${mostShown}`, undefined, { signal }),
    refetchInterval: 30_000,
  })
  return (
    <Loaded query={query}>
      {({ total, limits }) =>
        limits.length === 0 ? (
          <>
            <p className="font-medium">{words.limitsNone}</p>
            <p className="max-w-prose text-dim">{words.limitsNoneWhy}</p>
          </>
        ) : (
          <>
            <p className="mb-1 max-w-prose text-dim">{words.limitsLead}</p>
            <LimitRows limits={limits} />
            {total > limits.length && <p className="mt-2 text-sm text-dim">{words.limitsMore(limits.length, count(total))}</p>}
          </>
        )
      }
    </Loaded>
  )
}
