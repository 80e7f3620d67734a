import { isIPv4 } from "node:net"
import { AuthoritativeZone } from "./zone"

/** The platform's own zone: its hosts and `ingress.<origin>`, the target of mapped names, all at the appliance's public addresses. */
export function platformZone(origin: string, hosts: string[], addresses: string[]): AuthoritativeZone {
  const zone = new AuthoritativeZone({ origin, nameServers: [`ns.${origin}`], contact: `hostmaster.${origin}` })
  const ipv4 = addresses.filter(isIPv4)
  const ipv6 = addresses.filter((address) => !isIPv4(address))
  for (const host of new Set([...hosts, `ingress.${origin}`, `ns.${origin}`])) {
    if (ipv4.length > 0) zone.set(host, "A", ipv4)
    if (ipv6.length > 0) zone.set(host, "AAAA", ipv6)
  }
  return zone
}
