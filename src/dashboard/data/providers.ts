import { useQuery } from "@tanstack/react-query"
import { ask } from "./api"

/** One value that a provider's credential is asked for as. */
export type CredentialField = {
  key: string
  label: string
  hint: string | null
  secret: boolean
  optional: boolean
  long: boolean
  choices: string[] | null
}

/** A DNS provider, and what its credential is asked for as; one without fields has none to give. */
export type Provider = {
  key: string
  name: string
  docs_url: string
  made_at: string | null
  rights: string[]
  fields: CredentialField[]
}

/** Every DNS provider that is known. */
export const useProviders = () =>
  useQuery({
    queryKey: ["applications", "/v1/providers"],
    queryFn: async ({ signal }) => (await ask<{ data: Provider[] }>("GET", "/v1/providers", undefined, { signal })).data,
    // They change with the program alone.
    staleTime: Number.POSITIVE_INFINITY,
  })
