import { queryOptions, useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { apiOf, type Certificate, type Connection, type ConnectionSummary, type Container, type Mapping } from "./model"
import type { NameRecords, Preflight, Subject, TrafficDay, TrafficRow } from "./model"

export const mappingsQuery = queryOptions({
  queryKey: ["hostnames", "mappings"],
  queryFn: async ({ signal }) => (await ask<{ domains: Mapping[] }>("GET", "/api/domain-mappings", undefined, { signal })).domains,
})

/** All pages; a session sees the connections of all applications of its person. */
export const connectionsQuery = queryOptions({
  queryKey: ["hostnames", "connections"],
  queryFn: async ({ signal }) => {
    const all: ConnectionSummary[] = []
    let cursor: string | null = ""
    while (cursor !== null) {
      const path: string = `/v1/connections?limit=100${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`
      const page = await ask<{ data: ConnectionSummary[]; next_cursor: string | null }>("GET", path, undefined, { signal })
      all.push(...page.data)
      cursor = page.next_cursor
    }
    return all
  },
})

export const connectionQuery = (id: string) =>
  queryOptions({
    queryKey: ["hostnames", "connection", id],
    queryFn: ({ signal }) => ask<Connection>("GET", apiOf({ kind: "connection", id }), undefined, { signal }),
  })

export const targetsQuery = queryOptions({
  queryKey: ["containers", "targets"],
  queryFn: async ({ signal }) => (await ask<{ containers: Container[] }>("GET", "/compute/containers", undefined, { signal })).containers,
})

/** The last day of all mappings and connections; changes by itself and not by what people do, so no event tells of it. */
export const dayQuery = queryOptions({
  queryKey: ["traffic", "day"],
  queryFn: async ({ signal }) => {
    const [{ domains }, { data }] = await Promise.all([
      ask<{ domains: TrafficDay[] }>("GET", "/api/domain-mappings/traffic", undefined, { signal }),
      ask<{ data: TrafficDay[] }>("GET", "/v1/connection-traffic", undefined, { signal }),
    ])
    return new Map([...domains, ...data].map(({ id, requests }) => [id, requests]))
  },
  refetchInterval: 60_000,
  staleTime: 60_000,
})

/** What each authoritative server says now; again every few seconds while `isWatched`. */
export const useRecords = (subject: Subject, isWatched: boolean) =>
  useQuery({
    queryKey: ["hostnames", "records", subject.kind, subject.id],
    queryFn: ({ signal }) => ask<NameRecords>("GET", `${apiOf(subject)}/records`, undefined, { signal }),
    refetchInterval: isWatched ? 3000 : false,
    retry: false,
  })

export const usePreflight = (subject: Subject) =>
  useQuery({
    queryKey: ["preflight", subject.kind, subject.id],
    queryFn: ({ signal }) => ask<Preflight>("GET", `${apiOf(subject)}/preflight`, undefined, { signal }),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  })

export const useCertificate = (subject: Subject) =>
  useQuery({
    queryKey: ["hostnames", "certificate", subject.kind, subject.id],
    queryFn: ({ signal }) => ask<Certificate>("GET", `${apiOf(subject)}/certificate`, undefined, { signal }),
  })

const hourMs = 3_600_000

/** Rows of a hostname's traffic from so long ago until now. */
export const useTraffic = (subject: Subject, step: "minute" | "hour", sinceMs: number, everyMs: number | false) =>
  useQuery({
    queryKey: ["traffic", subject.kind, subject.id, step, sinceMs],
    queryFn: async ({ signal }) => {
      const from = Date.now() - sinceMs
      const path = `${apiOf(subject)}/traffic?step=${step}&from=${from}`
      return { from, to: Date.now(), rows: (await ask<{ rows: TrafficRow[] }>("GET", path, undefined, { signal })).rows }
    },
    refetchInterval: everyMs,
  })

/** Whether anybody was ever answered with success, as far back as is kept; looked for again and again while `isAwaited`. */
export const useFirstVisit = (subject: Subject, isAwaited: boolean): boolean | undefined => {
  const day = useTraffic(subject, "hour", 90 * 24 * hourMs, false)
  const hasBefore = day.data?.rows.some(({ statuses }) => statuses["2xx"] > 0)
  const now = useTraffic(subject, "minute", hourMs, isAwaited && hasBefore === false ? 2000 : false)
  const hasNow = now.data?.rows.some(({ statuses }) => statuses["2xx"] > 0)
  return hasBefore === undefined ? undefined : hasBefore || hasNow === true
}
