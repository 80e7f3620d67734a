import { useInfiniteQuery } from "@tanstack/react-query"
import { useEffect, useMemo } from "react"
import { type Entry, listFiles, pageSize } from "./model"

export type Sort = "name" | "size" | "modified"

export type Entries = {
  entries: Entry[]
  isLoading: boolean
  error: unknown
  /** Whether all that there is has been read. */
  isWhole: boolean
  isReadingMore: boolean
  readMore: () => void
  retry: () => void
}

/**
 * What lies in a folder and begins with a text, read page by page. By name more is read when it is asked for; any other order needs all of it first.
 * Folders stand before files, but where there is more than a page by name: then what comes later would push down what is seen.
 */
export function useEntries(namespace: string, prefix: string, sort: Sort, isDescending: boolean): Entries {
  const query = useInfiniteQuery({
    queryKey: ["files", "list", namespace, prefix],
    queryFn: ({ pageParam, signal }) => listFiles({ namespace, prefix, delimiter: "/", after: pageParam }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => (last.length < pageSize ? undefined : last.at(-1)?.name),
  })
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage, isFetchNextPageError } = query
  const needsAll = sort !== "name" || isDescending
  useEffect(() => {
    if (needsAll && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [needsAll, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage, data])
  const entries = useMemo(() => {
    const all = data?.pages.flat() ?? []
    const isLong = (data?.pages[0]?.length ?? 0) >= pageSize
    if (!needsAll && isLong) return all
    return inOrder(all, sort, isDescending)
  }, [data, needsAll, sort, isDescending])
  return {
    entries,
    isLoading: data === undefined || (needsAll && hasNextPage && !isFetchNextPageError),
    error: query.error,
    isWhole: !hasNextPage,
    isReadingMore: isFetchingNextPage,
    readMore: () => void fetchNextPage(),
    retry: () => void query.refetch(),
  }
}

/** Folders first, by name; then files. */
function inOrder(entries: Entry[], sort: Sort, isDescending: boolean): Entry[] {
  const value = (entry: Entry) => (entry.is_folder || sort === "name" ? 0 : sort === "size" ? entry.size : entry.modified_at)
  const rank = new Map(entries.map((entry, at) => [entry, at]))
  const byName = (a: Entry, b: Entry) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)
  const turn = isDescending ? -1 : 1
  return entries.toSorted((a, b) => {
    if (a.is_folder !== b.is_folder) return a.is_folder ? -1 : 1
    return turn * (value(a) - value(b)) || (sort === "name" ? turn : 1) * byName(a, b)
  })
}
