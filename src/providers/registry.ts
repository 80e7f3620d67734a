import { cloudflare } from "./cloudflare"
import { desec } from "./desec"
import type { ProviderAdapter } from "./provider"
import { rfc2136 } from "./rfc2136"

const adapters = [cloudflare, desec, rfc2136]

/** Every adapter, by the key that credentials are stored under. */
export const providerAdapters: ReadonlyMap<string, ProviderAdapter> = new Map(adapters.map((adapter) => [adapter.key, adapter]))
