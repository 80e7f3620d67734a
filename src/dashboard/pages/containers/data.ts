import { useQuery, type UseQueryResult } from "@tanstack/react-query"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"

export type Status = "pending" | "initializing" | "running" | "stopped" | "failed"

/** A container as the API shows it. */
export type Container = {
  id: string
  name: string
  kind: "engine" | "external"
  status: Status
  status_detail?: string
  hostname: string
  image?: string
  address?: string
  ports?: Record<string, number>
  memory_mb: number
  storage_gb: number
  instance_type: string
  pull_policy: string
  env?: Record<string, string>
  command?: string[]
  restart_policy?: "no" | "on-failure" | "always"
  restarts?: number
  pids_limit?: number
  mount_paths?: string[]
  memory_used_mb?: number
  storage_used_gb?: number
  created_at: string
  ssh_enabled: boolean
  https_enabled: boolean
}

export type Sample = {
  time: string
  cpu_percent: number | null
  memory_bytes: number | null
  received_bytes_per_second: number | null
  sent_bytes_per_second: number | null
  processes: number | null
}

export type EngineState = { state: "ready" | "none" | "away"; detail?: string }
export type InstanceType = { name: string; cpus: number; pids: number }
export type Image = { name: string; image: string; size_bytes: number }
export type Rule = { id: number; port: number; target_port: number; problem?: string }
export type Volume = { id: string; path: string; mounted: boolean; created_at: string }
export type SshKey = { id: number; name: string; public_key: string; fingerprint: string }
export type Mapping = { id: string; domain: string; container_id: string; target_port: number; status: string; detail?: string }

/** Adopted containers have this instead of a size. */
export const isAdopted = ({ instance_type: type }: Container): boolean => type === "adopted"
export const isExternal = ({ kind }: Container): boolean => kind === "external"
export const pathOf = (id: string): string => `/compute/containers/${id}`

const topic = "containers"

/** One question to the API, asked again when something of containers changes. */
function useAsked<T>(key: string[], path: string, isEnabled = true): UseQueryResult<T> {
  return useQuery({ queryKey: [topic, ...key], queryFn: ({ signal }) => ask<T>("GET", path, undefined, { signal }), enabled: isEnabled })
}

export const listKey = [topic, "list"]

export const useContainers = (): UseQueryResult<{ containers: Container[] }> => useAsked(["list"], "/compute/containers")
export const useContainer = (id: string): UseQueryResult<Container> => useAsked(["one", id], pathOf(id))
export const useEngine = (): UseQueryResult<EngineState> => useAsked(["engine"], "/compute/engine")
export const useInstanceTypes = (): UseQueryResult<{ instance_types: InstanceType[] }> => useAsked(["types"], "/compute/instance-types")
export const useImages = (isEnabled = true): UseQueryResult<Image[]> => useAsked(["images"], "/compute/images", isEnabled)
export const useRules = (id: string): UseQueryResult<{ rules: Rule[] }> => useAsked(["rules", id], `${pathOf(id)}/ingress`)
export const useVolumes = (id: string): UseQueryResult<{ volumes: Volume[] }> => useAsked(["volumes", id], `${pathOf(id)}/volumes`)
export const useSsh = (id: string): UseQueryResult<{ ssh_enabled: boolean; ssh_command?: string }> =>
  useAsked(["ssh", id], `${pathOf(id)}/ssh`)
export const useSshKeys = (): UseQueryResult<{ ssh_keys: SshKey[] }> => useAsked(["ssh-keys"], "/compute/ssh-keys")

/** Every mapping of the person; who shows one container's takes those that lead to it. */
export const useMappings = (): UseQueryResult<{ domains: Mapping[] }> =>
  useQuery({
    queryKey: ["hostnames", "for-containers"],
    queryFn: ({ signal }) => ask<{ domains: Mapping[] }>("GET", "/api/domain-mappings", undefined, { signal }),
  })

const sampleMs = 10_000

/** What a container used in the last hour, measured anew every ten seconds while `isWatched` and the page is seen. */
export const useSamples = (id: string, isWatched: boolean): UseQueryResult<{ interval_seconds: number; samples: Sample[] }> =>
  useQuery({
    queryKey: ["container-samples", id],
    queryFn: ({ signal }) => ask<{ interval_seconds: number; samples: Sample[] }>("GET", `${pathOf(id)}/stats`, undefined, { signal }),
    enabled: isWatched,
    staleTime: sampleMs / 2,
    refetchInterval: sampleMs,
    refetchIntervalInBackground: false,
  })

/** Does something that changes containers, and looks at them again. */
export async function change<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const answer = await ask<T>(method, path, body)
  await refresh("containers")
  return answer
}
