import { AppError } from "../errors"

/** What a backup says of itself; the first file in it. Times are ISO 8601, `store` is the newest migration of the store. */
export type Manifest = {
  format: 1
  freehold: string
  created_at: string
  base_domain: string
  store: string
  /** Whether the bytes of stored files, and what containers keep, are in it. */
  objects: boolean
  volumes: boolean
  /** Secrets that were given as settings and are in it as files, by their names in the data folder. */
  from_settings: string[]
}

export const manifestName = "manifest.json"

/** Reads a manifest. Throws `invalid` for what is none, and for that of a Freehold to come. */
export function parseManifest(text: string): Manifest {
  let value: Partial<Record<keyof Manifest, unknown>> | undefined
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (typeof value !== "object" || value === null || typeof value.format !== "number")
    throw new AppError("invalid", "this is not a backup of Freehold: its manifest cannot be read")
  if (value.format !== 1)
    throw new AppError("invalid", `this backup was made by Freehold ${String(value.freehold)}, in a format that is not known here`)
  const { freehold, created_at: createdAt, base_domain: base, store } = value
  if ([freehold, createdAt, base, store].some((one) => typeof one !== "string"))
    throw new AppError("invalid", "this is not a whole backup of Freehold: its manifest lacks something")
  return value as Manifest
}
