import { useInfiniteQuery, useQuery } from "@tanstack/react-query"
import { useParams } from "@tanstack/react-router"
import { apiOrigin, ask } from "../../data/api"
import type { Application, Delivery, List, StateCount } from "./model"

/** Address of the API, as programs elsewhere reach it. */
export const apiAddress = apiOrigin || location.origin

/** All pages of a list that is bounded. */
async function everyPage<T>(path: string, signal: AbortSignal): Promise<T[]> {
  const all: T[] = []
  let cursor: string | null = null
  do {
    const more: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`
    const page: List<T> = await ask("GET", `${path}?limit=100${more}`, undefined, { signal })
    all.push(...page.data)
    cursor = page.next_cursor
  } while (cursor !== null)
  return all
}

/** The whole of a bounded list of the connect API, kept under `applications`. */
export const useWhole = <T>(path: string) =>
  useQuery({ queryKey: ["applications", path], queryFn: ({ signal }) => everyPage<T>(path, signal) })

/** One thing of the connect API, kept under `applications`. */
export const useOne = <T>(path: string, isWanted = true) =>
  useQuery({
    queryKey: ["applications", path],
    queryFn: ({ signal }) => ask<T>("GET", path, undefined, { signal }),
    enabled: isWanted,
  })

/** A list that may be of any length, page by page; `again` says after how many milliseconds it is looked at again by itself. */
export const usePages = <T>(path: string, query: Record<string, string>, again: (all: T[]) => number | false = () => false) =>
  useInfiniteQuery({
    queryKey: ["applications", path, query],
    queryFn: ({ signal, pageParam }) => {
      const asked = new URLSearchParams({ ...query, limit: "100", ...(pageParam === "" ? {} : { cursor: pageParam }) })
      return ask<List<T>>("GET", `${path}?${asked}`, undefined, { signal })
    },
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    select: ({ pages }) => pages.flatMap(({ data }) => data),
    refetchInterval: ({ state: { data } }) => again(data?.pages.flatMap((page) => page.data) ?? []),
  })

export const applicationsPath = "/v1/applications"

export const useApplications = () => useWhole<Application>(applicationsPath)

/** Connections of every application by state. */
export const useCounts = () => useOne<List<StateCount>>("/v1/connection-counts")

/** The application that the address names. */
export const useApplicationId = (): string => (useParams({ strict: false }) as { id?: string }).id ?? ""

export const endpointsPath = "/v1/webhook-endpoints"

export const deliveriesPath = "/v1/webhook-deliveries"

/** Tries are made behind the page's back, and nobody says so: while some are to come it is looked at again. */
export const againAfter = (all: Delivery[]): number | false =>
  all.some(({ status }) => status === "pending") ? 1500 : all.some(({ status }) => status === "retrying") ? 15_000 : false
