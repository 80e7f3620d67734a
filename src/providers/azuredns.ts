import { isWithin } from "../hostname"
import { notOfForm, parseCredentialObject } from "./credential"
import { type ApiAnswer, type Fields, fieldsOf, type Judgement, numberOf, textOf } from "./http-api"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { relativeName, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, joinCaa, joinMx, joinSrv, splitCaa, splitMx, splitSrv } from "./record-value"
import { TokenApi } from "./token-api"

const apiVersion = "2018-05-01"
const maxTtlSeconds = 2_147_483_647
const stringOctets = 255
const keys = ["tenant_id", "client_id", "client_secret", "subscription_id", "resource_group"] as const

/** Azure DNS (API 2018-05-01): public zones of one resource group; each record set is written as one, and only as it was read. */
export const azuredns: ProviderAdapter = {
  key: "azuredns",
  name: "Azure DNS",
  credentialHint:
    '{"tenant_id":"…","client_id":"…","client_secret":"…","subscription_id":"…","resource_group":"…"} of an app with the role DNS Zone Contributor',
  docsUrl: "https://learn.microsoft.com/en-us/azure/dns/dns-sdk#create-a-service-principal-account",
  fields: [
    { key: "tenant_id", label: "Directory (tenant) ID", form: { pattern: /^[\w.-]+$/, rule: "letters, digits, dots and dashes" } },
    { key: "client_id", label: "Application (client) ID" },
    { key: "client_secret", label: "Client secret", hint: "Its value, which Azure shows once, and not its ID.", isSecret: true },
    { key: "subscription_id", label: "Subscription ID", form: { pattern: /^[\w.-]+$/, rule: "letters, digits, dots and dashes" } },
    {
      key: "resource_group",
      label: "Resource group",
      hint: "The one that holds the zone.",
      form: { pattern: /^[^\p{Cc}]{1,90}$/u, rule: "the name of a resource group" },
    },
  ],
  rights: ["The role DNS Zone Contributor on the zone, for the registered application"],
  compose: (values) => JSON.stringify(values),
  open(credential, options = {}) {
    const given = parseCredentialObject(credential, azuredns, keys)
    const isName = (text: string) => /^[\w.-]+$/.test(text)
    if (!isName(given.tenant_id) || !isName(given.subscription_id)) throw notOfForm(azuredns)
    const group = `/subscriptions/${given.subscription_id}/resourceGroups/${encodeURIComponent(given.resource_group)}`
    return new AzureDns(
      new TokenApi({
        provider: "Azure DNS",
        tokenUrl: { base: options.baseUrl ?? "https://login.microsoftonline.com", path: `/${given.tenant_id}/oauth2/v2.0/token` },
        form: () => ({
          grant_type: "client_credentials",
          client_id: given.client_id,
          client_secret: given.client_secret,
          scope: "https://management.azure.com/.default",
        }),
        secrets: [given.client_secret],
        baseUrl: `${options.baseUrl ?? "https://management.azure.com"}${group}/providers/Microsoft.Network`,
        judge,
      }),
    )
  },
}

class AzureDns implements DnsProvider {
  constructor(private api: TokenApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    let best: EditableZone | undefined
    let skipToken: string | undefined
    do {
      const query = { "api-version": apiVersion, $top: 100, $skiptoken: skipToken }
      const answer = await this.api.call("GET", "/dnsZones", { query, signal, handed: [] })
      for (const zone of answer.list("value").map(zoneOf)) {
        if (zone && isWithin(hostname, zone.name) && zone.name.length > (best?.name.length ?? 0)) best = zone
      }
      skipToken = nextToken(answer.object().nextLink)
    } while (skipToken !== undefined)
    return best
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const present = await this.present(zone, name, type, signal)
    const properties = fieldsOf(present?.properties)
    const ttlSeconds = numberOf(properties.TTL, 0)
    return setOf(
      name,
      type,
      valuesOf(type, properties).map((value) => ({ value, ttlSeconds })),
    )
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, 1, maxTtlSeconds) })
    const present = await this.present(zone, set.name, set.type, signal)
    if (set.values.length === 0 && present === undefined) return
    // Only what was read is overwritten; else whoever changed it meanwhile would lose.
    const headers: Record<string, string> =
      present === undefined ? { "if-none-match": "*" } : textOf(present.etag) === "" ? {} : { "if-match": textOf(present.etag) }
    const call = { query: { "api-version": apiVersion }, headers, signal, handed: [] }
    const path = pathOf(zone, set.name, set.type)
    if (set.values.length === 0) return void (await this.api.call("DELETE", path, call))
    // The set is replaced with all that belongs to it, so what others have noted there goes along.
    const { metadata } = fieldsOf(present?.properties)
    const properties = { TTL: set.ttlSeconds, metadata, ...recordsOf(set) }
    await this.api.call("PUT", path, { ...call, json: { properties } })
  }

  /** The set as the API shows it; throws `refused` where it is an alias of an Azure resource. */
  private async present(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<Fields | undefined> {
    const answer = await this.api.call("GET", pathOf(zone, name, type), { query: { "api-version": apiVersion }, signal })
    if (answer.status === 404) return undefined
    const set = answer.object()
    if (textOf(fieldsOf(fieldsOf(set.properties).targetResource).id) !== "") {
      throw new ProviderFault("refused", `${name} has an alias of an Azure resource as its ${type}, which has to be removed there first`)
    }
    return set
  }
}

const pathOf = (zone: EditableZone, name: string, type: RecordSetType) =>
  `/dnsZones/${encodeURIComponent(zone.id)}/${type}/${encodeURIComponent(relativeName(zone, name))}`

function zoneOf({ name, properties }: Fields): EditableZone | undefined {
  const { nameServers, zoneType } = fieldsOf(properties)
  if (zoneType === "Private") return undefined
  const servers = Array.isArray(nameServers) ? nameServers.map((server) => canonicalName(textOf(server))) : undefined
  return { id: textOf(name), name: canonicalName(textOf(name)), nameServers: servers }
}

/** What the link to the next page says of where it begins; the link itself is not followed, since the access token would go where it points. */
function nextToken(link: unknown): string | undefined {
  if (textOf(link) === "") return undefined
  const token = URL.parse(textOf(link))?.searchParams.get("$skiptoken")
  if (!token) throw new ProviderFault("unreachable", "Azure DNS answered with a link to a next page that does not say where it begins")
  return token
}

function recordsOf({ type, values }: RecordSet): Fields {
  if (type === "A") return { ARecords: values.map((ipv4Address) => ({ ipv4Address })) }
  if (type === "AAAA") return { AAAARecords: values.map((ipv6Address) => ({ ipv6Address })) }
  if (type === "TXT") return { TXTRecords: values.map((value) => ({ value: stringsOf(value) })) }
  if (type === "MX") return { MXRecords: values.map(splitMx).map(({ preference, host }) => ({ preference, exchange: host })) }
  if (type === "SRV") {
    return {
      SRVRecords: values.map(splitSrv).map(({ priority, weight, port, host }) => ({ priority, weight, port, target: host })),
    }
  }
  if (type === "CAA") return { caaRecords: values.map(splitCaa).map(({ flags, tag, text }) => ({ flags, tag, value: text })) }
  const [cname, ...more] = values
  if (more.length > 0) throw new ProviderFault("refused", "a name can have one CNAME only")
  return { CNAMERecord: { cname } }
}

function valuesOf(type: RecordSetType, properties: Fields): string[] {
  const list = (key: string) => (Array.isArray(properties[key]) ? properties[key].map(fieldsOf) : [])
  const number = (value: unknown) => numberOf(value, 0)
  if (type === "A") return list("ARecords").map(({ ipv4Address }) => textOf(ipv4Address))
  if (type === "AAAA") return list("AAAARecords").map(({ ipv6Address }) => textOf(ipv6Address))
  if (type === "TXT") return list("TXTRecords").map(({ value }) => (Array.isArray(value) ? value.map(textOf).join("") : textOf(value)))
  if (type === "MX") {
    return list("MXRecords").map(({ preference, exchange }) => joinMx({ preference: number(preference), host: textOf(exchange) }))
  }
  if (type === "SRV") {
    return list("SRVRecords").map(({ priority, weight, port, target }) =>
      joinSrv({ priority: number(priority), weight: number(weight), port: number(port), host: textOf(target) }),
    )
  }
  if (type === "CAA") {
    return list("caaRecords").map(({ flags, tag, value }) => joinCaa({ flags: number(flags), tag: textOf(tag), text: textOf(value) }))
  }
  const cname = textOf(fieldsOf(properties.CNAMERecord).cname)
  return cname === "" ? [] : [cname]
}

/** The text in strings of at most 255 octets, none of which ends inside a character. */
function stringsOf(text: string): string[] {
  const strings: string[] = []
  let string = ""
  for (const char of text) {
    if (Buffer.byteLength(string + char) > stringOctets) {
      strings.push(string)
      string = ""
    }
    string += char
  }
  return [...strings, string]
}

function judge({ status }: ApiAnswer): Judgement | undefined {
  // Somebody else changed the set after it was read: to do it again reads what is there now.
  return status === 412 ? { reason: "unreachable" } : undefined
}
