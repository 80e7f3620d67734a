/** By the host of a directory, the domain name that its CA looks for in CAA records (RFC 8659 section 4.2), as each CA documents it. */
const known: Record<string, string> = {
  "acme-v02.api.letsencrypt.org": "letsencrypt.org",
  "acme-staging-v02.api.letsencrypt.org": "letsencrypt.org",
  "dv.acme-v02.api.pki.goog": "pki.goog",
  "acme.zerossl.com": "sectigo.com",
}

/** The CAs of all these directories as CAA records name them; empty where one of them is not known, for a wrong record would stop it. */
export function caaIssuers(directories: string[]): string[] {
  const issuers = directories.map((url) => (URL.canParse(url) ? known[new URL(url).host] : undefined))
  const found = issuers.filter((issuer) => issuer !== undefined)
  return found.length < issuers.length ? [] : [...new Set(found)]
}
