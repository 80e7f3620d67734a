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
  formLead: "The token is tried before it is kept, kept encrypted, and never shown again. Limit it to the zones that Freehold is to edit.",
  save: "Test and connect",
  replace: "Test and replace",
  connected: (zones: number) => `Connected; it sees ${zones === 1 ? "one zone" : `${zones} zones`}`,
  replaced: "The token was replaced",
  zones: (count: number) => (count === 1 ? "1 zone" : `${count} zones`),
  noZones: "No zone was seen when it was last asked.",
  connectedAt: "connected",
  refresh: "Look for zones again",
  refreshed: "Looked for zones again",
  noNames: "No hostname lies below them yet.",
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
  records: {
    title: "Records Freehold wrote",
    lead: "One CNAME for each hostname that you add below these zones, taken away when you delete it; and what an application's credential wrote there for its connections.",
    empty: (zone: string | undefined) =>
      `None yet. Add a hostname${zone === undefined ? "" : ` such as app.${zone}`}, and its record is written at once and listed here.`,
    addHostname: "Add a hostname",
    check: "Look whether they stand",
    checked: ({ looked_at: all, standing, missing, unknown, forgotten }: Record<string, number>) =>
      [
        `Of ${all} ${all === 1 ? "record" : "records"}, ${standing} ${standing === 1 ? "stands" : "stand"}`,
        ...(missing === 0 ? [] : [`${missing} missing`]),
        ...(unknown === 0 ? [] : [`${unknown} without an answer`]),
        ...(forgotten === 0 ? [] : [`${forgotten} no longer listed`]),
      ].join(", "),
    more: "Show older records",
    purposes: {
      address: "Leads visitors here for",
      ownership: "Shows who holds",
      email: "Carries mail, for",
      template: "From the record template, for",
    },
    by: { owned_domain: "with a token of yours", application: "with an application's credential" },
    written: "written",
    seen: "seen",
    stands: "Stands",
    missing: "Missing",
    unseen: "Not looked at",
    left: "Left behind",
  },
  lost: (zones: string) => `The new token does not see ${zones}.`,
  more: (count: number) => `and ${count} more`,
}
