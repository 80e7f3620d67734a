import { type Check, limited } from "../checks/check"
import { type BackupState, checkBackup } from "../checks/backup"
import { type CaaFinding, checkCaa } from "../checks/caa"
import { checkClock, isClockKept } from "../checks/clock"
import { checkEngine } from "../checks/container-engine"
import { checkDataFolder, checkSecrets } from "../checks/data-folder"
import { checkDisk, spaceOf } from "../checks/disk"
import { type DomainKind, kindOfDomain } from "../checks/domain-kind"
import { askHttps, checkOutboundDns, checkOutboundHttps } from "../checks/outbound"
import { checkResolver } from "../checks/resolver"
import { slowLimitMs } from "../checks/served-hostname"
import { lastBackup } from "../backup/last-backup"
import { lateSince } from "../backup/lateness"
import type { Config } from "../config"
import type { DnsLookup, Lookup } from "../dns/lookup"
import { findEngine } from "../engine/sockets"
import type { Origin } from "../given-settings"
import { authorityAt } from "../preflight/certificate-authorities"
import { Preflight } from "../preflight/preflight"
import type { PreflightIssuer } from "../preflight/report"
import { settings, type SettingKey } from "../settings"

export type MachineNeeds = {
  config: Config
  origin: (key: SettingKey) => Origin | undefined
  lookup: DnsLookup["lookup"]
  /** What a name of the Internet came to that tells which address asks. */
  mirror: () => Promise<Lookup>
  engine: ReturnType<typeof findEngine>
  now: () => number
}

/** Where public names are certified, and the usual peer to see whether HTTPS goes out. */
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

/** Whom this house asks over HTTPS, and whose time it takes. */
export const httpsPeer = ({ acmeDirectory }: Config): string => (acmeDirectory === "internal" ? letsEncrypt : acmeDirectory)

/** The checks that need no running appliance: the machine, what it reaches, the data folder, and what the DNS says of the base domain. */
export function machineChecks({ config, origin, lookup, mirror, engine, now }: MachineNeeds): Promise<Check>[] {
  const { baseDomain, privateZones, acmeDirectory, acmeCa, containerEngine, dataDir, storageFloorBytes } = config
  const kind = kindOfDomain(baseDomain, privateZones)
  const https = askHttps(httpsPeer(config), acmeCa, now)
  return [
    limited("outbound-dns", async () => checkOutboundDns(await mirror(), kind === "public")),
    limited("outbound-https", async () => checkOutboundHttps(await https, acmeDirectory !== "internal")),
    limited("resolver", async () => checkResolver(kind === "public" ? await lookup(baseDomain, "NS") : await mirror(), kind === "public")),
    limited("caa", async () => checkCaa(baseDomain, await readCaa(baseDomain, kind, { config, lookup })), slowLimitMs),
    limited("clock", async () => checkClock(await https, isClockKept())),
    limited("disk", () => checkDisk(dataDir, spaceOf(dataDir), storageFloorBytes)),
    limited("container-engine", () => checkEngine(engine, containerEngine)),
    limited("data-folder", () => checkDataFolder(dataDir)),
    limited("secrets", () => checkSecrets(dataDir, secretFiles(origin))),
    limited("backup", () => checkBackup(backupState(config, now()), now())),
  ]
}

function backupState({ dataDir, backup }: Config, now: number): BackupState {
  const { newest, failed } = lastBackup(dataDir)
  return { newest: newest && { ...newest, isLate: lateSince(newest.at, backup.everyMs, now) !== undefined }, failed }
}

/** What CAA records say of a name, by a preflight; a name that no public authority certifies is not asked about. */
export async function readCaa(
  hostname: string,
  kind: DomainKind,
  { config, lookup }: { config: Config; lookup: DnsLookup["lookup"] },
): Promise<CaaFinding> {
  const issuers = kind === "public" ? publicIssuers([config.acmeDirectory, config.acmeFallbackDirectory]) : []
  if (issuers.length === 0) return { authorities: [] }
  const wants = { addresses: [], cnameTarget: `ingress.${config.baseDomain}` }
  const { findings } = await new Preflight({ dns: { lookup } }).check({ hostname: hostname.replace(/^\*\./, ""), wants, issuers })
  const found = findings.find(({ code }) => code === "caa_forbids" || code === "caa_unreachable")
  const authorities = issuers.map(({ name, label }) => label ?? name)
  return found === undefined ? { authorities } : { authorities, problem: found }
}

/** Directories whose identity in CAA records is known, as preflight asks about them. */
export function publicIssuers(directories: (string | undefined)[]): PreflightIssuer[] {
  return directories.flatMap((url) => {
    if (url === undefined || url === "internal") return []
    const { name: label, caaIdentities } = authorityAt(url)
    return caaIdentities.length === 0 ? [] : [{ name: url, label, caaIdentities, challengeTypes: ["tls-alpn-01", "http-01", "dns-01"] }]
  })
}

/** Files from which secrets were read. */
function secretFiles(origin: MachineNeeds["origin"]): string[] {
  const files = (Object.keys(settings) as SettingKey[]).flatMap((key) => {
    const file = "secret" in settings[key] ? origin(key)?.file : undefined
    return file === undefined ? [] : [file]
  })
  return [...new Set(files)]
}
