import { AppError } from "../errors"

/** Where the bytes of stored files are: not kept, in the file itself, or beside it at the destination, each once. */
export type ObjectsPlace = "none" | "inside" | "beside"
export const objectsPlaces: readonly ObjectsPlace[] = ["none", "inside", "beside"]

/** What a backup says of itself; the first file in it. Times are ISO 8601, `store` is the newest migration of the store. */
export type Manifest = {
  format: 2
  freehold: string
  created_at: string
  base_domain: string
  store: string
  objects: ObjectsPlace
  /** Whether what containers keep is in it. */
  volumes: boolean
  /** Secrets that were given as settings and are in it as files, by their names in the data folder. */
  from_settings: string[]
}

export const manifestName = "manifest.json"

/** Reads a manifest, also of the first format, in which `objects` said whether they are inside. Throws `invalid` for what is none, and for that of a Freehold to come. */
export function parseManifest(text: string): Manifest {
  let value: Partial<Record<keyof Manifest, unknown>> | undefined
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value !== "object" || value === null || typeof value.format !== "number")
    throw new AppError("invalid", "this is not a backup of Freehold: its manifest cannot be read")
  if (value.format !== 1 && value.format !== 2)
    throw new AppError("invalid", `this backup was made by Freehold ${String(value.freehold)}, in a format that is not known here`)
  const { freehold, created_at: createdAt, base_domain: base, store, from_settings: fromSettings = [] } = value
  const objects = value.format === 1 ? (value.objects === true ? "inside" : "none") : value.objects
  const isWhole =
    [freehold, createdAt, base, store].every((one) => typeof one === "string") &&
    Array.isArray(fromSettings) &&
    objectsPlaces.includes(objects as ObjectsPlace)
  if (!isWhole) throw new AppError("invalid", "this is not a whole backup of Freehold: its manifest lacks something")
  return { ...(value as Manifest), format: 2, objects: objects as ObjectsPlace, from_settings: fromSettings as string[] }
}
