import { cloudflare } from "./cloudflare"
import { desec } from "./desec"
import type { ProviderAdapter } from "./provider"

const adapters = [cloudflare, desec]

/** Every adapter, by the key that credentials are stored under. */
export const providerAdapters: ReadonlyMap<string, ProviderAdapter> = new Map(adapters.map((adapter) => [adapter.key, adapter]))
