import { azuredns } from "./azuredns"
import { cloudflare } from "./cloudflare"
import { desec } from "./desec"
import { digitalocean } from "./digitalocean"
import { dnsimple } from "./dnsimple"
import { gandi } from "./gandi"
import { gcpdns } from "./gcpdns"
import { godaddy } from "./godaddy"
import { hetzner } from "./hetzner"
import { ionos } from "./ionos"
import { linode } from "./linode"
import { namecheap } from "./namecheap"
import { namecom } from "./namecom"
import { netlify } from "./netlify"
import { porkbun } from "./porkbun"
import type { ProviderAdapter } from "./provider"
import { rfc2136 } from "./rfc2136"
import { route53 } from "./route53"
import { vercel } from "./vercel"
import { vultr } from "./vultr"

const adapters = [
  azuredns,
  cloudflare,
  desec,
  digitalocean,
  dnsimple,
  gandi,
  gcpdns,
  godaddy,
  hetzner,
  ionos,
  linode,
  namecheap,
  namecom,
  netlify,
  porkbun,
  rfc2136,
  route53,
  vercel,
  vultr,
]

/** Every adapter, by the key that credentials are stored under. */
export const providerAdapters: ReadonlyMap<string, ProviderAdapter> = new Map(adapters.map((adapter) => [adapter.key, adapter]))
