import { ask } from "../../data/api"
import { addressOf } from "./model"

export type Version = {
  version_id: string
  is_latest: boolean
  is_delete_marker: boolean
  size: number
  created_at: number
  etag: string
  content_type: string
  sha256: string | null
}

/** So many are listed, which is the most that the API lists at once. */
export const mostVersions = 1000

export const versionsQuery = (namespace: string, name: string) => ({
  queryKey: ["files", "versions", namespace, name],
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    ask<Version[]>("GET", `/storage/files/versions?${new URLSearchParams({ namespace, name, limit: String(mostVersions) })}`, undefined, {
      signal,
    }),
})

/** Where a version is shown, or with `download/` saved; without an id the file as it is now. */
export const versionAddress = (namespace: string, name: string, id: string | undefined, top: "" | "download/" = ""): string =>
  addressOf(namespace, name, top) + (id === undefined ? "" : `?${new URLSearchParams({ version_id: id })}`)

/** Makes it the newest again; answers the id of what is the newest then. */
export const restoreVersion = async (namespace: string, name: string, id: string): Promise<string> =>
  (await ask<{ version_id: string }>("POST", "/storage/files/restore", { namespace, name, version_id: id })).version_id

/** For good. */
export const removeVersion = (namespace: string, name: string, id: string) =>
  ask("DELETE", `/storage/delete?${new URLSearchParams({ namespace, name, version_id: id })}`)
