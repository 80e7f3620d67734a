import { azuredns } from "./azuredns"
import { cloudflare } from "./cloudflare"
import { desec } from "./desec"
import { dnsimple } from "./dnsimple"
import { gcpdns } from "./gcpdns"
import { godaddy } from "./godaddy"
import { ionos } from "./ionos"
import { linode } from "./linode"
import { namecheap } from "./namecheap"
import { namecom } from "./namecom"
import { porkbun } from "./porkbun"
import type { ProviderAdapter } from "./provider"
import { route53 } from "./route53"

const adapters = [azuredns, cloudflare, desec, dnsimple, gcpdns, godaddy, ionos, linode, namecheap, namecom, porkbun, route53]

/** Every adapter, by the key that credentials are stored under. */
export const providerAdapters: ReadonlyMap<string, ProviderAdapter> = new Map(adapters.map((adapter) => [adapter.key, adapter]))
