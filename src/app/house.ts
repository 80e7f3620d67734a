import type { PublicAddresses } from "../addresses/public-addresses"
import type { BackupTrouble } from "../backup/service"
import type { Config } from "../config"
import type { Db } from "../db/open"
import { storeCopies } from "../db/upgrade"
import { findEngine } from "../engine/sockets"
import { keptSettingsFile } from "../given-settings"
import { CertificateList } from "../house/certificate-list"
import { HouseCertificates } from "../house/certificates"
import { type EngineState, EngineWatch } from "../house/engine-watch"
import { KeptSettings } from "../house/kept-settings"
import { Program } from "../house/program"
import type { HouseParts } from "../house/routes"
import { HouseSettings } from "../house/settings"
import { type DnsReply, type Listener, System } from "../house/system"
import { previousProgram } from "../install/install"
import { installedProgram, packagedProgram } from "../install/units"
import type { LiveConfig } from "../live-config"
import type { Log } from "../log"
import { verifyName } from "../mappings/model"
import { type OverviewNeeds, OverviewService } from "../overview/service"
import { OverviewStore } from "../overview/store"
import { authorityAt } from "../preflight/certificate-authorities"
import { version } from "../version"

export type HouseNeeds = {
  config: LiveConfig
  db: Db
  /** The data folder, and the store in it. */
  dataDir: string
  storeFile: string
  disk: () => { totalBytes: number; freeBytes: number }
  listeners: () => Listener[]
  dns: () => DnsReply
  rootPem: () => Promise<string>
  /** What the limits of the directories leave. */
  limits: (limit: number) => Promise<object>
  /** Brings settings that changed to every part. */
  reloadParts: () => void
  /** Our public addresses, and those that were ours. */
  addresses: Pick<PublicAddresses, "former" | "contradiction">
  /** What is wrong with backups. */
  backups: () => BackupTrouble | undefined
  /** The engine went away, or came again. */
  onEngine: () => void
  /** What else is the matter with the house. */
  more: OverviewNeeds["more"]
  isServed: (hostname: string) => boolean
  log: Log
  now: () => number
}

/** The house itself: its settings, certificates and state for administrators, and what Home shows everybody of theirs. */
export class House {
  readonly parts: HouseParts
  readonly overview: OverviewService
  private engine: EngineWatch

  constructor(private needs: HouseNeeds) {
    const { config, db, dataDir, storeFile, disk, listeners, dns, onEngine, log, now } = needs
    const { containerEngine, baseDomain } = config.current
    const engine = findEngine(containerEngine)
    this.engine = new EngineWatch({ engine, isWanted: containerEngine !== "none", onChange: onEngine, log, now })
    const program = new Program({
      // A compiled program carries its modules in a file system of its own.
      path: Bun.main.startsWith("/$bunfs/") ? process.execPath : undefined,
      places: { package: packagedProgram, install: installedProgram },
      previous: previousProgram,
      copies: () => storeCopies(storeFile),
    })
    const system = new System({
      version,
      program: () => program.read(),
      startedAt: now(),
      dataDir,
      baseDomain,
      disk,
      floorBytes: () => config.current.storageFloorBytes,
      engine: () => this.engine.look(),
      listeners,
      dns,
      now,
    })
    this.parts = {
      system,
      settings: new HouseSettings({ config, kept: new KeptSettings(keptSettingsFile(dataDir)), reload: () => this.reload() }),
      certificates: this.makeCertificates(),
      limits: needs.limits,
    }
    this.overview = new OverviewService({
      store: new OverviewStore(db),
      verifyName,
      disk: () => system.disk(),
      addresses: needs.addresses,
      ingress: `ingress.${baseDomain}`,
      engine: () => this.engine.current,
      backups: needs.backups,
      program: () => program.read(),
      more: needs.more,
      baseDomain,
      isServed: needs.isServed,
      now,
    })
  }

  /** As of the last look. */
  get engineState(): EngineState {
    return this.engine.current
  }

  start(): void {
    this.engine.start()
  }

  stop(): Promise<void> {
    return this.engine.stop()
  }

  /** As SIGHUP does. */
  private reload(): void {
    const { config, reloadParts, log } = this.needs
    const { applied, waiting } = config.reload()
    if (applied.length > 0) reloadParts()
    log.info("a setting was changed, and the settings were read again", { applied, waiting })
  }

  private makeCertificates(): HouseCertificates {
    const { config, db, rootPem, now } = this.needs
    const { acmeDirectory, acmeFallbackDirectory, acmeTestDirectory, acmeEmail, acmeOrderLimit } = config.current
    const directories = [
      { role: "first" as const, directory: acmeDirectory },
      { role: "fallback" as const, directory: acmeFallbackDirectory },
      { role: "test" as const, directory: acmeTestDirectory },
    ].flatMap(({ role, directory }) => (directory === undefined ? [] : [{ role, directory, name: authorityAt(directory).name }]))
    return new HouseCertificates({
      list: new CertificateList(db),
      directories,
      email: acmeEmail,
      orderLimit: acmeOrderLimit,
      rootPem,
      now,
    })
  }
}

type Port = { port: number | undefined }

/** Where this process listens for others, at the ports that it really has. */
export function listenersOf(
  { apiListen, httpListen, httpsListen, dnsListen, sshListen }: Config,
  { api, edge, dns, ssh }: { api: Port; edge: { httpPort: number; httpsPort: number }; dns: Port; ssh: Port },
): Listener[] {
  const all = [
    { name: "HTTPS", setting: "https_listen", at: httpsListen, port: edge.httpsPort, purpose: "visitors, over TLS" },
    { name: "HTTP", setting: "http_listen", at: httpListen, port: edge.httpPort, purpose: "redirects, and challenges of certificates" },
    { name: "API", setting: "api_listen", at: apiListen, port: api.port, purpose: "this dashboard and the API, without TLS" },
    { name: "SSH", setting: "ssh_listen", at: sshListen, port: ssh.port, purpose: "SSH into containers" },
    { name: "DNS", setting: "dns_listen", at: dnsListen, port: dns.port, purpose: "the zone of the base domain" },
  ]
  return all.flatMap(({ at, port, ...listener }) =>
    at === undefined || port === undefined ? [] : [{ ...listener, address: at.host ?? "every address", port }],
  )
}
