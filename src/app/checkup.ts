import { lookup as resolve } from "node:dns/promises"
import { type Addresses, addressesOf, checkPublicAddress, publicOf } from "../checks/addresses"
import { defaultBaseDomain, examineBaseDomain } from "../checks/base-domain"
import { limited, within } from "../checks/check"
import { checkEngine } from "../checks/container-engine"
import { kindOfDomain } from "../checks/domain-kind"
import { examineHostname } from "../checks/hostname"
import type { NameAddresses } from "../checks/name-addresses"
import { checkOutboundDns, checkOutboundHttps } from "../checks/outbound"
import { checkPort } from "../checks/port"
import { checkReach } from "../checks/reach"
import type { Checkup } from "../checks/routes"
import type { ConfigInForce } from "../config"
import type { DnsLookup, Lookup } from "../dns/lookup"
import { findEngine } from "../engine/sockets"
import { parseMappedName } from "../mapped-name"
import { checkProof } from "../mappings/proof"
import type { MappingService } from "../mappings/service"

export type CheckupNeeds = {
  config: ConfigInForce
  lookup: DnsLookup["lookup"]
  /** Ports really listened on. */
  ports: () => { http: number; https: number }
  mappings: Pick<MappingService, "list">
  isServed: (hostname: string) => boolean
  now: () => number
}

/** Where public names are certified, and the usual peer to see whether HTTPS goes out. */
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

/** What was heard of our own address is believed for this long; the address of a line seldom changes, and a page that watches asks every few seconds. */
const mirrorMs = 60_000

/** Somebody waits for what else there is to say. */
const mirrorLimitMs = 3000
const nothing: Pick<Lookup, "answers"> = { answers: [] }

/** The checks of `checks/` over this appliance. */
export function makeCheckup({ config, lookup, ports, mappings, isServed, now }: CheckupNeeds): Checkup {
  // As the features found it at the start: one that comes later waits for a restart.
  const engine = findEngine(config.current.containerEngine)
  let mirror: { at: number; found: Promise<Lookup> } | undefined
  const askMirror = () => {
    if (mirror === undefined || now() - mirror.at > mirrorMs) mirror = { at: now(), found: lookup(config.current.addressMirror, "TXT") }
    return mirror.found
  }
  const configured = () => [config.current.publicIpv4, config.current.publicIpv6].filter((address) => address !== undefined)
  const addresses = async (): Promise<Addresses> => {
    const known = addressesOf(configured(), nothing)
    // Who knows it need not ask.
    return publicOf(known).length > 0
      ? known
      : addressesOf(configured(), await within<Pick<Lookup, "answers">>(askMirror(), mirrorLimitMs, nothing))
  }
  const lan = () => addressesOf([], nothing).lan
  const edge = () => ({ host: reachable(config.current.httpsListen.host), port: ports().https })
  return {
    server: async () => {
      const { baseDomain, privateZones, httpListen, httpsListen, acmeDirectory, acmeCa, containerEngine } = config.current
      const kind = kindOfDomain(baseDomain, privateZones)
      const seen = async () => addressesOf(configured(), await askMirror())
      const directory = acmeDirectory === "internal" ? letsEncrypt : acmeDirectory
      return Promise.all([
        limited("public-address", async () => checkPublicAddress(await seen(), kind)),
        limited("http-port", () =>
          checkPort({
            protocol: "HTTP",
            publicPort: 80,
            listener: { host: httpListen.host, port: ports().http },
            setting: "FREEHOLD_HTTP_LISTEN",
          }),
        ),
        limited("https-port", () =>
          checkPort({
            protocol: "HTTPS",
            publicPort: 443,
            listener: { host: httpsListen.host, port: ports().https },
            setting: "FREEHOLD_HTTPS_LISTEN",
          }),
        ),
        limited("reach", async () => {
          const known = kind === "public" ? await addresses() : addressesOf(configured(), nothing)
          return checkReach({ baseDomain, kind, addresses: publicOf(known), own: known.own, edge: edge() })
        }),
        limited("outbound-dns", async () => checkOutboundDns(await askMirror(), kind === "public")),
        limited("outbound-https", () => checkOutboundHttps(directory, acmeDirectory !== "internal", acmeCa)),
        limited("container-engine", () => checkEngine(engine, containerEngine)),
      ])
    },
    baseDomain: async (name) => {
      const { baseDomain, privateZones } = config.current
      const publicAddresses = publicOf(await addresses())
      const found = await examineBaseDomain(name ?? baseDomain, {
        privateZones,
        lookup,
        resolve: resolveHere,
        publicAddresses,
        lanAddresses: lan(),
      })
      return {
        ...found,
        in_force: found.name === baseDomain,
        is_default: found.name === defaultBaseDomain,
        public_addresses: publicAddresses,
        lan_addresses: lan(),
      }
    },
    hostname: (personId, name) => {
      const { baseDomain, privateZones } = config.current
      return examineHostname(name, personId, {
        baseDomain,
        privateZones,
        lookup,
        resolve: resolveHere,
        publicAddresses: async () => publicOf(await addresses()),
        lanAddresses: lan,
        parse: (raw) => parseMappedName(raw, baseDomain, privateZones),
        mapping: async (of, hostname) => {
          const mine = (await mappings.list(of)).find(({ domain }) => domain === hostname)
          return mine && { ...mine, verifyName: mine.verify_name, verifyToken: mine.verify_token }
        },
        isServed,
        prove: (at, value) => checkProof((asked) => lookup(asked, "TXT"), at, value),
        edge,
      })
    },
  }
}

/** An address at which this machine reaches its own listener. */
const reachable = (host: string | undefined) => (host === undefined || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host)

/** What the system's own resolver says, hosts file and all. */
async function resolveHere(name: string): Promise<NameAddresses> {
  try {
    return { addresses: [...new Set((await resolve(name, { all: true })).map(({ address }) => address))].sort() }
  } catch {
    return { addresses: [] }
  }
}
