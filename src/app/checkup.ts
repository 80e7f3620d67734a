import { lookup as resolve } from "node:dns/promises"
import { type Addresses, addressesOf, checkPublicAddress, publicOf } from "../checks/addresses"
import { defaultBaseDomain, examineBaseDomain } from "../checks/base-domain"
import { type CertificateCounts, checkCertificates } from "../checks/certificates"
import { limited, within } from "../checks/check"
import { kindOfDomain } from "../checks/domain-kind"
import { checkFileLimit, openFilesLimit } from "../checks/file-limit"
import type { Place } from "../checks/handshake"
import { examineHostname } from "../checks/hostname"
import { checkLimits, type LimitLeft } from "../checks/limits"
import { checkIssuerAccounts, type IssuerAccount } from "../checks/issuer-account"
import type { NameAddresses } from "../checks/name-addresses"
import { checkPort } from "../checks/port"
import { checkReach } from "../checks/reach"
import type { Checkup } from "../checks/routes"
import { checkServed } from "../checks/served"
import { examineServedHostname, type KeptCertificate, type ServedHostnameNeeds } from "../checks/served-hostname"
import { checkTelling } from "../checks/telling"
import type { Config, ConfigInForce } from "../config"
import type { DnsLookup, Lookup } from "../dns/lookup"
import { findEngine } from "../engine/sockets"
import { isInRange, parseIp } from "../ip-address"
import type { LiveConfig } from "../live-config"
import { parseMappedName } from "../mapped-name"
import { checkProof } from "../mappings/proof"
import type { MappingService } from "../mappings/service"
import { machineChecks, readCaa } from "./machine-checks"
import type { Watch } from "./watch"

export type CheckupNeeds = {
  config: ConfigInForce & Pick<LiveConfig, "origin">
  lookup: DnsLookup["lookup"]
  /** Ports really listened on. */
  ports: () => { http: number; https: number }
  mappings: Pick<MappingService, "list">
  isServed: (hostname: string) => boolean
  /** What the watchdog and the alerts know. */
  watch: Pick<Watch, "counts" | "compare" | "telling">
  certificates: {
    /** How many there are, those that cannot be had or renewed, and some names of these. */
    counts: () => Promise<CertificateCounts>
    kept: (hostname: string) => Promise<KeptCertificate | undefined>
    accounts: () => Promise<IssuerAccount[]>
    /** Limits of which little is left, the emptiest first. */
    scarceLimits: () => Promise<LimitLeft[]>
    /** What preflight says of the limits that an order for a name counts in. */
    limitsFor: ServedHostnameNeeds["limits"]
    /** When the root of the built-in CA ends, in Unix milliseconds. */
    rootEnds: () => Promise<number>
  }
  now: () => number
}

/** What was heard of our own address is believed for this long; the address of a line seldom changes, and a page that watches asks every few seconds. */
const mirrorMs = 60_000

/** Somebody waits for what else there is to say. */
const mirrorLimitMs = 3000
const nothing: Pick<Lookup, "answers"> = { answers: [] }

/** The checks of `checks/` over this appliance. */
export function makeCheckup({ config, lookup, ports, mappings, isServed, watch, certificates, now }: CheckupNeeds): Checkup {
  // As the features found it at the start: one that comes later waits for a restart.
  const engine = findEngine(config.current.containerEngine)
  let mirror: { at: number; found: Promise<Lookup> } | undefined
  const askMirror = () => {
    if (mirror === undefined || Math.abs(now() - mirror.at) > mirrorMs)
      mirror = { at: now(), found: lookup(config.current.addressMirror, "TXT") }
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
  const edge = () => edgeAt(config.current, ports().https)
  return {
    server: async () => {
      const { baseDomain, privateZones, httpListen, httpsListen, maxConnections } = config.current
      const kind = kindOfDomain(baseDomain, privateZones)
      const seen = async () => addressesOf(configured(), await askMirror())
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
        ...machineChecks({ config: config.current, origin: (key) => config.origin(key), lookup, mirror: askMirror, engine, now }),
        limited("file-limits", () => checkFileLimit(openFilesLimit(), maxConnections)),
        limited("issuer-account", async () => checkIssuerAccounts(await certificates.accounts(), await certificates.rootEnds(), now())),
        limited("certificates", async () => checkCertificates(await certificates.counts())),
        limited("limits", async () => checkLimits(await certificates.scarceLimits())),
        limited("served", async () => checkServed(await watch.counts())),
        limited("alerts", async () => checkTelling(await watch.telling())),
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
    served: (name) => {
      const { privateZones } = config.current
      return examineServedHostname(name, {
        privateZones,
        lookup,
        resolve: resolveHere,
        publicAddresses: async () => publicOf(await addresses()),
        ownAddresses: () => addressesOf([], nothing).own,
        lanAddresses: lan,
        caa: (hostname) => readCaa(hostname, kindOfDomain(hostname, privateZones), { config: config.current, lookup }),
        now,
        edge: { at: edge, isServed, compare: watch.compare },
        certificate: certificates.kept,
        limits: certificates.limitsFor,
      })
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

/** Where this machine reaches its own edge, with a PROXY header that names no client where the settings ask for one. */
export function edgeAt({ httpsListen, proxyProtocol }: Config, port: number): Place {
  const { host: bound } = httpsListen
  const host = bound === undefined || bound === "0.0.0.0" || bound === "::" ? "127.0.0.1" : bound
  const address = parseIp(host)
  const isBehind = address !== undefined && proxyProtocol.some((range) => isInRange(address, range))
  return { host, port, ...(isBehind ? { preface: "PROXY UNKNOWN\r\n" } : {}) }
}

/** What the system's own resolver says, hosts file and all. */
export async function resolveHere(name: string): Promise<NameAddresses> {
  try {
    return { addresses: [...new Set((await resolve(name, { all: true })).map(({ address }) => address))].sort() }
  } catch {
    return { addresses: [] }
  }
}
