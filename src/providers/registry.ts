import { desec } from "./desec"
import type { ProviderAdapter } from "./provider"

/** Every adapter, by the key that credentials are stored under. */
export const providerAdapters: ReadonlyMap<string, ProviderAdapter> = new Map([desec].map((adapter) => [adapter.key, adapter]))
