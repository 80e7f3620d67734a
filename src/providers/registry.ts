import { azuredns } from "./azuredns"
import { cloudflare } from "./cloudflare"
import { desec } from "./desec"
import { gcpdns } from "./gcpdns"
import { linode } from "./linode"
import { porkbun } from "./porkbun"
import type { ProviderAdapter } from "./provider"
import { route53 } from "./route53"
import { vultr } from "./vultr"

const adapters = [azuredns, cloudflare, desec, gcpdns, linode, porkbun, route53, vultr]

/** Every adapter, by the key that credentials are stored under. */
export const providerAdapters: ReadonlyMap<string, ProviderAdapter> = new Map(adapters.map((adapter) => [adapter.key, adapter]))
