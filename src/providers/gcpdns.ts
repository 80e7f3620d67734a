import { AppError } from "../errors"
import { createPrivateKey, type KeyObject } from "node:crypto"
import { SignJWT } from "jose"
import { isWithin, zoneNamesAround } from "../hostname"
import { notOfForm, parseCredentialObject } from "./credential"
import { type ApiAnswer, type Fields, fieldsOf, type Judgement, numberOf, textOf } from "./http-api"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, fromZoneFile, zoneFileValue } from "./record-value"
import { TokenApi } from "./token-api"

const tokenUrl = "https://oauth2.googleapis.com/token"
const scope = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
const assertionLifeSeconds = 3600
const maxTtlSeconds = 2_147_483_647

/** Google Cloud DNS (API v1): public managed zones of one project; each change takes old sets away and puts new ones in as one. */
export const gcpdns: ProviderAdapter = {
  key: "gcpdns",
  name: "Google Cloud DNS",
  credentialHint:
    'the JSON key of a service account with the role DNS Administrator, to which "managed_zone" and another "project_id" may be added',
  docsUrl: "https://cloud.google.com/iam/docs/keys-create-delete",
  madeAt: "https://console.cloud.google.com/iam-admin/serviceaccounts",
  fields: [
    {
      key: "service_account_key",
      label: "Service account key",
      hint: "The whole JSON file.",
      isSecret: true,
      isLong: true,
      form: { pattern: /^\{[^]*\}$/, rule: "the JSON file of a service account's key" },
    },
    { key: "managed_zone", label: "Managed zone", hint: "Where only one zone may be edited: its name.", isOptional: true },
    { key: "project_id", label: "Project ID", hint: "Where the zone is in another project than the service account.", isOptional: true },
  ],
  rights: ["The role DNS Administrator, on the project or the zone"],
  compose: composeKey,
  open(credential, options = {}) {
    const account = parseCredentialObject(
      credential,
      gcpdns,
      ["client_email", "private_key"],
      ["private_key_id", "project_id", "managed_zone"],
    )
    const key = parseKey(account.private_key)
    const project = account.project_id ?? /@([a-z0-9-]+)\.iam\.gserviceaccount\.com$/.exec(account.client_email)?.[1]
    if (project === undefined) throw notOfForm(gcpdns)
    // `token_uri` and its like are not read from the credential: whoever brings it would choose where this server sends requests.
    const api = new TokenApi({
      provider: "Google Cloud DNS",
      tokenUrl: { base: options.baseUrl ?? new URL(tokenUrl).origin, path: "/token" },
      form: async () => ({
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion: await new SignJWT({ scope })
          .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: account.private_key_id })
          .setIssuer(account.client_email)
          .setAudience(tokenUrl)
          .setIssuedAt()
          .setExpirationTime(`${assertionLifeSeconds}s`)
          .sign(key),
      }),
      secrets: [account.private_key],
      baseUrl: `${options.baseUrl ?? "https://dns.googleapis.com"}/dns/v1/projects/${encodeURIComponent(project)}`,
      judge,
    })
    return new GcpDns(api, account.managed_zone)
  },
}

class GcpDns implements DnsProvider {
  constructor(
    private api: TokenApi,
    private managedZone: string | undefined,
  ) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    if (this.managedZone !== undefined) {
      const zone = await this.api.call("GET", `/managedZones/${encodeURIComponent(this.managedZone)}`, { signal, handed: [] })
      const found = zoneOf(zone.object())
      return isWithin(hostname, found.name) ? found : undefined
    }
    for (const name of zoneNamesAround(hostname)) {
      const zones = (await this.list("/managedZones", "managedZones", { dnsName: `${name}.` }, signal)).filter(
        ({ dnsName, visibility }) => canonicalName(textOf(dnsName)) === name && visibility !== "private",
      )
      if (zones.length > 1) {
        throw new ProviderFault(
          "refused",
          `this project has ${zones.length} public zones for ${name}: add "managed_zone" to the credential, with the name of the one to edit`,
        )
      }
      if (zones[0] !== undefined) return zoneOf(zones[0])
    }
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const present = await this.present(zone, requireWithin(zone, name), type, signal)
    return present && plainSet(present, type)
  }

  replaceSet(zone: EditableZone, set: RecordSet, signal: AbortSignal): Promise<void> {
    return this.replaceSets(zone, [set], signal)
  }

  async replaceSets(zone: EditableZone, given: RecordSet[], signal: AbortSignal): Promise<void> {
    const additions: Fields[] = []
    const deletions: Fields[] = []
    for (const one of given) {
      const set = setWithin(zone, { ...one, ttlSeconds: ttlWithin(one.ttlSeconds, 0, maxTtlSeconds) })
      const present = await this.present(zone, set.name, set.type, signal)
      if (present && isSame(plainSet(present, set.type), set)) continue
      // A deletion has to repeat the set as it is there, to the letter.
      if (present) deletions.push(present)
      const rrdatas = set.values.map((value) => zoneFileValue(set.type, value))
      if (rrdatas.length > 0) additions.push({ name: `${set.name}.`, type: set.type, ttl: set.ttlSeconds, rrdatas })
    }
    if (additions.length + deletions.length === 0) return
    await this.api.call("POST", `/managedZones/${encodeURIComponent(zone.id)}/changes`, {
      json: { additions, deletions },
      signal,
      handed: [],
    })
  }

  /** The set as the API shows it; throws `refused` where it is none of plain records. */
  private async present(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<Fields | undefined> {
    const path = `/managedZones/${encodeURIComponent(zone.id)}/rrsets`
    const found = (await this.list(path, "rrsets", { name: `${name}.`, type }, signal)).find(
      (set) => canonicalName(textOf(set.name)) === name && set.type === type,
    )
    if (found?.routingPolicy !== undefined) {
      throw new ProviderFault("refused", `${name} has a record of type ${type} with a routing policy, which has to be removed there first`)
    }
    return found && { name: found.name, type: found.type, ttl: found.ttl, rrdatas: found.rrdatas }
  }

  private async list(path: string, key: string, query: Record<string, string>, signal: AbortSignal): Promise<Fields[]> {
    const items: Fields[] = []
    let pageToken: string | undefined
    do {
      const answer = await this.api.call("GET", path, { query: { ...query, pageToken }, signal, handed: [] })
      const page = answer.object()
      // An empty list is left out.
      if (page[key] !== undefined) items.push(...answer.list(key))
      pageToken = textOf(page.nextPageToken) || undefined
    } while (pageToken !== undefined)
    return items
  }
}

function zoneOf({ name, dnsName, nameServers }: Fields): EditableZone {
  const servers = Array.isArray(nameServers) ? nameServers.map((server) => canonicalName(textOf(server))) : undefined
  return { id: textOf(name), name: canonicalName(textOf(dnsName)), nameServers: servers }
}

function plainSet({ name, ttl, rrdatas }: Fields, type: RecordSetType): RecordSet | undefined {
  const values = Array.isArray(rrdatas) ? rrdatas.map(textOf) : []
  return setOf(
    textOf(name),
    type,
    values.map((value) => ({ value: fromZoneFile(type, value), ttlSeconds: numberOf(ttl, 0) })),
  )
}

const isSame = (one: RecordSet | undefined, other: RecordSet) =>
  one !== undefined &&
  one.ttlSeconds === other.ttlSeconds &&
  one.values.length === other.values.length &&
  one.values.every((value) => other.values.includes(value))

function parseKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === "rsa") return key
  } catch {
    // Refused below, as a key of another kind.
  }
  throw notOfForm(gcpdns)
}

function judge(answer: ApiAnswer): Judgement | undefined {
  if (answer.status < 400) return undefined
  const error = fieldsOf(fieldsOf(answer.value()).error)
  const details = Array.isArray(error.errors) ? error.errors.map(fieldsOf) : []
  const reasons = details.map(({ reason }) => textOf(reason))
  const words = [textOf(error.message), ...reasons.map((reason) => `(${reason})`)].join(" ").trim() || undefined
  if (reasons.some((reason) => /^(user)?rateLimitExceeded$/i.test(reason))) return { reason: "rate_limited", words }
  // Somebody else changed the set after it was read: to do it again reads what is there now.
  if (answer.status === 412 || reasons.includes("alreadyExists")) return { reason: "unreachable", words }
  return { words }
}

/** The file, with what was added to it beside. */
function composeKey({ service_account_key: file = "", ...more }: Record<string, string>): string {
  try {
    return JSON.stringify(Object.assign(JSON.parse(file) as object, more))
  } catch {
    throw new AppError("invalid", "fields.service_account_key: the Service account key must be the JSON file of a service account's key")
  }
}
