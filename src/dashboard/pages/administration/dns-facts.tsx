import { Fact, Facts } from "../../parts/page"
import { house } from "../../words/house"

const words = house.system

export type Dns = {
  zones: { origin: string; holds: string }[]
  public_ipv4: string | null
  public_ipv6: string | null
  resolver: { starts_at: string; port: number; doh: string | null }
  recursives: string[]
  private_zones: string[]
}

/** What our server of DNS answers for, and whom our resolver asks. */
export function DnsFacts({ dns }: { dns: Dns }) {
  const addresses = [dns.public_ipv4, dns.public_ipv6].filter((address) => address !== null)
  const { starts_at: at, port, doh } = dns.resolver
  return (
    <Facts>
      <Fact name={words.serves}>
        {dns.zones.length === 0
          ? words.servesNone
          : dns.zones.map(({ origin, holds }) => (
              <span key={origin} className="block">
                <code>{origin}</code> <span className="text-sm text-dim">{holds}</span>
              </span>
            ))}
      </Fact>
      <Fact name={words.publicAddresses}>{addresses.length === 0 ? words.noAddress : addresses.join(", ")}</Fact>
      <Fact name={words.resolver}>{doh === null ? words.startsAt(at, port) : words.doh(doh)}</Fact>
      <Fact name={words.recursives}>
        {dns.recursives.length === 0 ? words.recursivesNone : dns.recursives.join(", ")}
        <span className="block text-sm text-dim">{words.recursivesWhy}</span>
      </Fact>
      <Fact name={words.privateZones}>{dns.private_zones.join(", ") || words.recursivesNone}</Fact>
    </Facts>
  )
}
