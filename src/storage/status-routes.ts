import { Elysia } from "elysia"
import type { StorageAccess } from "./access"
import type { Blobs } from "./blobs"
import type { NamespaceStore } from "./namespace-store"
import type { ReferenceStore } from "./reference-store"

export type StatusParts = {
  access: StorageAccess
  blobs: Blobs
  namespaceStore: NamespaceStore
  references: ReferenceStore
  floorBytes: () => number
  /** Where S3 clients find the namespaces. */
  s3Endpoint: () => string
}

const seconds = (ms: number | null) => (ms === null ? null : Math.floor(ms / 1000))

/** `/storage/status`: that the one server is there, for everybody as the document promises; what it holds and how whole that is, for those signed in. */
export const statusRoutes = ({ access, blobs, namespaceStore, references, floorBytes, s3Endpoint }: StatusParts) =>
  new Elysia({ name: "storage-status-routes" }).get("/storage/status", async ({ request }) => {
    const alive = { chunkserver_count: 1, total_servers: 1 }
    if ((await access.maybeSession(request)) === undefined) return alive
    const { totalBytes, freeBytes } = blobs.disk()
    const { namespaces, objects, bytes } = await namespaceStore.totals()
    const scrub = await references.lastScrub()
    return {
      ...alive,
      capacity_bytes: totalBytes,
      free_bytes: freeBytes,
      used_bytes: bytes,
      objects,
      namespaces,
      floor_bytes: floorBytes(),
      s3_endpoint: s3Endpoint(),
      last_scrub:
        scrub === undefined
          ? null
          : {
              started_at: seconds(scrub.startedAt),
              finished_at: seconds(scrub.finishedAt),
              objects: scrub.blobs,
              bytes: scrub.bytes,
              faults: scrub.faults,
            },
      faults: (await references.faults()).length,
    }
  })
