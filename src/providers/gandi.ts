import { closestZone } from "../hostname"
import { parseToken } from "./credential"
import { HttpApi, numberOf, textOf } from "./http-api"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { relativeName, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, fromZoneFile, zoneFileValue } from "./record-value"

const minTtlSeconds = 300
const maxTtlSeconds = 2_592_000
const usualTtlSeconds = 10_800
const domainsPerPage = 100
const maxPages = 100

/** Gandi LiveDNS (https://api.gandi.net/docs/livedns): record sets, each replaced by one call. */
export const gandi: ProviderAdapter = {
  key: "gandi",
  name: "Gandi LiveDNS",
  credentialHint: "a personal access token with the right to manage domain name technical configurations, or an older API key",
  docsUrl: "https://docs.gandi.net/en/managing_an_organization/organizations/personal_access_token.html",
  fields: [
    {
      key: "token",
      label: "Personal access token",
      isSecret: true,
      hint: "An API key of 24 characters is taken too, which Gandi is ending.",
    },
  ],
  rights: ["Manage domain name technical configurations"],
  open(credential, options = {}) {
    const token = parseToken(credential, gandi)
    // The older keys are 24 letters and digits, and go under a word of their own.
    const scheme = /^[A-Za-z0-9]{24}$/.test(token) ? "Apikey" : "Bearer"
    return new Gandi(
      new HttpApi({
        provider: "Gandi",
        baseUrl: options.baseUrl ?? "https://api.gandi.net/v5/livedns",
        headers: { authorization: `${scheme} ${token}` },
        secrets: [token],
      }),
    )
  },
}

class Gandi implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const zones: EditableZone[] = []
    for (let page = 1; page <= maxPages; page++) {
      const query = { page, per_page: domainsPerPage }
      const domains = (await this.api.call("GET", "/domains", { query, signal, handed: [] })).list()
      for (const { fqdn } of domains) zones.push({ id: canonicalName(textOf(fqdn)), name: canonicalName(textOf(fqdn)) })
      if (domains.length < domainsPerPage) break
    }
    return closestZone(hostname, zones)
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const answer = await this.api.call("GET", pathOf(zone, name, type), { signal })
    if (answer.status === 404) return undefined
    const { rrset_values: values, rrset_ttl: ttl } = answer.object()
    const texts = Array.isArray(values) ? values.map(textOf) : []
    const ttlSeconds = numberOf(ttl, usualTtlSeconds)
    return setOf(
      name,
      type,
      texts.map((text) => ({ value: fromZoneFile(type, text), ttlSeconds })),
    )
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, given)
    const path = pathOf(zone, set.name, set.type)
    if (set.values.length === 0) {
      await this.api.call("DELETE", path, { signal })
      return
    }
    const json = {
      rrset_ttl: ttlWithin(set.ttlSeconds, minTtlSeconds, maxTtlSeconds),
      rrset_values: set.values.map((value) => zoneFileValue(set.type, value)),
    }
    await this.api.call("PUT", path, { json, signal, handed: [] })
  }
}

const pathOf = (zone: EditableZone, name: string, type: RecordSetType) => `/domains/${zone.id}/records/${relativeName(zone, name)}/${type}`
