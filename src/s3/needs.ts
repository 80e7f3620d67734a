import type { Log } from "../log"
import type { AccessKeys } from "../storage/access-keys"
import type { NamespaceStore } from "../storage/namespace-store"
import type { Namespaces } from "../storage/namespaces"
import type { Objects } from "../storage/objects"
import type { Reader } from "../storage/reader"
import type { Uploads } from "../storage/uploads"
import type { Act } from "./acts"
import type { S3Hosts } from "./address"

/** What the door stands on. */
export type S3Needs = {
  namespaces: Namespaces
  namespaceStore: NamespaceStore
  objects: Objects
  uploads: Uploads
  reader: Reader
  keys: Pick<AccessKeys, "find" | "isKnown" | "noteUse">
  /** As `accounts/scopes.ts` has it: whether what was granted covers a need. */
  covers: (granted: Record<string, string[]>, need: { path: string[]; action: string }) => boolean
  hosts: S3Hosts
  log: Log
  now: () => number
  /** Called, and waited for, when a bucket was created or deleted, or its visibility changed. */
  onNamespacesChanged: () => void | Promise<void>
  /** Hears, before the request is answered, of what is to be put on record; never rejects. */
  onActed?: (request: Request, act: Act) => Promise<void>
}
