import { canonicalHost, isWithin } from "../hostname"
import { type DnsHost, dnsHosts } from "./name-servers"

/**
 * What the name servers of a zone say about who serves it. `high`: all of them are this provider's; `medium`: most are, or
 * others have servers of such names too; `low`: at most half are.
 * `control_panel_url` leads to the zone where the provider has such an address, else to its start page.
 */
export type DetectedProvider = {
  key: string
  name: string
  confidence: "high" | "medium" | "low"
  control_panel_url: string | undefined
  host_form: DnsHost["hostForm"]
  /** A CNAME may be entered at the apex: the provider answers with the addresses behind it. */
  apex_flattening: boolean
  /** A record of its own kind does that (ALIAS, ANAME); its name as the form shows it. */
  alias: string | undefined
  /** There is an adapter for it (connect-api section 9), so a delegated credential can write there. */
  auto_write: boolean
}

/** Undefined where no server is known. Names may have capitals and a trailing dot; `zone` goes into the control panel's address. */
export function detectProvider(nameServers: string[], zone?: string): DetectedProvider | undefined {
  const servers = [...new Set(nameServers.flatMap((server) => canonicalHost(server) ?? []))]
  const counts = new Map<DnsHost, number>()
  for (const server of servers) {
    const host = hostOf(server)
    if (host !== undefined) counts.set(host, (counts.get(host) ?? 0) + 1)
  }
  const [best] = [...counts].sort((one, other) => other[1] - one[1])
  if (best === undefined) return undefined
  const [host, count] = best
  const share = count / servers.length
  return {
    key: host.key,
    name: host.name,
    confidence: share <= 0.5 ? "low" : share < 1 || host.shared === true ? "medium" : "high",
    control_panel_url: panelOf(host, zone),
    host_form: host.hostForm,
    apex_flattening: host.apex === "flattens",
    alias: host.apex === "flattens" ? undefined : host.apex,
    auto_write: host.autoWrite === true,
  }
}

/**
 * What to type into the provider's host field for a name: `@` or nothing at the apex, the part before the zone, or the whole name. Both names canonical;
 * labels with underscores are fine. Without a provider the part before the zone, which most forms want. A name outside the zone is given whole.
 */
export function hostField(provider: Pick<DetectedProvider, "host_form"> | undefined, zone: string, fqdn: string): string {
  const form = provider?.host_form ?? "at"
  if (form === "full" || !isWithin(fqdn, zone)) return fqdn
  if (fqdn === zone) return form === "empty" ? "" : "@"
  return fqdn.slice(0, -zone.length - 1)
}

function hostOf(server: string): DnsHost | undefined {
  return dnsHosts.find((host) =>
    host.servers.some((pattern) => (typeof pattern === "string" ? isWithin(server, pattern) : pattern.test(server))),
  )
}

function panelOf(host: DnsHost, zone: string | undefined): string | undefined {
  if (host.panel?.includes("%zone%") !== true) return host.panel
  return zone === undefined ? new URL("/", host.panel).href : host.panel.replaceAll("%zone%", encodeURIComponent(zone))
}
