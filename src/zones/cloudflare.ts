import { canonicalHost } from "../hostname"
import { automaticTtl, CloudflareApi, valueOf } from "../providers/cloudflare-api"
import { ProviderFault } from "../providers/provider"
import { canonicalName } from "../providers/record-value"
import { maxZones, ProviderError, type ProviderZone, type ZoneProvider } from "./provider"

const zonesPerPage = 50
/** The shortest that the API takes. */
const txtTtlSeconds = 60

/** The zones of a person's Cloudflare token and the CNAMEs in them, by the adapter that DNS providers share; `timeoutMs` limits each method as a whole. */
export class CloudflareProvider implements ZoneProvider {
  private readonly baseUrl: string | undefined
  private readonly timeoutMs: number

  constructor(options: { baseUrl?: string; timeoutMs?: number } = {}) {
    this.baseUrl = options.baseUrl
    this.timeoutMs = options.timeoutMs ?? 15_000
  }

  listZones(token: string, options: { timeoutMs?: number } = {}): Promise<ProviderZone[]> {
    return this.ask(token, options.timeoutMs ?? this.timeoutMs, async (api, signal) => {
      const found: ProviderZone[] = []
      for (let page = 1; found.length < maxZones; page++) {
        const { zones, perPage = zonesPerPage } = await api.zones({ page, per_page: zonesPerPage }, signal)
        for (const zone of zones) {
          const name = canonicalHost(zone.name)
          if (name !== undefined) found.push({ id: zone.id, name, proven: zone.status === "active" && zone.type !== "internal" })
        }
        if (zones.length < perPage) break
      }
      return found.slice(0, maxZones)
    })
  }

  upsertCname(token: string, zoneId: string, host: string, target: string): Promise<void> {
    return this.ask(token, this.timeoutMs, async (api, signal) => {
      const name = canonicalName(host)
      const set = (type: "A" | "AAAA" | "CNAME", ...values: string[]) => ({ name, type, ttlSeconds: automaticTtl, values })
      await api.replace(zoneId, [set("A"), set("AAAA"), set("CNAME", canonicalName(target))], signal)
    })
  }

  removeCname(token: string, zoneId: string, host: string, target: string): Promise<boolean> {
    return this.ask(token, this.timeoutMs, async (api, signal) => {
      const records = await api.recordsAt(zoneId, host, signal)
      const ours = records.filter((record) => record.type === "CNAME" && valueOf(record) === canonicalName(target))
      return api.delete(
        zoneId,
        ours.map(({ id }) => id),
        signal,
      )
    })
  }

  addTxt(token: string, zoneId: string, name: string, text: string): Promise<void> {
    return this.ask(token, this.timeoutMs, async (api, signal) => {
      const records = await api.recordsAt(zoneId, name, signal)
      if (records.some((record) => record.type === "TXT" && valueOf(record) === text)) return
      await api.add(zoneId, { name: canonicalName(name), type: "TXT", ttlSeconds: txtTtlSeconds, values: [text] }, signal)
    })
  }

  removeTxt(token: string, zoneId: string, name: string, text: string): Promise<boolean> {
    return this.ask(token, this.timeoutMs, async (api, signal) => {
      const records = await api.recordsAt(zoneId, name, signal)
      const ours = records.filter((record) => record.type === "TXT" && valueOf(record) === text)
      return api.delete(
        zoneId,
        ours.map(({ id }) => id),
        signal,
      )
    })
  }

  private async ask<T>(token: string, timeoutMs: number, work: (api: CloudflareApi, signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await work(new CloudflareApi(token, this.baseUrl), AbortSignal.timeout(timeoutMs))
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error
      // Whoever asks here tells only what speaks against the token, or the change, from what does not.
      throw new ProviderError(error.reason === "rate_limited" ? "unreachable" : error.reason, error.message)
    }
  }
}
