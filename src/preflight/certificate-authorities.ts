/**
 * What certificate authorities call themselves in CAA records, by the host of their ACME directory: from their own pages on CAA and the `meta` of their
 * directories, as of November 2026. A directory that is not here says it itself, in `caaIdentities` (RFC 8555 section 9.7.6), where it does.
 */
type Authority = { name: string; identities: string[]; hosts: string[] }

const sectigo = ["sectigo.com", "trust-provider.com", "usertrust.com", "comodoca.com", "comodo.com"]

const authorities: Authority[] = [
  {
    name: "Let's Encrypt",
    identities: ["letsencrypt.org"],
    hosts: ["acme-v02.api.letsencrypt.org", "acme-staging-v02.api.letsencrypt.org"],
  },
  { name: "ZeroSSL", identities: sectigo, hosts: ["acme.zerossl.com"] },
  { name: "Sectigo", identities: sectigo, hosts: ["acme.sectigo.com", "acme.enterprise.sectigo.com"] },
  { name: "Google Trust Services", identities: ["pki.goog"], hosts: ["dv.acme-v02.api.pki.goog", "dv.acme-v02.test-api.pki.goog"] },
  { name: "Buypass", identities: ["buypass.com"], hosts: ["api.buypass.com", "api.test4.buypass.no"] },
  { name: "SSL.com", identities: ["ssl.com"], hosts: ["acme.ssl.com"] },
  { name: "DigiCert", identities: ["digicert.com"], hosts: ["acme.digicert.com"] },
  { name: "Actalis", identities: ["actalis.it"], hosts: ["acme-api.actalis.com"] },
]

/**
 * The CA behind a directory URL, and its CAA identities: those that the directory's `meta` gives where it gives any, else those that are known. Neither
 * known nor given, the identities are empty, and the name is the host.
 */
export function authorityAt(directoryUrl: string, given: string[] = []): { name: string; caaIdentities: string[] } {
  const host = URL.canParse(directoryUrl) ? new URL(directoryUrl).hostname : directoryUrl
  const known = authorities.find(({ hosts }) => hosts.includes(host))
  return { name: known?.name ?? host, caaIdentities: given.length > 0 ? given : (known?.identities ?? []) }
}
