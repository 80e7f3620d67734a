import { AwsV4Signer } from "aws4fetch"
import { zoneNamesAround } from "../hostname"
import { joined, notOfForm, parseParts } from "./credential"
import { type CallOptions, fieldsOf, HttpApi, numberOf, textOf } from "./http-api"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, quoteText, unquoteText, zoneFileValue } from "./record-value"
import { type Change, changeDocument, documentIn, elementsAt, judgeErrorDocument } from "./route53-xml"

const maxTtlSeconds = 2_147_483_647

/** Each partition of AWS has one endpoint, which takes signatures for one region, whatever region the credential names. */
const partitions = [
  { regions: /^cn-/, baseUrl: "https://route53.amazonaws.com.cn", signingRegion: "cn-northwest-1" },
  { regions: /^us-gov-/, baseUrl: "https://route53.us-gov.amazonaws.com", signingRegion: "us-gov-west-1" },
  { regions: /^/, baseUrl: "https://route53.amazonaws.com", signingRegion: "us-east-1" },
]

/** Amazon Route 53 (API 2013-04-01): public hosted zones; simple record sets, which change in one batch; aliases and routing policies are left alone. */
export const route53: ProviderAdapter = {
  key: "route53",
  name: "Amazon Route 53",
  credentialHint: "accessKeyId:secretAccessKey or accessKeyId:secretAccessKey:region, of an IAM user that may change this hosted zone only",
  docsUrl: "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html",
  madeAt: "https://console.aws.amazon.com/iam/home#/users",
  fields: [
    { key: "access_key_id", label: "Access key ID", form: { pattern: /^\w+$/, rule: "letters and digits" } },
    {
      key: "secret_access_key",
      label: "Secret access key",
      isSecret: true,
      form: { pattern: /^[^\s:]+$/, rule: "characters without blanks and colons" },
    },
    {
      key: "region",
      label: "Region",
      hint: "us-east-1 where it is left out.",
      isOptional: true,
      form: { pattern: /^[a-z]{2}(-[a-z]+)+-\d+$/, rule: "a region, such as eu-central-1" },
    },
  ],
  rights: [
    "route53:ListHostedZonesByName",
    "route53:ListResourceRecordSets on the hosted zone",
    "route53:ChangeResourceRecordSets on the hosted zone",
  ],
  compose: joined(":", "access_key_id", "secret_access_key", "region"),
  open(credential, options = {}) {
    const [accessKeyId = "", secretAccessKey = "", region = "us-east-1"] = parseParts(credential, route53, 2, 3)
    const partition = partitions.find(({ regions }) => regions.test(region))
    if (!/^\w+$/.test(accessKeyId) || !/^[a-z]{2}(-[a-z]+)+-\d+$/.test(region) || partition === undefined) throw notOfForm(route53)
    return new Route53(
      new HttpApi({
        provider: "Route 53",
        baseUrl: options.baseUrl ?? partition.baseUrl,
        headers: { accept: "application/xml" },
        secrets: [secretAccessKey, accessKeyId],
        sign: async ({ method, url, body }) => {
          const keys = { accessKeyId, secretAccessKey, service: "route53", region: partition.signingRegion }
          const signed = await new AwsV4Signer({ ...keys, method, url: url.href, body }).sign()
          return Object.fromEntries(signed.headers)
        },
        judge: judgeErrorDocument,
      }),
    )
  },
}

class Route53 implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    for (const name of zoneNamesAround(hostname)) {
      const ids = await this.publicZones(name, signal)
      if (ids.length > 1) {
        throw new ProviderFault(
          "refused",
          `this account has ${ids.length} public hosted zones named ${name}, so it is not clear which to edit`,
        )
      }
      const [id] = ids
      if (id !== undefined) return { id, name, nameServers: await this.nameServers(id, signal) }
    }
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const present = await this.present(zone, requireWithin(zone, name), type, signal)
    const { ttlSeconds = 0, values = [] } = present ?? {}
    return setOf(
      name,
      type,
      values.map((value) => ({ value: plainValue(type, value), ttlSeconds })),
    )
  }

  replaceSet(zone: EditableZone, set: RecordSet, signal: AbortSignal): Promise<void> {
    return this.replaceSets(zone, [set], signal)
  }

  async replaceSets(zone: EditableZone, given: RecordSet[], signal: AbortSignal): Promise<void> {
    const removals: Change[] = []
    const writes: Change[] = []
    for (const one of given) {
      const set = setWithin(zone, { ...one, ttlSeconds: ttlWithin(one.ttlSeconds, 0, maxTtlSeconds) })
      const present = await this.present(zone, set.name, set.type, signal)
      const values = set.values.map((value) => (set.type === "TXT" ? quoteText(value, 8) : zoneFileValue(set.type, value)))
      // A removal has to repeat the set as it is there, to the letter.
      if (values.length > 0) writes.push({ action: "UPSERT", set: { ...set, values } })
      else if (present) removals.push({ action: "DELETE", set: present })
    }
    // The batch is checked in its order: a CNAME has to be gone before addresses of its name are there.
    const changes = [...removals, ...writes]
    if (changes.length === 0) return
    const body = { type: "application/xml", text: changeDocument(changes) }
    await this.call("POST", `/2013-04-01/hostedzone/${encodeURIComponent(zone.id)}/rrset`, { body, signal })
  }

  /** The ids of the public hosted zones of that very name. */
  private async publicZones(name: string, signal: AbortSignal): Promise<string[]> {
    const ids: string[] = []
    let query: CallOptions["query"] = { dnsname: `${name}.`, maxitems: 100 }
    for (;;) {
      const answer = await this.call("GET", "/2013-04-01/hostedzonesbyname", { query, signal })
      const page = documentIn(answer, "ListHostedZonesByNameResponse")
      for (const zone of elementsAt(page, "HostedZones", "HostedZone").map(fieldsOf)) {
        const isPublic = textOf(fieldsOf(zone.Config).PrivateZone) !== "true"
        if (isPublic && domainName(zone.Name) === name) ids.push(textOf(zone.Id).replace(/^\/hostedzone\//, ""))
      }
      // Zones come in the order of their names, those of one name by their ids.
      if (textOf(page.IsTruncated) !== "true" || domainName(page.NextDNSName) !== name) return ids
      query = { dnsname: textOf(page.NextDNSName), hostedzoneid: textOf(page.NextHostedZoneId), maxitems: 100 }
    }
  }

  private async nameServers(id: string, signal: AbortSignal): Promise<string[]> {
    const answer = await this.call("GET", `/2013-04-01/hostedzone/${encodeURIComponent(id)}`, { signal })
    const servers = elementsAt(documentIn(answer, "GetHostedZoneResponse"), "DelegationSet", "NameServers", "NameServer")
    return servers.map((server) => canonicalName(textOf(server)))
  }

  /** The set as it is there, its values as Route 53 has them; throws `refused` where it is none of plain records. */
  private async present(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    // The list begins at this name and type, or at the next one after it.
    const query = { name: `${name}.`, type, maxitems: 1 }
    const answer = await this.call("GET", `/2013-04-01/hostedzone/${encodeURIComponent(zone.id)}/rrset`, { query, signal })
    const list = elementsAt(documentIn(answer, "ListResourceRecordSetsResponse"), "ResourceRecordSets", "ResourceRecordSet")
    const found = list.map(fieldsOf).find((set) => domainName(set.Name) === name && textOf(set.Type) === type)
    if (found === undefined) return undefined
    if (found.AliasTarget !== undefined) throw this.leftAlone(name, type, "an alias")
    if (found.SetIdentifier !== undefined) throw this.leftAlone(name, type, "a record with a routing policy")
    const values = elementsAt(found, "ResourceRecords", "ResourceRecord").map((record) => textOf(fieldsOf(record).Value))
    return { name, type, ttlSeconds: numberOf(found.TTL, 0), values }
  }

  private leftAlone(name: string, type: RecordSetType, what: string): ProviderFault {
    return new ProviderFault("refused", `${name} has ${what} of type ${type} at Route 53, which has to be removed there first`)
  }

  private call(method: string, path: string, options: CallOptions) {
    return this.api.call(method, path, { handed: [], ...options })
  }
}

/** A name in the API's form, which has octets such as `*` in three octal digits. */
function domainName(name: unknown): string {
  return canonicalName(textOf(name).replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))))
}

const plainValue = (type: RecordSetType, value: string) => (type === "TXT" ? unquoteText(value, 8) : canonicalValue(type, value))
