import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { placeInHouse, type Trouble } from "../../data/trouble"
import type { home } from "../../words/home"

/** What needs attention, as `GET /api/overview` tells it. */
export type Attention = Trouble & { subject: { kind: keyof typeof home.kinds; id: string | null; name: string } }

type Counts = { requests: number; errors: number; bytes: number }

export type Overview = {
  attention: Attention[]
  attention_total: number
  hostnames: { total: number } & Record<keyof typeof home.hostnameStates, number>
  containers: { total: number } & Record<keyof typeof home.containerStates, number>
  traffic: Counts & {
    rows: (Counts & { time: string })[]
    top: (Counts & { id: string; kind: "mapping" | "connection"; domain: string })[]
  }
  house: {
    disk: { total_bytes: number; free_bytes: number; floor_bytes: number }
    engine: { state: keyof typeof home.engineStates; kind: string | null; version: string | null }
    certificates: { total: number; failing: number }
    storage_faults: number
  } | null
}

/** Changes come by the event stream; traffic and the disk tell nobody, so a look each minute. */
export const useOverview = () =>
  useQuery({
    queryKey: ["overview"],
    queryFn: ({ signal }) => ask<Overview>("GET", "/api/overview", undefined, { signal }),
    refetchInterval: 60_000,
  })

/** Where something is mended. */
export function linkOf({ kind, subject }: Attention): { to: string; search?: never } {
  if (subject.kind === "container") return { to: `/containers/${subject.id}` }
  if (subject.kind !== "house") return { to: `/hostnames/${subject.kind}/${subject.id}` }
  return placeInHouse(kind, subject.name)
}
