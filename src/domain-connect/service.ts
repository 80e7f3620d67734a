import { AppError } from "../errors"
import { canonicalHost } from "../hostname"
import { discoverZone, type DiscoveryNeeds } from "./discovery"
import { DiscoveryCache } from "./discovery-cache"
import { type Discovery, type DomainConnectConfig, type Identity, isRedirectAllowed, parseIdentity } from "./model"
import { publicKeyTexts, signQuery } from "./signature"
import { apexService, type EdgeAddress, type Template, templates } from "./template"

export type DomainConnectOptions = DiscoveryNeeds & {
  /** Undefined: zones are still discovered, for the deep link into their provider's panel, and nothing is supported. */
  config: DomainConnectConfig | undefined
  /** Read at each use, since addresses may change while running. */
  edge: () => EdgeAddress
  /** Consent comes back to this domain or below it. */
  redirectDomain: string
  now?: () => number
  maxZones?: number
  /** How many zones are looked at at once. */
  maxLooks?: number
}

/** What goes into an apply URL. `host` is the part of the name before the zone, empty at the apex. */
export type ApplyRequest = { zone: string; host: string; variables: Record<string, string>; redirectUri?: string; state: string }

const foundMs = 10 * 60_000
const absentMs = 60_000
const maxStateLength = 500
const maxUrlLength = 4000
/** Names that the protocol has taken (section 3.2 of the specification). */
const ownParameters = new Set(["domain", "host", "redirect_uri", "state", "providername", "servicename", "groupid", "sig", "key", "force"])

/**
 * The browser flow of Domain Connect: a zone's DNS provider applies our template once its owner consents. That somebody comes back from there proves
 * nothing: what was applied is seen in the DNS.
 */
export class DomainConnect {
  private identity: Identity | undefined
  private cache: DiscoveryCache
  private stopping = new AbortController()
  private needs: DiscoveryNeeds

  /** Throws `invalid` for a configuration that cannot be used. */
  constructor(private options: DomainConnectOptions) {
    const { config, redirectDomain, maxZones = 1000, now = Date.now } = options
    this.identity = config === undefined ? undefined : parseIdentity(config, redirectDomain)
    this.cache = new DiscoveryCache(maxZones, { foundMs, absentMs }, now)
    this.needs = { ...options, signal: this.stopping.signal }
  }

  /** Ends requests under way; what is asked later finds nothing. */
  stop(): void {
    this.stopping.abort()
  }

  /**
   * What the zone's provider offers, or undefined where it does not speak Domain Connect; kept for ten minutes, one minute where there is nothing.
   * `zone` is the apex. Throws `invalid`, `unavailable` where too many zones are being looked at, and what `lookupTxt` throws.
   */
  async discover(zone: string): Promise<Discovery | undefined> {
    const name = canonicalHost(zone)
    if (name === undefined) throw new AppError("invalid", "zone must be a domain name such as example.com")
    if (!this.cache.has(name) && this.cache.busy >= (this.options.maxLooks ?? 16))
      throw new AppError("unavailable", "too many zones are being looked at: try again in a moment", { retryAfterSeconds: 5 })
    return this.cache.get(name, () => discoverZone(this.needs, name, this.identity))
  }

  /**
   * Where to send the browser so that the zone's owner consents, signed where there is a key. Undefined where the provider does not have the template
   * for such a host. Throws like `discover`, and `invalid` for a redirect, state or variable that cannot be sent.
   */
  async applyUrl(request: ApplyRequest): Promise<string | undefined> {
    const { identity } = this
    const found = await this.discover(request.zone)
    const isApex = request.host === ""
    if (identity === undefined || found?.urlSyncUX === undefined || !(isApex ? found.supportedAtApex : found.supported)) return undefined
    const query = queryOf(request, identity)
    const service = isApex ? apexService(identity.service) : identity.service
    const { signing } = identity
    const signature =
      signing === undefined ? "" : `&sig=${encodeURIComponent(signQuery(query, signing.key))}&key=${encodeURIComponent(signing.label)}`
    const url = `${found.urlSyncUX}/v2/domainTemplates/providers/${identity.provider}/services/${service}/apply?${query}${signature}`
    if (url.length > maxUrlLength) throw new AppError("invalid", `the apply URL would be longer than ${maxUrlLength} characters`)
    return url
  }

  /** The page of the provider's panel where the zone is edited, which works without any template. */
  controlPanelUrl(found: Discovery, zone: string): string | undefined {
    return found.urlControlPanel?.replaceAll("%domain%", encodeURIComponent(zone))
  }

  /** What to register at DNS providers; empty where nothing is configured. */
  templates(): Template[] {
    return this.identity === undefined ? [] : templates(this.identity, this.options.edge())
  }

  /** The TXT records that publish the signing key, all at one name; undefined where nothing is signed. */
  publicKeyRecords(): { host: string; type: "TXT"; values: string[] } | undefined {
    if (this.identity?.signing === undefined) return undefined
    const { key, label } = this.identity.signing
    return { host: `${label}.${this.identity.provider}`, type: "TXT", values: publicKeyTexts(key) }
  }
}

/** In the order of the specification's examples; values are percent-encoded, as they are signed. */
function queryOf({ zone, host, variables, redirectUri, state }: ApplyRequest, identity: Identity): string {
  if (!/^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/.test(host) && host !== "")
    throw new AppError("invalid", "host must be the part of the name before the zone")
  if (state === "" || state.length > maxStateLength) throw new AppError("invalid", `state must have 1 to ${maxStateLength} characters`)
  if (redirectUri !== undefined && !isRedirectAllowed(redirectUri, identity))
    throw new AppError("invalid", `redirect_uri must be an https URL${identity.isSigned ? "" : ` at ${identity.redirectDomain} or below`}`)
  for (const name of Object.keys(variables)) {
    if (!/^[a-z0-9_-]{1,63}$/i.test(name) || ownParameters.has(name.toLowerCase()))
      throw new AppError("invalid", `"${name.slice(0, 63)}" cannot be a template variable`)
  }
  const pairs: [string, string][] = [["domain", canonicalHost(zone) ?? zone]]
  if (host !== "") pairs.push(["host", host])
  pairs.push(...Object.entries(variables))
  if (redirectUri !== undefined) pairs.push(["redirect_uri", redirectUri])
  pairs.push(["state", state])
  return pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")
}
