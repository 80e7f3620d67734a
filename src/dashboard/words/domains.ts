/** Words of owned domains: tokens of DNS providers and the zones that they edit. */
export const domains = {
  title: "Owned domains",
  lead: "With a token of your DNS provider Freehold writes the records of your hostnames by itself, and answers the challenges of wildcard certificates.",
  add: "Connect a token",
  emptyTitle: "No provider token is connected yet",
  empty:
    "A token that may edit your zones lets Freehold write records for you: a hostname below one of them is live without a visit to the provider's page. Cloudflare is supported.",
  off: "Owned domains are switched off: this server keeps no encryption key (FREEHOLD_ENCRYPTION_KEY is none).",
  provider: "Cloudflare",
  formTitle: "Connect a Cloudflare token",
  replaceTitle: "Replace the token",
  token: "API token",
  tokenHint: "It is tried before it is kept, kept encrypted, and never shown again.",
  rights: "The token needs these two permissions, for the zones that Freehold is to edit:",
  rightsList: ["Zone · Zone · Read", "Zone · DNS · Edit"],
  where: "Make a token at Cloudflare",
  whereHow: "Create token, then Create custom token.",
  save: "Test and connect",
  replace: "Test and replace",
  typeFirst: "Paste the token.",
  connected: (zones: number) => `Connected; it sees ${zones === 1 ? "one zone" : `${zones} zones`}`,
  replaced: "The token was replaced",
  zones: (count: number) => (count === 1 ? "1 zone" : `${count} zones`),
  noZones: "No zone was seen when it was last asked.",
  connectedAt: "connected",
  refresh: "Look for zones again",
  refreshed: "Looked for zones again",
  covered: (count: number) =>
    count === 0 ? "no hostname below them" : count === 1 ? "1 hostname below them" : `${count} hostnames below them`,
  replaceToken: "Replace token",
  remove: "Remove token",
  removeTitle: "Remove this token?",
  removeWhat:
    "Freehold forgets the token. It writes no records in these zones any more, and cannot take away those that it wrote; they stay as they are.",
  removeNames: (count: number) =>
    count === 0
      ? "No hostname of yours lies below these zones."
      : `${count === 1 ? "One hostname lies" : `${count} hostnames lie`} below these zones and go on being served, but a wildcard among them cannot renew its certificate by this token.`,
  removed: "The token was removed",
  written: "Hostnames below its zones",
  writtenHint: "Freehold writes one CNAME for each name that you add below these zones, and takes it away when you delete the name.",
  lost: (zones: string) => `The new token does not see ${zones}.`,
  more: (count: number) => `and ${count} more`,
}
