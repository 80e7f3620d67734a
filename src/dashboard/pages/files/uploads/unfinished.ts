import { apiOrigin } from "../../../data/api"
import { folderOf } from "../model"

/** An upload that broke off, of which the server has a part; `sent` is how much. */
export type Unfinished = { place: string; url: string; namespace: string; name: string; size: number; sent: number }

/** Under which an upload is remembered on this device: whose, where to, and which file. */
export const fingerprintOf = (person: string, namespace: string, name: string, { size, lastModified }: File): string =>
  `freehold/${person}/${namespace}/${name}/${size}/${lastModified}`

type Kept = { size: number; metadata: { filename?: string; namespace?: string }; uploadUrl: string | null }

// As tus-js-client keeps them.
const prefixOf = (person: string, namespace: string) => `tus::freehold/${person}/${namespace}/`

/** What this person began on this device in a namespace and the server still has. What it has no more is forgotten. */
export async function unfinishedOf(person: string, namespace: string, signal?: AbortSignal): Promise<Unfinished[]> {
  const places = keysBelow(prefixOf(person, namespace))
  const asked = await Promise.all(places.map((place) => look(place, signal)))
  return asked.filter((one) => one !== undefined)
}

/** Ends it at the server and here. */
export async function discard({ place, url }: Unfinished): Promise<void> {
  await fetch(url, { method: "DELETE", credentials: "include", headers: { "tus-resumable": "1.0.0" } })
  localStorage.removeItem(place)
}

function keysBelow(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix))
  } catch {
    return []
  }
}

async function look(place: string, signal?: AbortSignal): Promise<Unfinished | undefined> {
  const { size, metadata, uploadUrl } = JSON.parse(localStorage.getItem(place) ?? "{}") as Partial<Kept>
  const { filename: name, namespace } = metadata ?? {}
  if (!uploadUrl || name === undefined || namespace === undefined || size === undefined) return undefined
  const url = new URL(uploadUrl, apiOrigin || location.origin)
  // Whatever else wrote there does not send us elsewhere.
  if (url.origin !== (apiOrigin || location.origin)) return undefined
  const answer = await fetch(url, { method: "HEAD", credentials: "include", headers: { "tus-resumable": "1.0.0" }, signal })
  const sent = Number(answer.headers.get("upload-offset") ?? Number.NaN)
  if (answer.status === 404 || sent === size) localStorage.removeItem(place)
  return answer.ok && sent < size ? { place, url: url.href, namespace, name, size, sent } : undefined
}

/** Whether a file may be the rest of it; that it is, its fingerprint says. */
export const mayContinue = ({ name, size }: Unfinished, file: File): boolean =>
  file.size === size && file.name === name.slice(folderOf(name).length)
