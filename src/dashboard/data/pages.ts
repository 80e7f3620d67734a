import { useInfiniteQuery } from "@tanstack/react-query"
import { ask } from "./api"
import type { Topic } from "./queries"

/** A list that the API gives in pages with `next_cursor`; `filter` goes into the address, without what is empty. */
export function usePages<Page extends { next_cursor: string | null }>(
  key: readonly [Topic, ...string[]],
  path: string,
  filter: Record<string, string>,
  refetchInterval?: number,
) {
  const given = Object.entries(filter).filter(([, value]) => value !== "")
  return useInfiniteQuery({
    queryKey: [...key, given],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams(pageParam === "" ? given : [...given, ["cursor", pageParam]])
      return ask<Page>("GET", query.size === 0 ? path : `${path}?${query}`, undefined, { signal })
    },
    getNextPageParam: ({ next_cursor: next }) => next ?? undefined,
    // While another filter is looked for, what is shown stays.
    placeholderData: (before) => before,
    ...(refetchInterval === undefined ? {} : { refetchInterval }),
  })
}
