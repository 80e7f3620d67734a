import { AppError } from "../errors"
import type { Namespace, Versioning, Visibility } from "./model"
import type { NamespaceChange } from "./namespace-store"

/** A namespace as the document's API shows it. */
export type NamespaceReply = {
  name: string
  count: number
  hidden: boolean
  visibility: 0 | 1
  owner_id: string
  bytes: number
  quota_bytes: number | null
  versioning: Versioning
}

export const namespaceReply = (namespace: Namespace): NamespaceReply => ({
  name: namespace.name,
  count: namespace.objects,
  hidden: namespace.visibility === "private",
  visibility: namespace.visibility === "private" ? 0 : 1,
  owner_id: namespace.personId,
  bytes: namespace.bytes,
  quota_bytes: namespace.quotaBytes ?? null,
  versioning: namespace.versioning,
})

/** `visibility`, in which older clients tell three levels apart, or their `hidden`; undefined where neither is given. Throws `invalid`. */
export function parseVisibility({ visibility, hidden }: Record<string, unknown>): Visibility | undefined {
  if (visibility !== undefined && visibility !== null) {
    if (visibility === 0 || visibility === "private") return "private"
    if (visibility === 1 || visibility === 2 || visibility === "public") return "public"
    throw new AppError("invalid", 'visibility must be 0 or "private", 1, 2 or "public"')
  }
  if (hidden === undefined || hidden === null) return undefined
  if (typeof hidden !== "boolean") throw new AppError("invalid", "hidden must be true or false")
  return hidden ? "private" : "public"
}

/** What a change of a namespace asks for. Throws `invalid` naming the field, and where nothing is asked. */
export function parseChange(input: Record<string, unknown>, { versioning: now }: Pick<Namespace, "versioning">): NamespaceChange {
  const change: NamespaceChange = {}
  const visibility = parseVisibility(input)
  if (visibility !== undefined) change.visibility = visibility === "public" ? 1 : 0
  if (input.quota_bytes !== undefined) change.quotaBytes = parseQuota(input.quota_bytes) ?? null
  const { versioning } = input
  if (versioning !== undefined) {
    if (versioning !== "enabled" && versioning !== "suspended" && !(versioning === "off" && now === "off"))
      throw new AppError("invalid", "versioning must be enabled or suspended: once it was on it can only be suspended")
    change.versioning = versioning
  }
  if (Object.keys(change).length === 0)
    throw new AppError("invalid", "nothing to change: send visibility, hidden, quota_bytes or versioning")
  return change
}

/** A number of bytes, or undefined for null: no bound. Throws `invalid`. */
export function parseQuota(raw: unknown): number | undefined {
  if (raw === null) return undefined
  if (!Number.isSafeInteger(raw) || (raw as number) < 0)
    throw new AppError("invalid", "quota_bytes must be a whole number of bytes, or null")
  return raw as number
}
