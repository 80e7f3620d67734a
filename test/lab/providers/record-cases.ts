import type { RecordSetType } from "../../../src/providers/provider"

/** A set that every adapter must be able to write, and one to replace it; at the name given, or at any. */
export type RecordCase = { what: string; type: RecordSetType; name?: string; first: string[]; second: string[] }

const long = (seed: string, pieces: number) => Array.from({ length: pieces }, (_, index) => `${seed}${index}`).join("-")

export const recordCases: RecordCase[] = [
  { what: "one address", type: "A", first: ["192.0.2.1"], second: ["192.0.2.2"] },
  { what: "several addresses", type: "A", first: ["192.0.2.1", "192.0.2.2", "192.0.2.3"], second: ["192.0.2.3", "192.0.2.4"] },
  { what: "several IPv6 addresses", type: "AAAA", first: ["2001:db8::1", "2001:db8::2"], second: ["2001:db8::2", "2001:db8:0:1::3"] },
  { what: "a CNAME", type: "CNAME", first: ["ingress.cloud.test"], second: ["other.cloud.test"] },
  { what: "an MX", type: "MX", first: ["10 mx1.mail.test", "20 mx2.mail.test"], second: ["5 mx1.mail.test", "20 mx2.mail.test"] },
  {
    what: "a CAA",
    type: "CAA",
    first: ['0 issue "letsencrypt.org"', '0 issuewild ";"'],
    second: ['0 issue "ca.test"', '128 iodef "mailto:a@ca.test"'],
  },
  {
    what: "an SRV",
    type: "SRV",
    name: "_xmpp._tcp.srv.example.test",
    first: ["0 5 5222 xmpp.mail.test"],
    second: ["1 5 5222 xmpp.mail.test", "1 6 5223 xmpp.mail.test"],
  },
  { what: "a text", type: "TXT", first: ["v=spf1 include:mail.test ~all"], second: ["v=spf1 -all", "cd-verify-0123456789"] },
  { what: "a text with quotes and semicolons", type: "TXT", first: ['say "hi" there; v=1'], second: ['"quoted whole"', "a; b"] },
  { what: "a text with backslashes", type: "TXT", first: ["back\\slash \\"], second: ['\\"', "\\065"] },
  { what: "a text longer than one character-string", type: "TXT", first: [long("k", 80)], second: [long("m", 110), "short"] },
  {
    what: "a text of more than 512 octets with quotes",
    type: "TXT",
    first: [`${"a".repeat(254)}"${"b".repeat(254)}"${"c".repeat(254)}`],
    second: ["d".repeat(255), `${"e".repeat(600)}"`],
  },
  { what: "a wildcard address", type: "A", name: "*.wild.example.test", first: ["192.0.2.1"], second: ["192.0.2.2"] },
  { what: "a wildcard alias", type: "CNAME", name: "*.alias.example.test", first: ["ingress.cloud.test"], second: ["other.cloud.test"] },
  { what: "a wildcard right below the zone", type: "A", name: "*.example.test", first: ["192.0.2.1"], second: ["192.0.2.2", "192.0.2.3"] },
  { what: "addresses of the apex", type: "A", name: "example.test", first: ["192.0.2.1", "192.0.2.2"], second: ["192.0.2.3"] },
  {
    what: "a text of the apex",
    type: "TXT",
    name: "example.test",
    first: ["v=spf1 -all"],
    second: ["v=spf1 ~all", "google-site-verification=x"],
  },
  { what: "an MX of the apex", type: "MX", name: "example.test", first: ["10 mx.mail.test"], second: ["20 mx.mail.test"] },
  {
    what: "a text at a name with underscores",
    type: "TXT",
    name: "_customdomain-challenge.app.example.test",
    first: ["cd-verify-abc"],
    second: ["cd-verify-def"],
  },
  {
    what: "an alias at a name with underscores",
    type: "CNAME",
    name: "s1._domainkey.app.example.test",
    first: ["s1.dkim.mail.test"],
    second: ["s2.dkim.mail.test"],
  },
]
