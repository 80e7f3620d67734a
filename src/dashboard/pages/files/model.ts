import { ask, apiOrigin } from "../../data/api"

export type Namespace = {
  name: string
  count: number
  visibility: 0 | 1
  owner_id: string
  bytes: number
  quota_bytes: number | null
  versioning: "off" | "enabled" | "suspended"
}

export type Usage = { user_id: string; used_bytes: number; quota_bytes: number | null; namespaces: number; objects: number }

export type Status = {
  capacity_bytes: number
  free_bytes: number
  used_bytes: number
  objects: number
  floor_bytes: number
  s3_endpoint: string
  last_scrub: { started_at: number; finished_at: number | null; objects: number; bytes: number; faults: number } | null
  faults: number
}

export type FileEntry = {
  name: string
  path: string
  size: number
  modified_at: number
  etag: string
  content_type: string
  is_folder?: undefined
}
export type FolderEntry = { name: string; path: string; is_folder: true }
export type Entry = FileEntry | FolderEntry

export const namespacesQuery = {
  queryKey: ["files", "namespaces"],
  queryFn: ({ signal }: { signal: AbortSignal }) => ask<Namespace[]>("GET", "/storage/namespaces", undefined, { signal }),
}

export const usageQuery = {
  queryKey: ["files", "usage"],
  queryFn: ({ signal }: { signal: AbortSignal }) => ask<Usage>("GET", "/storage/usage", undefined, { signal }),
}

export const statusQuery = {
  queryKey: ["files", "status"],
  queryFn: ({ signal }: { signal: AbortSignal }) => ask<Status>("GET", "/storage/status", undefined, { signal }),
}

export const namespaceQuery = (name: string) => ({
  queryKey: ["files", "namespace", name],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    ask<Namespace>("GET", `/storage/namespaces/${encodeURIComponent(name)}`, undefined, { signal }),
})

/** The most that the API lists at once. */
export const pageSize = 1000

export type Listing = { namespace: string; prefix?: string; delimiter?: string; after?: string; limit?: number }

/** One page of names, in their order. */
export function listFiles({ limit = pageSize, ...query }: Listing, signal?: AbortSignal): Promise<Entry[]> {
  const given = Object.entries({ ...query, limit: String(limit) }).filter(([, value]) => value)
  return ask("GET", `/storage/files?${new URLSearchParams(given)}`, undefined, { signal })
}

/** Where a file is shown, or with `download/` saved. */
export const addressOf = (namespace: string, name: string, top: "" | "download/" = ""): string =>
  `${apiOrigin}/storage/${top}${encodeURIComponent(namespace)}/${name.split("/").map(encodeURIComponent).join("/")}`

/** The folder that a name lies in, with its slash; empty at the top. */
export const folderOf = (name: string): string => name.slice(0, name.lastIndexOf("/", name.length - 2) + 1)

/** The last part of a name, that of a folder without its slash. */
export const lastPart = (name: string): string => name.replace(/\/$/, "").slice(folderOf(name).length) || name
