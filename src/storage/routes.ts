import type { AnyElysia } from "elysia"
import type { StorageAccess } from "./access"
import { type FileParts, fileRoutes } from "./file-routes"
import { namespaceRoutes } from "./namespace-routes"
import type { Namespaces } from "./namespaces"
import { type StatusParts, statusRoutes } from "./status-routes"

export type StorageParts = FileParts & StatusParts & { namespaces: Namespaces; access: StorageAccess }

/** All routes of the document's storage API. */
export const storageRoutes = (parts: StorageParts): AnyElysia[] => [
  namespaceRoutes(parts.namespaces, parts.access),
  statusRoutes(parts),
  fileRoutes(parts),
]
