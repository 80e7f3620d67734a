import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"
import type { home } from "../../words/home"

/** What needs attention, as `GET /api/overview` tells it. */
export type Attention = {
  kind: keyof typeof home.states
  severity: "bad" | "warn"
  subject: { kind: keyof typeof home.kinds; id: string | null; name: string }
  since: string | null
  reason: string
  step: string
}

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
  if (kind === "others_certificates") return { to: "/administration/certificates", search: { state: "failing" } as never }
  return { to: "/administration/system" }
}
