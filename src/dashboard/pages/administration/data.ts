import { useQuery } from "@tanstack/react-query"
import { ask } from "../../data/api"

/** A person as administrators see them; times are Unix seconds. */
export type Person = {
  user_id: string
  username: string
  display_name: string
  role: "admin" | "user"
  is_admin: boolean
  disabled: boolean
  created_at: number
}

/** A one-time link, a path of this server. */
export type OneTimeLink = { username: string; link: string; link_expires_at: number }

export type Usage = { used_bytes: number; quota_bytes: number | null; namespaces: number; objects: number }

export type Deletion = { owns: { kind: string; count: number; items: { id: string; name: string }[] }[]; digest: string }

export const usePeople = () =>
  useQuery({ queryKey: ["people"], queryFn: ({ signal }) => ask<Person[]>("GET", "/admin/users", undefined, { signal }) })

export const usePerson = (id: string) =>
  useQuery({ queryKey: ["people", id], queryFn: ({ signal }) => ask<Person>("GET", `/admin/users/${id}`, undefined, { signal }) })

export const useUsage = (id: string) =>
  useQuery({
    queryKey: ["people", id, "usage"],
    queryFn: ({ signal }) => ask<Usage>("GET", `/storage/admin/quotas/${id}`, undefined, { signal }),
  })

export const useDeletion = (id: string) =>
  useQuery({
    queryKey: ["people", id, "deletion"],
    queryFn: ({ signal }) => ask<Deletion>("GET", `/admin/users/${id}/deletion`, undefined, { signal }),
    staleTime: 0,
  })
