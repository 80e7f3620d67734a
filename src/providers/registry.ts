import { cloudflare } from "./cloudflare"
import { desec } from "./desec"
import { digitalocean } from "./digitalocean"
import { gandi } from "./gandi"
import { hetzner } from "./hetzner"
import { netlify } from "./netlify"
import type { ProviderAdapter } from "./provider"
import { rfc2136 } from "./rfc2136"
import { vercel } from "./vercel"

const adapters = [cloudflare, desec, digitalocean, gandi, hetzner, netlify, rfc2136, vercel]

/** Every adapter, by the key that credentials are stored under. */
export const providerAdapters: ReadonlyMap<string, ProviderAdapter> = new Map(adapters.map((adapter) => [adapter.key, adapter]))
