/** Words of the issuers' rate limits. */
export const limits = {
  title: "Rate limits",
  ofName: "What the issuers still allow for this name, as counted here. An order that would break a limit waits for its turn.",
  kinds: {
    directory: "Left alone",
    accounts: "New accounts of this server",
    orders: "Orders of this account",
    domain: "Certificates of a domain",
    name: "Certificates of exactly one name",
    failures: "Failed validations of a name",
  },
  at: (issuer: string) => `at ${issuer}`,
  left: (left: string, capacity: string) => `${left} of ${capacity} left`,
  used: "Used",
  next: { some: "one more", none: "the next one" },
  closed: "Closed by the issuer, opens",
}
