import type { Backups } from "../backup/service"
import { ContainerStore } from "../compute/store"
import type { ConfigInForce } from "../config"
import { ConnectionStore } from "../connect/connection-store"
import type { DataFolder } from "../data-folder"
import type { Db } from "../db/open"
import { WriteProbe } from "../db/write-probe"
import type { HostCounts } from "../edge/host-counts"
import type { TrafficCounters } from "../edge/traffic-counters"
import { houseChecks } from "../health/checks"
import { Health } from "../health/health"
import type { EngineState } from "../house/engine-watch"
import type { Log } from "../log"
import { MappingStore } from "../mappings/store"
import { Fresh } from "../metrics/fresh"
import { LoopDelay } from "../metrics/loop-delay"
import { Scrape } from "../metrics/scrape"
import type { Timeline } from "../timeline/timeline"
import { version } from "../version"
import type { Certification } from "./certification"
import type { ConnectHouse } from "./connect-house"
import type { Dns } from "./dns"
import type { Edge } from "./edge"
import { certificateFamilies } from "./families/certificate-families"
import { dnsFamilies } from "./families/dns-families"
import { edgeFamilies } from "./families/edge-families"
import { processFamilies } from "./families/process-families"
import { workFamilies } from "./families/work-families"
import type { Features } from "./features"
import type { PortListeners } from "./port-listeners"

export type MonitoringNeeds = {
  config: ConfigInForce
  db: Db
  folder: DataFolder
  counters: TrafficCounters
  hostCounts: HostCounts
  hostnames: () => number
  edge: () => Pick<Edge, "load" | "serving" | "gatherTotals">
  ports: () => Pick<PortListeners, "connections">
  certification: Pick<Certification, "census" | "attempts" | "certificates">
  dns: Pick<Dns, "counts">
  features: () => Pick<Features, "mappings">
  connect: () => Pick<ConnectHouse, "connect" | "webhooks">
  engine: () => EngineState
  disk: () => { totalBytes: number; freeBytes: number }
  timeline: Timeline
  backups: Pick<Backups, "figures">
  log: Log
  now: () => number
}

/** Certificates change by the day; a walk over many takes a while. */
const censusMs = 60_000

/** Rows are counted this often at the most, whoever asks. */
const countsMs = 10_000

/** What watchers are told: `/metrics`, and how the appliance is. */
export class Monitoring {
  readonly health: Health
  readonly scrape: Scrape
  private loopDelay = new LoopDelay()
  private probe: WriteProbe
  private census: Fresh<Awaited<ReturnType<Certification["census"]>>>
  private startedAt: number

  constructor(private needs: MonitoringNeeds) {
    const { config, folder, certification, counters, edge, engine, disk, log, now } = needs
    this.startedAt = now()
    this.probe = new WriteProbe(folder.storeFile, now)
    this.census = new Fresh(certification.census, censusMs)
    const checks = houseChecks({
      tryStore: () => this.probe.check(),
      serving: () => edge().serving,
      disk,
      floorBytes: () => config.current.storageFloorBytes,
      engine,
      certificates: this.census.read,
    })
    this.health = new Health({ checks, log, now })
    this.scrape = new Scrape({
      families: [...this.edge(), ...this.certificates(), ...this.work(), ...this.dns(), ...this.process()],
      // Counts by hostname are many, and brought in where some are shown alone.
      gather: () => (config.current.metricsHostnames.length > 0 ? counters.gather() : edge().gatherTotals()),
      onFault: (name, error) => log.error("a metric could not be read", { name, error }),
    })
  }

  start(): void {
    this.loopDelay.start()
  }

  stop(): void {
    this.loopDelay.stop()
    this.probe.stop()
  }

  private edge() {
    const { config, counters, hostCounts, edge, ports, hostnames } = this.needs
    return edgeFamilies({
      totals: counters.totals,
      load: () => edge().load,
      serving: () => edge().serving,
      ruleConnections: () => ports().connections,
      maxConnections: () => config.current.maxConnections,
      hostnames,
      named: () => hostCounts.read(counters.current),
    })
  }

  private certificates() {
    const { config, certification } = this.needs
    const { acmeDirectory, acmeFallbackDirectory, acmeTestDirectory } = config.current
    return certificateFamilies({
      census: this.census.read,
      directories: [acmeDirectory, acmeFallbackDirectory, acmeTestDirectory].filter((url) => url !== undefined),
      orders: () => certification.certificates.counts.all(),
      attempts: certification.attempts,
    })
  }

  private work() {
    const { db, certification, features, connect, engine, timeline, backups, now } = this.needs
    const [mappings, connections, containers] = [new MappingStore(db), new ConnectionStore(db), new ContainerStore(db)]
    const webhooks = new Fresh(() => connect().webhooks.waiting(), countsMs)
    return workFamilies({
      mappingLooks: () => features().mappings.looks,
      connectionLooks: () => connect().connect.lifecycle.looks,
      mappings: counted(() => mappings.countByStatus()),
      connections: counted(async () => (await connections.countByState()).map(({ state, count }) => ({ status: state, count }))),
      engine,
      containers: counted(() => containers.countByStatus()),
      webhookTries: () => connect().webhooks.tries,
      webhooks: webhooks.read,
      ordersUnderWay: () => certification.certificates.ordersUnderWay,
      attempts: new Fresh(certification.attempts, countsMs).read,
      timeline: () => timeline.load,
      backups: () => backups.figures(),
      now,
    })
  }

  private dns() {
    const { config, dns } = this.needs
    return dnsFamilies({ counts: () => dns.counts(), isServed: config.current.dnsListen !== undefined })
  }

  private process() {
    const { config, folder, disk } = this.needs
    return processFamilies({
      version,
      startedAt: this.startedAt,
      loopDelay: () => this.loopDelay.read(),
      storeFile: folder.storeFile,
      disk,
      floorBytes: () => config.current.storageFloorBytes,
      health: () => this.health.all(),
    })
  }
}

/** Rows of counts as one record, which is kept for a moment. */
function counted(rows: () => Promise<{ status: string; count: number }[]>): () => Promise<Record<string, number>> {
  return new Fresh(async () => Object.fromEntries((await rows()).map(({ status, count }) => [status, Number(count)])), countsMs).read
}
