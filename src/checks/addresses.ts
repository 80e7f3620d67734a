import { networkInterfaces } from "node:os"
import type { Lookup } from "../dns/lookup"
import { type IpAddress, parseIp } from "../ip-address"
import { kindOfAddress } from "../special-addresses"
import type { DomainKind } from "./domain-kind"
import type { Verdict } from "./check"

/** A name whose servers answer with the address that asked them, so that it is known without asking anybody but name servers. */
export const mirrorName = "o-o.myaddr.l.google.com"

/** Addresses of this machine: `configured` by the settings, `own` of its interfaces and public, `lan` of its interfaces and private, `seen` by the Internet. */
export type Addresses = { configured: string[]; own: string[]; lan: string[]; seen: string[] }

/** The public ones, from the best source that there is. */
export const publicOf = ({ configured, own, seen }: Addresses): string[] => [configured, own, seen].find((some) => some.length > 0) ?? []

/** `mirror` is what looking up `mirrorName` brought. */
export function addressesOf(configured: string[], mirror: Pick<Lookup, "answers">, interfaces: string[] = interfaceAddresses()): Addresses {
  const parsed = parsedOf(interfaces)
  const ofKind = (isIt: (kind: ReturnType<typeof kindOfAddress>) => boolean) =>
    texts(parsed.filter((address) => isIt(kindOfAddress(address))))
  const said = mirror.answers.flatMap(({ outcome, values }) => (outcome === "answer" ? values : []))
  return {
    configured,
    own: ofKind((kind) => kind === undefined),
    lan: ofKind((kind) => kind === "private"),
    seen: texts(parsedOf(said).filter((address) => kindOfAddress(address) === undefined)),
  }
}

const parsedOf = (all: string[]) => all.map(parseIp).filter((address) => address !== undefined)

/** IPv4 first, which routers and people know best. */
const texts = (addresses: IpAddress[]) =>
  [...new Set(addresses.map(({ text }) => text))].sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")) || (a < b ? -1 : 1))

/** Of container engines and virtual machines, which nobody outside reaches. */
const isBridge = (name: string) => /^(docker|podman|br-|cni|veth|virbr|lxc|lxd)/.test(name)

function interfaceAddresses(): string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, some]) => (isBridge(name) ? [] : (some ?? [])))
  return all.map(({ address }) => address.replace(/%.*$/, ""))
}

/** Which public address this server has, and where that is known from. */
export function checkPublicAddress(addresses: Addresses, kind: DomainKind): Verdict {
  const { configured, own, lan, seen } = addresses
  const known = publicOf(addresses)
  if (known.length === 0) {
    const verdict = "No public address of this server is known."
    if (kind !== "public") return { status: "ok", verdict: `${verdict} Names of this house alone need none.` }
    return {
      status: "warn",
      verdict,
      remedy:
        "Set FREEHOLD_PUBLIC_IPV4 to the address that your router or provider shows, so that Freehold can tell which names lead here.",
    }
  }
  const other = seen.filter((address) => sameFamily(address, known).length > 0 && !known.includes(address))
  if (configured.length > 0 && other.length > 0) {
    return {
      status: "warn",
      verdict: `The settings say ${list(configured)}, but name servers of the Internet see this machine as ${list(other)}.`,
      remedy: `If your provider has changed it, set ${settingsFor(other)}; leave it where visitors come in by another address than this machine goes out by.`,
    }
  }
  const source =
    configured.length > 0
      ? `${list(known)}, by the settings`
      : own.length > 0
        ? `${list(known)}, an address of this machine itself`
        : `${list(known)}, as name servers of the Internet see this machine`
  const behind = own.length === 0 && lan.length > 0 ? ` Within the house it is ${list(lan.slice(0, 2))}, so a router stands between.` : ""
  return {
    status: "ok",
    verdict: `${source}.${behind}`,
    ...(configured.length > 0 || kind !== "public" ? {} : { remedy: `${settingsFor(known)} would make it certain.` }),
  }
}

const settingsFor = (addresses: string[]) =>
  addresses.map((address) => `FREEHOLD_PUBLIC_IPV${address.includes(":") ? 6 : 4}=${address}`).join(" and ")

const sameFamily = (address: string, among: string[]) => among.filter((one) => one.includes(":") === address.includes(":"))

/** `a`, `a and b`, `a, b and c`. */
export const list = (words: string[]): string =>
  words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1) ?? ""}`
