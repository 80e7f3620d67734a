import { setTimeout as sleep } from "node:timers/promises"
import { zoneNamesAround } from "../hostname"
import { parseToken } from "./credential"
import { type ApiAnswer, fieldsOf, HttpApi, type Judgement, numberOf, textOf } from "./http-api"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { haveSameValues, relativeName, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, fromZoneFile, zoneFileValue } from "./record-value"

// Hetzner has moved DNS from dns.hetzner.com, whose API and tokens ended in May 2026, to the Cloud API. There a set is made, its records are set,
// or it is removed, each by one call; another TTL is one more call. A call only starts an action, which is waited for.

const minTtlSeconds = 60
const maxTtlSeconds = 2_147_483_647
const usualTtlSeconds = 3600
const actionPollMs = 300

/** Hetzner Cloud DNS (https://docs.hetzner.cloud/reference/cloud#dns). */
export const hetzner: ProviderAdapter = {
  key: "hetzner",
  name: "Hetzner",
  credentialHint:
    "an API token of the Hetzner Cloud project that holds the zone, with read and write access (tokens of dns.hetzner.com have ended)",
  docsUrl: "https://docs.hetzner.com/cloud/api/getting-started/generating-api-token/",
  fields: [
    {
      key: "token",
      label: "API token",
      isSecret: true,
      hint: "Of the Hetzner Cloud project that holds the zone; those of dns.hetzner.com have ended.",
    },
  ],
  rights: ["Read & Write"],
  open(credential, options = {}) {
    const token = parseToken(credential, hetzner)
    return new Hetzner(
      new HttpApi({
        provider: "Hetzner",
        baseUrl: options.baseUrl ?? "https://api.hetzner.cloud/v1",
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        judge,
      }),
    )
  },
}

class Hetzner implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    for (const name of zoneNamesAround(hostname)) {
      const answer = await this.api.call("GET", `/zones/${name}`, { signal })
      if (answer.status === 404) continue
      const zone = fieldsOf(answer.object().zone)
      // A secondary zone is a copy of another server's.
      if (zone.mode === "secondary") return undefined
      const { assigned } = fieldsOf(zone.authoritative_nameservers)
      return {
        id: textOf(zone.id),
        name,
        nameServers: Array.isArray(assigned) ? assigned.map((one) => canonicalName(textOf(one))) : undefined,
      }
    }
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const answer = await this.api.call("GET", pathOf(zone, name, type), { signal })
    if (answer.status === 404) return undefined
    const { records, ttl } = fieldsOf(answer.object().rrset)
    const values = Array.isArray(records) ? records.map((record) => textOf(fieldsOf(record).value)) : []
    const ttlSeconds = numberOf(ttl, usualTtlSeconds)
    return setOf(
      name,
      type,
      values.map((value) => ({ value: fromZoneFile(type, value), ttlSeconds })),
    )
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, given)
    const ttl = ttlWithin(set.ttlSeconds, minTtlSeconds, maxTtlSeconds)
    const records = set.values.map((value) => ({ value: zoneFileValue(set.type, value) }))
    const path = pathOf(zone, set.name, set.type)
    const present = await this.readSet(zone, set.name, set.type, signal)
    if (present === undefined) {
      const json = { name: relativeName(zone, set.name), type: set.type, ttl, records }
      if (records.length > 0) await this.act("POST", `/zones/${zone.id}/rrsets`, json, signal)
    } else if (records.length === 0) {
      await this.act("DELETE", path, undefined, signal)
    } else {
      if (!haveSameValues(present.values, set.values)) await this.act("POST", `${path}/actions/set_records`, { records }, signal)
      if (present.ttlSeconds !== ttl) await this.act("POST", `${path}/actions/change_ttl`, { ttl }, signal)
    }
  }

  private async act(method: string, path: string, json: unknown, signal: AbortSignal): Promise<void> {
    const answer = await this.api.call(method, path, { json, signal, handed: method === "DELETE" ? [404] : [] })
    if (answer.status === 404) return
    let action = fieldsOf(answer.object().action)
    while (action.status === "running") {
      await sleep(actionPollMs, undefined, { signal }).catch(() => {
        throw this.api.fault("unreachable", "Hetzner had not finished the change when the time was up")
      })
      action = fieldsOf((await this.api.call("GET", `/actions/${textOf(action.id)}`, { signal, handed: [] })).object().action)
    }
    if (action.status === "error")
      throw this.api.fault("refused", `Hetzner could not finish the change: ${textOf(fieldsOf(action.error).message)}`)
  }
}

/** What is locked by another change, or was changed in between, is so for a moment. */
function judge(answer: ApiAnswer): Judgement | undefined {
  if (answer.status < 400) return undefined
  const { code } = fieldsOf(fieldsOf(answer.value()).error)
  return code === "locked" || code === "conflict" ? { reason: "unreachable" } : undefined
}

const pathOf = (zone: EditableZone, name: string, type: RecordSetType) => `/zones/${zone.id}/rrsets/${relativeName(zone, name)}/${type}`
