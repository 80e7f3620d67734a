import { ask } from "../../data/api"
import type { Scopes } from "./scope-grants"

/** Times are Unix seconds, 0 for never. */
export type Token = {
  id: string
  name: string
  expires_at: number
  last_used_at: number
  created_at: number
  scopes?: Scopes | null
  service_account_id?: string
}
export type NewToken = Token & { token: string }
export type ServiceAccount = { id: string; name: string; scopes: Scopes; token_count: number; created_at: number }
export type OwnSession = { id: number; ip_address: string; created_at: number; expires_at: number; is_current: boolean }
export type TwoFactor = { enabled: boolean; keys: number; totp: boolean; recovery_codes_left: number }
export type SecurityKey = { id: string; name: string; created_at: number; last_used_at: number }
export type SshKey = { id: number; name: string; public_key: string; fingerprint: string; created_at: string }

type Signal = { signal: AbortSignal }

export const tokensQuery = {
  queryKey: ["access", "tokens"],
  queryFn: ({ signal }: Signal) => ask<Token[]>("GET", "/api/tokens", undefined, { signal }),
}

export const accountsQuery = {
  queryKey: ["access", "accounts"],
  queryFn: ({ signal }: Signal) => ask<ServiceAccount[]>("GET", "/api/service-accounts", undefined, { signal }),
}

export const accountQuery = (id: string) => ({
  queryKey: ["access", "accounts", id],
  queryFn: ({ signal }: Signal) => ask<ServiceAccount>("GET", `/api/service-accounts/${encodeURIComponent(id)}`, undefined, { signal }),
})

export const accountTokensQuery = (id: string) => ({
  queryKey: ["access", "accounts", id, "tokens"],
  queryFn: ({ signal }: Signal) => ask<Token[]>("GET", `/api/service-accounts/${encodeURIComponent(id)}/tokens`, undefined, { signal }),
})

export const ownSessionsQuery = {
  queryKey: ["sessions", "own"],
  queryFn: ({ signal }: Signal) => ask<OwnSession[]>("GET", "/api/settings/sessions", undefined, { signal }),
}

export const twoFactorQuery = {
  queryKey: ["access", "two-factor"],
  queryFn: ({ signal }: Signal) => ask<TwoFactor>("GET", "/api/settings/two-factor", undefined, { signal }),
}

export const securityKeysQuery = {
  queryKey: ["access", "keys"],
  queryFn: async ({ signal }: Signal) => (await ask<{ keys: SecurityKey[] }>("GET", "/api/settings/keys", undefined, { signal })).keys,
}

export const sshKeysQuery = {
  queryKey: ["access", "ssh-keys"],
  queryFn: async ({ signal }: Signal) => (await ask<{ ssh_keys: SshKey[] }>("GET", "/compute/ssh-keys", undefined, { signal })).ssh_keys,
}
