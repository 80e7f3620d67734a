import { AppError } from "../errors"
import { canonicalHost, isWithin } from "../hostname"
import { parseDkim } from "./dkim"

export const mailProviders = ["google_workspace", "microsoft_365", "zoho"] as const

/** Who handles a domain's mail, by the key in the API. */
export type MailProvider = (typeof mailProviders)[number]

export const zohoRegions = ["com", "eu", "in", "au", "jp", "ca", "sa", "cn"] as const

export type ZohoRegion = (typeof zohoRegions)[number]

/** A record as the connect API shows it; `host` is the whole name, `ttl` in seconds, a TXT value is plain text of any length. */
export type EmailRecord = { host: string; type: "MX" | "TXT" | "CNAME"; value: string; ttl: number; priority?: number }

/** What is asked for, parsed: names are canonical, and only options of the provider are there. */
export type EmailInput = {
  domain: string
  provider: MailProvider
  dkimValue?: string
  /** Label or labels before `._domainkey`. */
  dkimSelector?: string
  /** Zoho's data centre, from the address its console has. */
  region?: ZohoRegion
  /** Microsoft 365: the MX that the admin centre shows, where it is not the usual one. */
  mxHost?: string
  /** Microsoft 365: the initial domain, `contoso.onmicrosoft.com`. */
  tenant?: string
  /** Microsoft 365: where selector1 and selector2 lead, as the Defender portal shows them. */
  dkimTargets?: [string, string]
}

/** Values by `${name} ${type}` (an MX as `10 mail.example.com`), as the DNS has them; what is not in it is not published. */
export type Published = ReadonlyMap<string, string[]>

/** `conflicts` are published records that stand where other ones are wanted. */
export type EmailRecords = { provider: MailProvider; domain: string; records: EmailRecord[]; notes: string[]; conflicts: EmailRecord[] }

/** What may be written by a delegated credential, what a person has to do, and what is to be said; what stands already is in neither. */
export type EmailPlan = { written: EmailRecord[]; manual: EmailRecord[]; notes: string[] }

const optionsOf: Record<MailProvider, string[]> = {
  google_workspace: ["dkim_value", "dkim_selector"],
  microsoft_365: ["mx_host", "tenant", "dkim_targets"],
  zoho: ["dkim_value", "dkim_selector", "region"],
}
const optionNames = new Set(Object.values(optionsOf).flat())
const microsoftMx = ["mail.protection.outlook.com", "mx.microsoft"]
const microsoftDkim = ["onmicrosoft.com", "dkim.mail.microsoft"]

/** Reads a request's body; throws `invalid`, naming the field and its rule. */
export function parseEmailInput(body: Record<string, unknown>): EmailInput {
  const domain = typeof body.domain === "string" ? canonicalHost(body.domain) : undefined
  if (domain === undefined) throw new AppError("invalid", "domain must be a domain name such as example.com")
  const provider = mailProviders.find((known) => known === body.provider)
  if (provider === undefined) throw new AppError("invalid", `provider must be one of: ${mailProviders.join(", ")}`)
  const input: EmailInput = { domain, provider }
  for (const [name, value] of Object.entries(body)) {
    if (!optionNames.has(name) || value === undefined || value === null) continue
    if (!optionsOf[provider].includes(name)) throw notOf(provider, name)
    Object.assign(input, parseOption(name, value))
  }
  return input
}

function notOf(provider: MailProvider, name: string): AppError {
  const instead =
    provider === "microsoft_365" && name === "dkim_value" ? ": its DKIM keys stay at Microsoft, so give dkim_targets or tenant" : ""
  return new AppError("invalid", `${name} is not an option of ${provider}${instead}`)
}

function parseOption(name: string, value: unknown): Partial<EmailInput> {
  switch (name) {
    case "dkim_value":
      return { dkimValue: parseDkim(value) }
    case "dkim_selector":
      return { dkimSelector: parseSelector(value) }
    case "region":
      return { region: parseRegion(value) }
    case "mx_host":
      return { mxHost: hostWithin(name, value, microsoftMx) }
    case "tenant":
      return { tenant: hostWithin(name, value, ["onmicrosoft.com"]) }
    default:
      return { dkimTargets: parseTargets(value) }
  }
}

function parseSelector(value: unknown): string {
  const selector = typeof value === "string" ? value.toLowerCase() : ""
  const isSelector = selector.length <= 100 && selector.split(".").every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  if (!isSelector) throw new AppError("invalid", "dkim_selector must be a label such as google, without ._domainkey")
  return selector
}

function parseRegion(value: unknown): ZohoRegion {
  const region = zohoRegions.find((known) => known === value)
  if (region === undefined) throw new AppError("invalid", `region must be one of: ${zohoRegions.join(", ")}`)
  return region
}

function parseTargets(value: unknown): [string, string] {
  const [first, second, ...more] = Array.isArray(value) ? value : []
  if (first === undefined || second === undefined || more.length > 0)
    throw new AppError("invalid", "dkim_targets must be the two names that selector1 and selector2 lead to")
  return [hostWithin("dkim_targets", first, microsoftDkim), hostWithin("dkim_targets", second, microsoftDkim)]
}

/** A name below one of the zones; DKIM names have a label with an underscore, which a hostname has not. */
function hostWithin(field: string, value: unknown, zones: string[]): string {
  const name = typeof value === "string" ? value.trim().toLowerCase().replace(/\.$/, "") : ""
  const isName = canonicalHost(name.replace("._domainkey.", ".domainkey.")) !== undefined
  if (!isName || !zones.some((zone) => name !== zone && isWithin(name, zone)))
    throw new AppError("invalid", `${field} must be a name below ${zones.join(" or ")}`)
  return name
}
