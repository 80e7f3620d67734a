import type { KeyObject } from "node:crypto"
import { AppError } from "../errors"
import { canonicalHost, isWithin } from "../hostname"
import { readSigningKey } from "./signature"

/** How the appliance is known to DNS providers: what its templates were registered under. */
export type DomainConnectConfig = {
  /** Our provider id, a domain name: the public key is published below it. */
  provider: string
  /** Our service id; the one for the apex is `<service>-apex`. */
  service: string
  /** Shown to people when they consent; the provider id where it is not set. */
  name?: string
  /** Host label of the TXT records with the public key, such as `_dck1`; goes with the key. */
  keyLabel?: string
  /** PEM of an RSA private key; without one nothing is signed. */
  signingKey?: string
}

/** The configuration, checked. */
export type Identity = {
  provider: string
  service: string
  name: string
  redirectDomain: string
  isSigned: boolean
  signing: { key: KeyObject; label: string } | undefined
}

/** What a DNS provider says of itself (section 4 of the specification); every URL is https and has neither a query nor a trailing slash, but `urlControlPanel`. */
export type Settings = { providerId: string; providerName: string; urlSyncUX?: string; urlAPI: string; urlControlPanel?: string }

/** What is known of a zone. `supported`: its provider has our template; `supportedAtApex`: the one for the apex too. `reason` says why not. */
export type Discovery = Settings & { supported: boolean; supportedAtApex: boolean; reason?: string }

const maxTextLength = 200
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i

/** Throws `invalid`, naming what is wrong. `redirectDomain` is where consent may come back to. */
export function parseIdentity(config: DomainConnectConfig, redirectDomain: string): Identity {
  const provider = canonicalHost(config.provider)
  if (provider === undefined) throw new AppError("invalid", "the Domain Connect provider must be a domain name such as example.com")
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(config.service))
    throw new AppError("invalid", "the Domain Connect service must be letters, digits, dots, hyphens and underscores, at most 63")
  if ((config.keyLabel === undefined) !== (config.signingKey === undefined))
    throw new AppError("invalid", "the Domain Connect key label and signing key go together")
  // Repeating the domain in the label is how a key ends up at a name that nobody asks for.
  if (config.keyLabel !== undefined && !label.test(config.keyLabel))
    throw new AppError("invalid", "the Domain Connect key label must be one label such as _dck1, without the domain")
  const signing =
    config.signingKey === undefined || config.keyLabel === undefined
      ? undefined
      : { key: readSigningKey(config.signingKey), label: config.keyLabel }
  return { provider, service: config.service, name: config.name ?? provider, redirectDomain, isSigned: signing !== undefined, signing }
}

/** `host[/path]` of a `_domainconnect` record, or undefined where it is nothing that may be asked: no port, no address, no query. */
export function parsePointer(text: string): string | undefined {
  const [, rawHost = "", path = ""] = /^([^/\s]{1,253})((?:\/[\w.~-]{1,100}){0,5})\/?$/.exec(text.trim()) ?? []
  const host = canonicalHost(rawHost)
  if (host === undefined || path.split("/").some((part) => /^\.+$/.test(part))) return undefined
  return `${host}${path}`
}

/** Reads a settings document; undefined where it lacks something that is needed or has something that cannot be trusted. */
export function parseSettings(text: string): Settings | undefined {
  const value = parseJson(text)
  if (typeof value !== "object" || value === null) return undefined
  const document = value as Record<string, unknown>
  const urlAPI = httpsUrl(document.urlAPI)
  const [providerId, providerName] = [
    shortText(document.providerId),
    shortText(document.providerDisplayName) ?? shortText(document.providerName),
  ]
  if (providerId === undefined || urlAPI === undefined) return undefined
  const urlSyncUX = httpsUrl(document.urlSyncUX)
  const urlControlPanel = panelUrl(document.urlControlPanel)
  return {
    providerId,
    providerName: providerName ?? providerId,
    urlAPI,
    ...(urlSyncUX === undefined ? {} : { urlSyncUX }),
    ...(urlControlPanel === undefined ? {} : { urlControlPanel }),
  }
}

/** Whether consent may come back to a URL: https, below the redirect domain unless it is covered by a signature. */
export function isRedirectAllowed(uri: string, identity: Identity): boolean {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "") return false
  return identity.isSigned || isWithin(url.hostname, identity.redirectDomain)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const shortText = (value: unknown) =>
  typeof value === "string" && value.length > 0 && value.length <= maxTextLength && !/\p{Cc}/u.test(value) ? value : undefined

/** People are sent there, so `javascript:` and the like must not get through. */
function httpsUrl(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 500 || !URL.canParse(value)) return undefined
  const url = new URL(value)
  if (url.protocol !== "https:" || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return undefined
  let end = url.href.length
  while (url.href[end - 1] === "/") end--
  return url.href.slice(0, end)
}

function panelUrl(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > 500) return undefined
  const sample = value.replaceAll("%domain%", "example.com")
  if (!URL.canParse(sample)) return undefined
  const url = new URL(sample)
  // A host that holds the variable would be a place of the zone owner's own choosing for each zone.
  const isFixed =
    URL.canParse(value.replaceAll("%domain%", "other.example")) && new URL(value.replaceAll("%domain%", "other.example")).host === url.host
  return url.protocol === "https:" && url.username === "" && url.password === "" && isFixed ? value : undefined
}
