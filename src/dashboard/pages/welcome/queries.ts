import { keepPreviousData, queryOptions } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { ask } from "../../data/api"
import type { Check, Status } from "../../parts/check-list"
import { welcome } from "../../words/welcome"

export type BaseDomain = {
  name: string
  kind: "public" | "private" | "local"
  addresses: string[]
  status: Status
  verdict: string
  remedy?: string
  in_force: boolean
  is_default: boolean
  public_addresses: string[]
  lan_addresses: string[]
}

export type HostnameReport = {
  name: string
  kind: "public" | "private"
  url: string
  records: { name: string; type: string; value: string }[]
  checks: Check[]
}

export type Mapping = {
  id: string
  domain: string
  container_id: string
  target_port: number
  status: string
  verify_name: string
  verify_token: string
  certificate?: { state: string; issuer?: string }
}

export type Container = {
  id: string
  name: string
  kind: "engine" | "external"
  status: string
  address?: string
  ports?: Record<string, number>
}

export const serverChecks = queryOptions({
  queryKey: ["settings", "checks"],
  // Those of the way in and out; the doctor looks at more.
  queryFn: async ({ signal }) => {
    const { checks } = await ask<{ checks: Check[] }>("GET", "/admin/checks", undefined, { signal })
    return checks.filter(({ name }) => Object.hasOwn(welcome.reach.names, name))
  },
})

/** The base domain in force, or one that is thought of. */
export const baseDomainQuery = (name = "") =>
  queryOptions({
    queryKey: ["settings", "base-domain", name],
    queryFn: ({ signal }) =>
      ask<BaseDomain>("GET", `/admin/checks/base-domain${name === "" ? "" : `?name=${encodeURIComponent(name)}`}`, undefined, { signal }),
  })

export const hostnameQuery = (name: string) =>
  queryOptions({
    queryKey: ["hostnames", "checks", name],
    queryFn: ({ signal }) => ask<HostnameReport>("GET", `/admin/checks/hostname?name=${encodeURIComponent(name)}`, undefined, { signal }),
    enabled: name !== "",
    placeholderData: keepPreviousData,
  })

/** One's own newest mapping; a wildcard is no hostname that could be opened. Null where there is none. */
export const mappingQuery = queryOptions({
  queryKey: ["hostnames", "first-start"],
  queryFn: async ({ signal }) => {
    const { domains } = await ask<{ domains: Mapping[] }>("GET", "/api/domain-mappings", undefined, { signal })
    return domains.find(({ domain }) => !domain.startsWith("*.")) ?? null
  },
})

export const containersQuery = queryOptions({
  queryKey: ["containers", "first-start"],
  queryFn: async ({ signal }) => (await ask<{ containers: Container[] }>("GET", "/compute/containers", undefined, { signal })).containers,
})

/** What was typed once it rests; a name has two labels at least, so less is not worth asking about. */
export function useTypedName(text: string): string {
  const [name, setName] = useState("")
  useEffect(() => {
    const typed = text.trim()
    const timer = setTimeout(() => setName(typed.includes(".") ? typed : ""), 350)
    return () => clearTimeout(timer)
  }, [text])
  return name
}
