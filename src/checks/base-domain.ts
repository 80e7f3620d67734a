import type { DnsLookup } from "../dns/lookup"
import { AppError } from "../errors"
import { canonicalHost } from "../hostname"
import { checkLimitMs, type Verdict, within } from "./check"
import { type DomainKind, kindOfDomain } from "./domain-kind"
import { authoritativeAddresses, judgePrivateName, judgePublicName, type NameAddresses } from "./name-addresses"

export const defaultBaseDomain = "freehold.localhost"

export type BaseDomainNeeds = {
  privateZones: readonly string[]
  lookup: DnsLookup["lookup"]
  /** What this machine's own resolver says of a name. */
  resolve: (name: string) => Promise<NameAddresses>
  publicAddresses: string[]
  lanAddresses: string[]
}

/** A base domain, in force or thought of: what kind it is, where it leads now, and whether that is right. */
export type BaseDomain = { name: string; kind: DomainKind; addresses: string[] } & Verdict

/** Looks at a base domain. Throws `invalid` for what cannot be one. */
export async function examineBaseDomain(raw: string, needs: BaseDomainNeeds): Promise<BaseDomain> {
  const name = canonicalHost(raw)
  if (name === undefined)
    throw new AppError(
      "invalid",
      `name: ${JSON.stringify(raw.slice(0, 100))} is not a domain name such as cloud.example.com or freehold.home.arpa`,
    )
  if (needs.privateZones.includes(name))
    throw new AppError("invalid", `${name} is a private zone as a whole; take a name below it, such as freehold.${name}`)
  const kind = kindOfDomain(name, needs.privateZones)
  if (kind === "local") return { name, kind, addresses: [], ...judgeLocal(name) }
  const look = kind === "public" ? authoritativeAddresses(needs.lookup, name) : needs.resolve(name)
  const found = await within(look, checkLimitMs, { addresses: [], problem: `no answer within ${checkLimitMs / 1000} seconds` })
  return { name, kind, addresses: found.addresses, ...judge(name, kind, found, needs) }
}

function judgeLocal(name: string): Verdict {
  const remedy = "Choose a domain that you own, such as cloud.example.com, or for this house alone a name such as freehold.home.arpa."
  return {
    status: "warn",
    verdict: `${name === defaultBaseDomain ? `The base domain is still the default, ${name}` : name}: every device takes that for itself, so only this machine finds the dashboard and its APIs by it.`,
    remedy,
  }
}

function judge(name: string, kind: DomainKind, found: NameAddresses, { publicAddresses, lanAddresses }: BaseDomainNeeds): Verdict {
  const verdict = kind === "public" ? judgePublicName(name, found, publicAddresses) : judgePrivateName(name, found, lanAddresses)
  const { remedy } = verdict
  // Its own services are names below it.
  return remedy === undefined || found.addresses.length > 0
    ? verdict
    : { ...verdict, remedy: `${remedy} Let *.${name} lead there too: services and containers have names below it.` }
}
