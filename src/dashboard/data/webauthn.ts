import { useQuery } from "@tanstack/react-query"
import { ask } from "./api"

/** What a ceremony begins with, in WebAuthn's own JSON. */
export type Ceremony<Options> = { options: { publicKey: Options }; state: string }

type Pages = { page: string; origins: string[] }

/** Whether this page can ask for security keys and passkeys; where it cannot, the origin of one that can. Undefined while nobody knows. */
export type KeysHere = { canAsk: boolean; elsewhere: string } | undefined

const hasCredentials = () =>
  window.isSecureContext && "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential

/** WebAuthn is bound to the base domain and to HTTPS (Level 3, section 5.1.4), so that a page elsewhere would only ever fail. */
export function useKeysHere(): KeysHere {
  const { data } = useQuery({
    queryKey: ["session", "key-pages"],
    queryFn: ({ signal }) => ask<Pages>("GET", "/api/webauthn/origins", undefined, { signal }),
    staleTime: Infinity,
  })
  if (data === undefined) return undefined
  return { canAsk: hasCredentials() && data.origins.includes(location.origin), elsewhere: data.page }
}

/** Asks for a key that is registered; the answer goes to the ceremony's `finish`. Throws what `keyFault` puts in words. */
export async function getCredential({ options, state }: Ceremony<PublicKeyCredentialRequestOptionsJSON>) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey)
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null
  return { state, credential: credential?.toJSON() }
}

/** Makes a new credential on a key. */
export async function createCredential({ options, state }: Ceremony<PublicKeyCredentialCreationOptionsJSON>) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey)
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null
  return { state, credential: credential?.toJSON() }
}

/** What the browser has against it, by the name of its error; undefined for errors that are none of the browser's. */
export function keyFault(error: unknown): "unused" | "known" | "refused" | undefined {
  if (!(error instanceof DOMException)) return undefined
  if (error.name === "InvalidStateError") return "known"
  // One and the same for a person who said no, for time that ran out, and for no key that fits (section 14.5.2).
  return error.name === "NotAllowedError" || error.name === "AbortError" ? "unused" : "refused"
}
