import { useQueries } from "@tanstack/react-query"
import { ask } from "../../data/api"
import type { Kind } from "./scope-grants"

/** A thing that a scope may name, by the name that its person gave it. */
export type Thing = { id: string; name: string }

type Ask<T> = { signal: AbortSignal } & T
const get = <T>(path: string, { signal }: Ask<object>) => ask<T>("GET", path, undefined, { signal })

const mappings = {
  queryKey: ["hostnames", "names"],
  queryFn: async (of: Ask<object>): Promise<Thing[]> =>
    (await get<{ domains: { id: string; domain: string }[] }>("/api/domain-mappings", of)).domains.map(({ id, domain }) => ({
      id,
      name: domain,
    })),
}
const domains = {
  queryKey: ["domains", "names"],
  queryFn: async (of: Ask<object>): Promise<Thing[]> =>
    (await get<{ connections: { id: string; zones: string[] }[] }>("/api/domains", of)).connections.map(({ id, zones }) => ({
      id,
      name: zones.join(", ") || id,
    })),
}
const containers = {
  queryKey: ["containers", "names"],
  queryFn: async (of: Ask<object>): Promise<Thing[]> =>
    (await get<{ containers: Thing[] }>("/compute/containers", of)).containers.map(({ id, name }) => ({ id, name })),
}
const keys = {
  queryKey: ["access", "ssh-key-names"],
  queryFn: async (of: Ask<object>): Promise<Thing[]> =>
    (await get<{ ssh_keys: { id: number; name: string }[] }>("/compute/ssh-keys", of)).ssh_keys.map(({ id, name }) => ({
      id: String(id),
      name,
    })),
}
const namespaces = {
  queryKey: ["files", "names"],
  queryFn: async (of: Ask<object>): Promise<Thing[]> =>
    (await get<{ name: string }[]>("/storage/namespaces", of)).map(({ name }) => ({ id: name, name })),
}

/** What a person has, by kind, for scopes that name single things; empty while it is being looked up, or where this installation has none of the kind. */
export function useThings(): (kind: Kind) => Thing[] {
  const [ofMappings, ofDomains, ofContainers, ofKeys, ofNamespaces] = useQueries({
    queries: [mappings, domains, containers, keys, namespaces],
  })
  const found: Partial<Record<Kind, Thing[] | undefined>> = {
    "domain-mappings": ofMappings.data,
    domains: ofDomains.data,
    containers: ofContainers.data,
    keys: ofKeys.data,
    namespaces: ofNamespaces.data,
    files: ofNamespaces.data,
  }
  return (kind) => found[kind] ?? []
}
