import type { CredentialField, ProviderAdapter } from "./provider"

/** A provider as `GET /v1/providers` shows it; `proven` says what the adapter was tested against. */
export type CatalogEntry = {
  key: string
  name: string
  logo_url: string | null
  auto_write: boolean
  credential_hint: string
  docs_url: string
  made_at: string | null
  rights: readonly string[]
  fields: CatalogField[]
  proven: "stand-in" | "real service"
}

/** One value that the provider's credential is asked for as. */
type CatalogField = {
  key: string
  label: string
  hint: string | null
  secret: boolean
  optional: boolean
  long: boolean
  choices: readonly string[] | null
}

/** Adapters whose tests run against what they are for: real name servers. All others have only met stand-ins written from the providers' documents. */
const provenAdapters = new Set(["rfc2136"])

/** The list of these adapters by name. No logo is shown: they are others' property, and loading them from elsewhere would tell who looks. */
export function providerCatalog(adapters: ProviderAdapter[]): CatalogEntry[] {
  const entries = adapters.map(({ key, name, credentialHint, docsUrl, madeAt, rights, fields }) => ({
    key,
    name,
    logo_url: null,
    auto_write: true,
    credential_hint: credentialHint,
    docs_url: docsUrl,
    made_at: madeAt ?? null,
    rights,
    fields: fields.map(showField),
    proven: provenAdapters.has(key) ? ("real service" as const) : ("stand-in" as const),
  }))
  return entries.sort((a, b) => a.name.localeCompare(b.name, "en"))
}

const showField = ({ key, label, hint, isSecret, isOptional, isLong, choices }: CredentialField): CatalogField => ({
  key,
  label,
  hint: hint ?? null,
  secret: isSecret === true,
  optional: isOptional === true,
  long: isLong === true,
  choices: choices ?? null,
})
