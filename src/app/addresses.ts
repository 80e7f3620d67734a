import { PublicAddresses } from "../addresses/public-addresses"
import { PublicAddressStore } from "../addresses/store"
import { addressesOf, publicOf } from "../checks/addresses"
import { within } from "../checks/check"
import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import type { DnsLookup, Lookup } from "../dns/lookup"
import type { FormerAddress } from "../connect/needs"
import type { Log } from "../log"

export type AddressesNeeds = {
  config: ConfigInForce
  db: Db
  lookup: DnsLookup["lookup"]
  /** There are addresses that there were not before. */
  onChange: () => void
  /** Brings records with a former address to its successor. */
  follow: (former: FormerAddress[]) => Promise<void>
  log: Log
  now: () => number
}

const mirrorLimitMs = 10_000
const nothing: Pick<Lookup, "answers"> = { answers: [] }

/** The public addresses of this house: those of the settings, else those that are found. */
export function makeAddresses({ config, db, lookup, onChange, follow, log, now }: AddressesNeeds): PublicAddresses {
  const find = async () => {
    const known = addressesOf([], nothing)
    // An interface that has a public address is certain; what the Internet sees may be somebody's way out alone.
    if (known.own.length > 0) return publicOf(known)
    const mirror = lookup(config.current.addressMirror, "TXT")
    return publicOf(addressesOf([], await within<Pick<Lookup, "answers">>(mirror, mirrorLimitMs, nothing)))
  }
  return new PublicAddresses({
    store: new PublicAddressStore(db),
    configured: () => [config.current.publicIpv4, config.current.publicIpv6].filter((address) => address !== undefined),
    find,
    intervalMs: () => config.current.addressIntervalMs,
    graceMs: () => config.current.addressGraceMs,
    onChange,
    follow,
    log,
    now,
  })
}
