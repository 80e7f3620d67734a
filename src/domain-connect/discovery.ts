/**
 * Who serves a zone and can apply templates: TXT `_domainconnect.<zone>` → settings by HTTPS → do they have our template.
 *
 * Truth list: whoever owns the zone chooses the server that is asked, so requests go through safe-fetch and what comes back is only believed as far as
 * model.ts reads it; a record that leads nowhere is common and means that there is no Domain Connect; the asynchronous flow (OAuth) is not spoken.
 */
import type { Log } from "../log"
import { safeFetch, SafeFetchError, type SafeResponse } from "../safe-fetch"
import { type Discovery, type Identity, parsePointer, parseSettings, type Settings } from "./model"
import { apexService } from "./template"

/** How a provider's servers are reached. */
export type DiscoveryNeeds = {
  /** TXT records of a name, strings joined; empty where there are none. Throws where the DNS could not be asked. */
  lookupTxt: (name: string) => Promise<string[]>
  /** As in SafeFetchOptions. */
  resolve: (hostname: string) => Promise<string[]>
  allow: readonly string[]
  ca?: string
  log: Log
  /** Port at which settings are asked for; 443 but in tests. */
  port?: number
  /** For one request. */
  timeoutMs?: number
  /** Ends requests under way. */
  signal?: AbortSignal
}

const maxPointers = 3
const maxBytes = 64 * 1024
const standardTimeoutMs = 5000

/** Undefined where the zone has no Domain Connect. Throws what `lookupTxt` throws. */
export async function discoverZone(needs: DiscoveryNeeds, zone: string, identity: Identity | undefined): Promise<Discovery | undefined> {
  const texts = await needs.lookupTxt(`_domainconnect.${zone}`)
  const pointers = [...new Set(texts.flatMap((text) => parsePointer(text) ?? []))].slice(0, maxPointers)
  for (const pointer of pointers) {
    const settings = await askSettings(needs, pointer, zone)
    if (settings !== undefined) return { ...settings, ...(await support(needs, settings, identity)) }
  }
  return undefined
}

async function askSettings(needs: DiscoveryNeeds, pointer: string, zone: string): Promise<Settings | undefined> {
  const [host = "", ...path] = pointer.split("/")
  const port = needs.port === undefined || needs.port === 443 ? "" : `:${needs.port}`
  const url = `https://${[`${host}${port}`, ...path].join("/")}/v2/${zone}/settings`
  const answer = await ask(needs, url)
  if (answer?.status !== 200 || answer.truncated) return undefined
  return parseSettings(new TextDecoder().decode(answer.body))
}

async function support(
  needs: DiscoveryNeeds,
  settings: Settings,
  identity: Identity | undefined,
): Promise<Pick<Discovery, "supported" | "supportedAtApex" | "reason">> {
  const none = (reason: string) => ({ supported: false, supportedAtApex: false, reason })
  if (identity === undefined) return none("no Domain Connect template is configured here")
  if (settings.urlSyncUX === undefined) return none(`${settings.providerName} has no synchronous flow`)
  const services = [identity.service, apexService(identity.service)]
  const [below, apex] = await Promise.all(services.map((service) => hasTemplate(needs, settings, identity, service)))
  if (below === undefined) return none(`${settings.providerName} could not be asked about our template`)
  if (!below) return { ...none(`${settings.providerName} does not have our template`), supportedAtApex: apex === true }
  return { supported: true, supportedAtApex: apex === true }
}

/** Undefined where the provider gave no answer that says yes or no. */
async function hasTemplate(
  needs: DiscoveryNeeds,
  settings: Settings,
  { provider }: Identity,
  service: string,
): Promise<boolean | undefined> {
  const answer = await ask(needs, `${settings.urlAPI}/v2/domainTemplates/providers/${provider}/services/${service}`)
  if (answer === undefined) return undefined
  if (answer.status >= 200 && answer.status < 300) return true
  return answer.status === 404 ? false : undefined
}

async function ask(needs: DiscoveryNeeds, url: string): Promise<SafeResponse | undefined> {
  const { resolve, allow, ca, signal, timeoutMs = standardTimeoutMs } = needs
  const headers = { accept: "application/json" }
  try {
    return await safeFetch(url, {
      resolve,
      allow,
      timeoutMs,
      maxBytes,
      headers,
      ...(ca === undefined ? {} : { ca }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    if (!(error instanceof SafeFetchError)) throw error
    needs.log.debug("a Domain Connect server gave no answer", { url, reason: error.reason, problem: error.message })
    return undefined
  }
}
