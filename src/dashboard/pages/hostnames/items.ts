import { useQuery } from "@tanstack/react-query"
import { useMemo } from "react"
import { hostnames } from "../../words/hostnames"
import type { Container, Subject } from "./model"
import { connectionsQuery, dayQuery, mappingsQuery, targetsQuery } from "./queries"
import { type Standing, standingOfConnection, standingOfMapping, type Target } from "./standing"

/** One row of the list. */
export type HostnameItem = Subject & {
  hostname: string
  standing: Standing
  target: string
  /** Requests of the last hours, where there were any. */
  day?: number[] | undefined
  certificateEnds?: string | undefined
}

/** Mappings and connections in one list, by name. `error` is of the first that failed; `data` undefined while any is being loaded. */
export function useHostnames(): { data: HostnameItem[] | undefined; error: unknown; refetch: () => void } {
  const mappings = useQuery(mappingsQuery)
  const connections = useQuery(connectionsQuery)
  const containers = useQuery(targetsQuery)
  const day = useQuery(dayQuery)
  const data = useMemo(() => {
    if (mappings.data === undefined || connections.data === undefined) return undefined
    const targets = targetsOf(containers.data)
    const items: HostnameItem[] = [
      ...mappings.data.map((mapping) => {
        const target = targets(mapping.container_id)
        return {
          kind: "mapping" as const,
          id: mapping.id,
          hostname: mapping.domain,
          standing: standingOfMapping(mapping, target),
          target: targetText(target, mapping.target_port),
          day: day.data?.get(mapping.id),
          certificateEnds: mapping.certificate?.not_after,
        }
      }),
      ...connections.data.map((connection) => ({
        kind: "connection" as const,
        id: connection.id,
        hostname: connection.hostname,
        standing: standingOfConnection(connection),
        target: hostnames.appTarget,
        day: day.data?.get(connection.id),
      })),
    ]
    return items.sort((one, other) => compareNames(one.hostname, other.hostname))
  }, [mappings.data, connections.data, containers.data, day.data])
  const refetch = () => void Promise.all([mappings.refetch(), connections.refetch()])
  return { data, error: mappings.error ?? connections.error, refetch }
}

// A comparison of a collator's is a hundred times slower, and names are ASCII.
const compareNames = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)

/** Finds a container by its id: undefined while they are not known, null where there is none. */
export function targetsOf(containers: Container[] | undefined): (id: string) => Target {
  const byId = new Map(containers?.map((one) => [one.id, one]))
  return (id) => (containers === undefined ? undefined : (byId.get(id) ?? null))
}

/** A target in a few characters: the container's name and the port. */
export const targetText = (target: Target, port: number): string =>
  target === undefined ? `… :${port}` : target === null ? hostnames.gone : `${target.name} :${port}`
