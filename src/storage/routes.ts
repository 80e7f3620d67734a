import type { AnyElysia } from "elysia"
import type { StorageAccess } from "./access"
import type { AccessKeys } from "./access-keys"
import { usageRoutes } from "./admin-routes"
import { type FileParts, fileRoutes } from "./file-routes"
import { keyRoutes } from "./key-routes"
import { linkRoutes } from "./link-routes"
import { moveRoutes } from "./move-routes"
import type { Moves } from "./moves"
import { namespaceRoutes } from "./namespace-routes"
import type { Namespaces } from "./namespaces"
import { progressRoutes } from "./progress-routes"
import type { Scrubber } from "./scrubber"
import { type StatusParts, statusRoutes } from "./status-routes"
import type { ResumableUploads } from "./resumable-uploads"
import { tusRoutes } from "./tus-routes"
import type { Usage } from "./usage"
import { versionRoutes } from "./version-routes"

export type StorageParts = FileParts &
  StatusParts & {
    namespaces: Namespaces
    moves: Moves
    keys: AccessKeys
    usage: Usage
    resumable: ResumableUploads
    scrubber: Pick<Scrubber, "request">
    access: StorageAccess
  }

/** All routes of the document's storage API. */
export const storageRoutes = (parts: StorageParts): AnyElysia[] => {
  const { access, namespaces, links, objects, keys, usage, scrubber, progress, resumable } = parts
  return [
    namespaceRoutes(namespaces, access),
    statusRoutes(parts),
    linkRoutes(links, objects, access),
    keyRoutes(keys, access),
    usageRoutes(usage, scrubber, access),
    progressRoutes(progress, access),
    tusRoutes(resumable, access),
    versionRoutes(parts.files, access),
    moveRoutes(parts.moves, access),
    fileRoutes(parts),
  ]
}
