import { isWithin } from "../hostname"
import type { EmailInput, EmailRecord, MailProvider, ZohoRegion } from "./model"

export type Mx = { priority: number; host: string }

/** What a mail provider asks of a domain's DNS, from its public documentation as it stood in October 2026. */
export type MailHost = {
  name: string
  /** Of the domain after `include:`. */
  spfSender: (input: EmailInput) => string
  /** How the provider's own documentation ends a new SPF record. */
  spfPolicy: "~all" | "-all"
  mx: (input: EmailInput) => Mx[]
  /** Whether a published MX leads to the provider. */
  isOwnMx: (host: string, input: EmailInput) => boolean
  /** A published MX of the provider's own is as good as the documented one. */
  acceptsOwnMx: boolean
  /** Everything but MX, SPF and DMARC. */
  others: (input: EmailInput) => EmailRecord[]
  notes: (input: EmailInput) => string[]
}

/** Seconds. */
export const emailTtl = 3600

const zohoDomains: Record<ZohoRegion, { mx: string; sender: string }> = {
  com: { mx: "zoho.com", sender: "zohomail.com" },
  eu: { mx: "zoho.eu", sender: "zohomail.eu" },
  in: { mx: "zoho.in", sender: "zohomail.in" },
  au: { mx: "zoho.com.au", sender: "zohomail.com.au" },
  jp: { mx: "zoho.jp", sender: "zohomail.jp" },
  ca: { mx: "zohocloud.ca", sender: "zohocloud.ca" },
  sa: { mx: "zoho.sa", sender: "zohomail.sa" },
  cn: { mx: "zoho.com.cn", sender: "zohomail.com.cn" },
}
const zoho = (input: EmailInput) => zohoDomains[input.region ?? "com"]
const dashed = (domain: string) => domain.replaceAll(".", "-")

export const mailHosts: Record<MailProvider, MailHost> = {
  google_workspace: {
    name: "Google Workspace",
    spfSender: () => "_spf.google.com",
    spfPolicy: "~all",
    mx: () => [{ priority: 1, host: "smtp.google.com" }],
    // The set of five that Google gave out until 2023 goes on working.
    isOwnMx: (host) => isWithin(host, "google.com") || isWithin(host, "googlemail.com"),
    acceptsOwnMx: true,
    others: (input) => dkimText(input, "google"),
    notes: (input) =>
      input.dkimValue === undefined ? [dkimNote(input, "google", "Google Admin console (Apps, Gmail, Authenticate email)")] : [],
  },
  microsoft_365: {
    name: "Microsoft 365",
    spfSender: () => "spf.protection.outlook.com",
    spfPolicy: "-all",
    mx: (input) => [{ priority: 0, host: input.mxHost ?? `${dashed(input.domain)}.mail.protection.outlook.com` }],
    isOwnMx: (host, input) =>
      input.mxHost === undefined ? isWithin(host, "mail.protection.outlook.com") || isWithin(host, "mx.microsoft") : host === input.mxHost,
    acceptsOwnMx: true,
    others: (input) => [
      { host: `autodiscover.${input.domain}`, type: "CNAME", value: "autodiscover.outlook.com", ttl: emailTtl },
      ...microsoftTargets(input).map((value, index) => ({
        host: `selector${index + 1}._domainkey.${input.domain}`,
        type: "CNAME" as const,
        value,
        ttl: emailTtl,
      })),
    ],
    notes: (input) => {
      const notes: string[] = []
      if (input.mxHost === undefined)
        notes.push(
          "Compare the MX with the one that the Microsoft 365 admin center shows for the domain: where it is another one, give it as mx_host.",
        )
      if (input.dkimTargets === undefined && input.tenant === undefined)
        notes.push(
          "DKIM must be switched on in the Microsoft Defender portal, which shows where selector1 and selector2 lead: give both names as dkim_targets.",
        )
      else if (input.dkimTargets === undefined)
        notes.push(
          "The DKIM names are of the older form: domains added since May 2025 have others, which the Microsoft Defender portal shows; give them as dkim_targets.",
        )
      return notes
    },
  },
  zoho: {
    name: "Zoho Mail",
    spfSender: (input) => zoho(input).sender,
    spfPolicy: "~all",
    mx: (input) => [
      { priority: 10, host: `mx.${zoho(input).mx}` },
      { priority: 20, host: `mx2.${zoho(input).mx}` },
      { priority: 50, host: `mx3.${zoho(input).mx}` },
    ],
    // Mail of one data centre does not arrive at another.
    isOwnMx: (host, input) => ["mx", "mx2", "mx3"].some((label) => host === `${label}.${zoho(input).mx}`),
    acceptsOwnMx: false,
    others: (input) => dkimText(input, "zmail"),
    notes: (input) => [
      ...(input.region === undefined
        ? [
            "The records are those of Zoho's data centre in the United States: give region where the address of your Zoho console ends otherwise (eu, in, au, jp, ca, sa, cn).",
          ]
        : []),
      ...(input.dkimValue === undefined ? [dkimNote(input, "zmail", "Zoho Mail Admin Console (Domains, Email Configuration, DKIM)")] : []),
    ],
  },
}

/** Where the key of a provider with keys in TXT records stands. */
export const dkimName = (input: EmailInput, selector: string) => `${input.dkimSelector ?? selector}._domainkey.${input.domain}`

function dkimText(input: EmailInput, selector: string): EmailRecord[] {
  if (input.dkimValue === undefined) return []
  return [{ host: dkimName(input, selector), type: "TXT", value: input.dkimValue, ttl: emailTtl }]
}

function dkimNote(input: EmailInput, selector: string, where: string): string {
  const used = input.dkimSelector ?? selector
  return `DKIM must be generated at the provider, selector ${used}: in the ${where}. It goes into a TXT record at ${dkimName(input, selector)}; give it as dkim_value.`
}

function microsoftTargets(input: EmailInput): string[] {
  if (input.dkimTargets !== undefined) return input.dkimTargets
  if (input.tenant === undefined) return []
  return [1, 2].map((number) => `selector${number}-${dashed(input.domain)}._domainkey.${input.tenant}`)
}
