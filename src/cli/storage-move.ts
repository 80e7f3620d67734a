import { UsageError } from "./arguments"
import { type ApiClient, ApiError } from "./client"
import { printable } from "./output"
import { parsePlace, type Place } from "./storage-place"

export type Moved = { status: "ok" | "partial"; namespace: string; name: string; moved: number; bytes: number; remaining: number }

/** Where from and where to. Into a target that ends with a slash, or is a namespace alone, the last part of the name goes along. Throws UsageError. */
export function movePlaces(source: string, target: string): { from: Place; to: Place } {
  const [from, to] = [parsePlace(source), parsePlace(target)]
  if (from.key === "")
    throw new UsageError(`"${printable(source)}" is a namespace, and those keep their names: mv moves NAMESPACE/NAME, or NAMESPACE/FOLDER/`)
  const isFolder = from.key.endsWith("/")
  const own = from.key.slice(from.key.lastIndexOf("/", from.key.length - 2) + 1)
  const isInto = to.key === "" || to.key.endsWith("/")
  return { from, to: { ...to, key: isInto ? to.key + own : isFolder ? `${to.key}/` : to.key } }
}

/** Asks for the move until all of it is done: a large folder goes in steps. `tell` hears how many files are left. Throws ApiError, which says what was moved before. */
export async function moveFiles(
  api: ApiClient,
  { from, to }: { from: Place; to: Place },
  overwrite: boolean,
  tell: (remaining: number) => void,
): Promise<Moved> {
  const body = { namespace: from.namespace, name: from.key, to_namespace: to.namespace, to_name: to.key, overwrite }
  let [moved, bytes] = [0, 0]
  for (;;) {
    const step = await api.post<Moved>("/storage/files/move", body).catch((error: unknown) => {
      if (moved === 0 || !(error instanceof ApiError)) throw error
      throw new ApiError(error.status, `${error.message} (${moved} files were moved before; the same command goes on with the rest)`)
    })
    moved += step.moved
    bytes += step.bytes
    if (step.status !== "partial" || step.moved === 0) return { ...step, moved, bytes }
    tell(step.remaining)
  }
}
