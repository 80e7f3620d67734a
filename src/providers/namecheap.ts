import { isIP } from "node:net"
import { closestZone } from "../hostname"
import { joined, notOfForm, parseParts } from "./credential"
import { type Fields, HttpApi, numberOf } from "./http-api"
import { attributeOf, commandResponse, elementsIn, judgeDocument } from "./namecheap-xml"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { absoluteName, relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, joinMx, splitMx } from "./record-value"

// The API knows a domain's records as a whole: getHosts reads them all, setHosts replaces them all. So every change is
//   1. read everything, with the kind of mail service
//   2. change the hosts of the sets that are wanted, and nothing else
//   3. write everything back, unless nothing changed
// which makes any number of sets one change. Not done: what others write between 1 and 3 is lost, since the API has no condition to write under. And
// what getHosts does not show cannot be kept: SRV records, which the control panel has and the API has not, and whether a host has dynamic DNS.

const domainsAPage = 100
const minTtlSeconds = 60
const maxTtlSeconds = 60_000
const usualTtlSeconds = 1800

/** Namecheap (XML API): all records of a domain in one call; no SRV, and no texts with double quotes. */
export const namecheap: ProviderAdapter = {
  key: "namecheap",
  name: "Namecheap",
  credentialHint: "apiUser:apiKey:clientIp, where clientIp is this server's IPv4 address, put on the whitelist",
  docsUrl: "https://www.namecheap.com/support/api/intro/",
  madeAt: "https://ap.www.namecheap.com/settings/tools/apiaccess/",
  fields: [
    { key: "api_user", label: "API user", hint: "The account's user name." },
    { key: "api_key", label: "API key", isSecret: true },
    {
      key: "client_ip",
      label: "Client IP",
      hint: "This server's public IPv4 address.",
      form: { pattern: /^(\d{1,3}\.){3}\d{1,3}$/, rule: "an IPv4 address, such as 203.0.113.7" },
    },
  ],
  rights: ["API access switched on", "This server's address on the list of whitelisted IPs"],
  compose: joined(":", "api_user", "api_key", "client_ip"),
  open(credential, options = {}) {
    const [user = "", key = "", address = ""] = parseParts(credential, namecheap, 3)
    if (isIP(address) !== 4) throw notOfForm(namecheap)
    const api = new HttpApi({
      provider: "Namecheap",
      baseUrl: options.baseUrl ?? "https://api.namecheap.com",
      headers: { accept: "text/xml, application/xml" },
      secrets: [key],
      judge: judgeDocument,
    })
    return new Namecheap(api, { ApiUser: user, UserName: user, ApiKey: key, ClientIp: address })
  },
}

type Host = { name: string; type: string; address: string; mxPreference: string; ttl: string }

type Hosts = { emailType: string; hosts: Host[] }

class Namecheap implements DnsProvider {
  constructor(
    private api: HttpApi,
    private caller: Record<string, string>,
  ) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const zones: EditableZone[] = []
    for (let page = 1; ; page++) {
      const response = await this.command("domains.getList", { Page: String(page), PageSize: String(domainsAPage) }, signal)
      const domains = elementsIn(response.DomainGetListResult, "Domain")
      for (const domain of domains) {
        const name = canonicalName(attributeOf(domain, "Name"))
        // Others' name servers are asked about a domain that does not use Namecheap's.
        if (attributeOf(domain, "IsOurDNS") !== "false") zones.push({ id: name, name, minTtlSeconds })
      }
      const total = numberOf((response.Paging as Fields | undefined)?.TotalItems, 0)
      if (domains.length === 0 || page * domainsAPage >= total) return closestZone(hostname, zones)
    }
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const at = requireWithin(zone, name)
    const { hosts } = await this.read(zone, signal)
    const own = hosts.filter((host) => host.type === type && absoluteName(zone, host.name) === at)
    return setOf(
      at,
      type,
      own.map((host) => ({ value: valueOf(type, host), ttlSeconds: numberOf(host.ttl, usualTtlSeconds) })),
    )
  }

  replaceSet(zone: EditableZone, set: RecordSet, signal: AbortSignal): Promise<void> {
    return this.replaceSets(zone, [set], signal)
  }

  async replaceSets(zone: EditableZone, given: RecordSet[], signal: AbortSignal): Promise<void> {
    const sets = given.map((set) => setWithin(zone, { ...set, ttlSeconds: ttlWithin(set.ttlSeconds, minTtlSeconds, maxTtlSeconds) }))
    for (const set of sets) requireHoldable(set)
    const { emailType, hosts } = await this.read(zone, signal)
    const isOfSets = (host: Host) => sets.some((set) => set.type === host.type && absoluteName(zone, host.name) === set.name)
    const wanted = sets.flatMap((set) => set.values.map((value) => hostOf(zone, set, value)))
    if (wanted.some(({ type }) => type === "MX")) requireOwnMail(zone, emailType)
    if (isSame(hosts.filter(isOfSets), wanted)) return
    const next = [...hosts.filter((host) => !isOfSets(host)), ...wanted]
    await this.write(zone, { hosts: next, emailType: emailTypeOf(emailType, next) }, signal)
  }

  private async read(zone: EditableZone, signal: AbortSignal): Promise<Hosts> {
    const response = await this.command("domains.dns.getHosts", domainFields(zone), signal)
    const [result] = elementsIn(response, "DomainDNSGetHostsResult")
    // An answer without it would be taken for a domain without records, and written back so.
    if (result === undefined || attributeOf(result, "IsUsingOurDNS") === "") {
      throw new ProviderFault("unreachable", `Namecheap answered without the records of ${zone.name}`)
    }
    if (attributeOf(result, "IsUsingOurDNS") !== "true") {
      throw new ProviderFault("refused", `${zone.name} does not use Namecheap's name servers`)
    }
    const hosts = elementsIn(result, "host", "Host").map((host) => ({
      name: attributeOf(host, "Name"),
      type: attributeOf(host, "Type"),
      address: attributeOf(host, "Address"),
      mxPreference: attributeOf(host, "MXPref"),
      ttl: attributeOf(host, "TTL"),
    }))
    return { emailType: attributeOf(result, "EmailType"), hosts }
  }

  private async write(zone: EditableZone, { emailType, hosts }: Hosts, signal: AbortSignal): Promise<void> {
    const fields: Record<string, string> = domainFields(zone)
    if (emailType !== "") fields.EmailType = emailType
    for (const [index, host] of hosts.entries()) {
      const number = index + 1
      fields[`HostName${number}`] = host.name
      fields[`RecordType${number}`] = host.type
      fields[`Address${number}`] = host.address
      if (host.mxPreference !== "") fields[`MXPref${number}`] = host.mxPreference
      if (host.ttl !== "") fields[`TTL${number}`] = host.ttl
    }
    const response = await this.command("domains.dns.setHosts", fields, signal)
    if (attributeOf(response.DomainDNSSetHostsResult, "IsSuccess") !== "true") {
      throw new ProviderFault("refused", `Namecheap did not take the records of ${zone.name}, and gave no reason`)
    }
  }

  /** By POST, so that the key is in no address, and any number of hosts fits. */
  private async command(command: string, fields: Record<string, string>, signal: AbortSignal): Promise<Fields> {
    const text = new URLSearchParams({ ...this.caller, Command: `namecheap.${command}`, ...fields }).toString()
    const body = { type: "application/x-www-form-urlencoded", text }
    return commandResponse(await this.api.call("POST", "/xml.response", { body, signal, handed: [] }))
  }
}

/**
 * A registered domain is one label below what its registry lets register, such as `example` and `co.uk`. Domains come from Namecheap's own list of
 * registered ones, so the first dot parts them, where a list of public suffixes may know fewer or more suffixes than Namecheap sells names under.
 */
function domainFields({ id }: EditableZone): { SLD: string; TLD: string } {
  const dot = id.indexOf(".")
  return { SLD: id.slice(0, dot), TLD: id.slice(dot + 1) }
}

function requireHoldable({ name, type, values }: RecordSet): void {
  if (type === "SRV" && values.length > 0)
    throw new ProviderFault("refused", `Namecheap's API has no SRV records, which ${name} should have`)
  if (type === "TXT" && values.some((value) => value.includes('"'))) {
    throw new ProviderFault("refused", `Namecheap has no texts with double quotes, which one of ${name} has`)
  }
}

/** With one of Namecheap's mail services a domain has the MX records of that service, and others would take its mail away. */
function requireOwnMail({ name }: EditableZone, emailType: string): void {
  if (!["", "NONE", "MX"].includes(emailType.toUpperCase())) {
    throw new ProviderFault(
      "refused",
      `${name} has mail of the kind ${emailType} at Namecheap, which has to be switched off for MX records`,
    )
  }
}

/** MX records need a mail service of that name, and it needs them. */
function emailTypeOf(present: string, hosts: Host[]): string {
  const hasMx = hosts.some(({ type }) => type === "MX")
  if (["", "NONE"].includes(present.toUpperCase())) return hasMx ? "MX" : present
  return present.toUpperCase() === "MX" && !hasMx ? "NONE" : present
}

function hostOf(zone: EditableZone, { name, type, ttlSeconds }: RecordSet, value: string): Host {
  const common = { name: relativeName(zone, name), type, ttl: String(ttlSeconds) }
  if (type !== "MX") return { ...common, address: value, mxPreference: "" }
  const { preference, host } = splitMx(value)
  return { ...common, address: host, mxPreference: String(preference) }
}

const valueOf = (type: RecordSetType, { address, mxPreference }: Host) =>
  type === "MX" ? joinMx({ preference: numberOf(mxPreference, 0), host: address }) : canonicalValue(type, address)

function isSame(present: Host[], wanted: Host[]): boolean {
  const keyOf = (host: Host) => JSON.stringify([host.name.toLowerCase(), host.type, host.ttl, valueOf(host.type as RecordSetType, host)])
  const keys = new Set(present.map(keyOf))
  return present.length === wanted.length && wanted.every((host) => keys.has(keyOf(host)))
}
