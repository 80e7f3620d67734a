import type { PublicAddresses } from "./addresses/public-addresses"
import { makeAddresses } from "./app/addresses"
import { Api } from "./app/api"
import { ConnectHouse, connectHoldings } from "./app/connect-house"
import { Asking } from "./app/asking"
import { makeBackups } from "./app/backups"
import { certificateFacts } from "./app/certificate-facts"
import { Certification } from "./app/certification"
import { makeCheckup } from "./app/checkup"
import { Dns } from "./app/dns"
import { Edge } from "./app/edge"
import { Features } from "./app/features"
import { House, listenersOf } from "./app/house"
import { Monitoring } from "./app/monitoring"
import { LocalDoor } from "./app/local-door"
import { openTimeline } from "./app/timeline"
import { openWrittenRecords } from "./app/written-records"
import { PortListeners } from "./app/port-listeners"
import { S3 } from "./app/s3"
import { Storage } from "./app/storage"
import { HostTraffic } from "./app/traffic"
import { Ssh } from "./app/ssh"
import { Watch } from "./app/watch"
import { Ballast } from "./ballast"
import { ClockWatch } from "./clock-watch"
import type { ActivationSockets } from "./config"
import { DataFolder } from "./data-folder"
import { pullBackDueTimes } from "./db/due-times"
import { openDatabase } from "./db/open"
import { HostCounts } from "./edge/host-counts"
import { RequestTap } from "./edge/request-tap"
import { RouteTable } from "./edge/route-table"
import { TrafficCounters } from "./edge/traffic-counters"
import { LiveHub } from "./live/hub"
import type { LiveConfig } from "./live-config"
import type { Log } from "./log"
import { ownPlaces } from "./own-listener"
import { Publisher } from "./publisher"
import { Vault } from "./vault"

export { localSocket } from "./app/local-door"
export { examineStopped } from "./app/stopped"

/** A running appliance. `setupUrl` is there while nobody exists; ports are those really listened on. */
export type App = {
  ports: { api: number; http: number; https: number; dns?: number; ssh?: number }
  setupUrl: string | undefined
  rootPem: () => Promise<string>
  /** What the API answers, by method and pattern; a WebSocket opens with GET. */
  routes: readonly { method: string; path: string; isSocket?: true }[]
  /** The application and API key that the demo has from the start, for the person of that name. */
  seedDemo: (username: string, secret: string, originUrl: string) => Promise<void>
  /** Takes over what changed of the settings in force; touches no connection. */
  reload: () => void
  /** Finishes requests under way for at most `drainMs`, then ends everything. */
  stop: (drainMs: number) => Promise<void>
}

type Part = { start(): unknown; stop(): unknown }

/**
 * The composition root: makes everything, wires it and starts it; `sockets` are used instead of opening what they are for. Throws, with nothing
 * left running, when a part cannot start.
 */
export async function startApp(config: LiveConfig, log: Log, sockets: ActivationSockets = {}): Promise<App> {
  const undo: (() => unknown)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) {
      try {
        await step()
      } catch (error) {
        log.error("a part did not stop cleanly", { error })
      }
    }
  }
  try {
    return await compose(config, log, sockets, undo, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function compose(
  config: LiveConfig,
  log: Log,
  sockets: ActivationSockets,
  undo: (() => unknown)[],
  stopAll: () => Promise<void>,
): Promise<App> {
  const now = Date.now
  const { baseDomain, dataDir, apiListen, httpListen, httpsListen } = config.current
  const folder = new DataFolder(dataDir)
  const clock = new ClockWatch(log, folder.lastWrittenAt(), () => void pullBack())
  const { agingNow } = clock
  const ballast = new Ballast(folder.path, log)
  ballast.release()
  const db = await openDatabase(folder.storeFile, { checkpoints: config.current.storeCheckpoints })
  undo.push(() => db.destroy())
  const pullBack = async () => {
    certification.certificates.forgetBackOff()
    try {
      const moved = await pullBackDueTimes(db, now())
      if (moved > 0) log.warn("what a clock ahead of this one had put off is due now", { moved })
    } catch (error) {
      log.error("what a clock ahead of this one had put off could not be brought back", { error })
    }
  }

  const ownHosts = ["", "net.", "auth.", "compute.", "storage.", "s3.", "connect."].map((prefix) => prefix + baseDomain)
  const table = new RouteTable()
  const hostCounts = new HostCounts(() => config.current.metricsHostnames)
  const counters = new TrafficCounters({ onTaken: (minute) => hostCounts.keep(minute) }, now)
  const gate = (name: string) => table.has(name)
  const mayOrder = (hostname: string) => !connect.connect.isHeld(hostname)
  const storeKey = folder.secret("store-key")
  const addresses: PublicAddresses = makeAddresses({
    config,
    db,
    lookup: (...asked) => dns.lookup(...asked),
    onChange: () => {
      dns.reload()
      live.changedForAdmins("settings")
    },
    follow: (former) => connect.connect.followAddresses(former),
    log,
    now,
  })
  const dns: Dns = new Dns({ config, publicAddresses: (family) => addresses.of(family), hosts: ownHosts, challengeKey: storeKey, log })
  const live = new LiveHub()
  undo.push(() => live.stop())
  const timeline = openTimeline(db, log, now, (personId) => live.changed("hostnames", personId), agingNow)
  const tap = new RequestTap((batches) => traffic.requests.take(batches))
  const traffic = new HostTraffic({ db, counters, watchRequests: (hosts) => edge.watchRequests(hosts), log, now })
  const certification: Certification = new Certification({
    config,
    db,
    vault: new Vault(storeKey),
    gate,
    mayOrder,
    certifiedBy: (host) => table.certifiedBy(host),
    dns,
    claimOf: async (name) => dns.ownClaim(name) ?? (await features.claimOf(name)) ?? connect.claimOf(name),
    credentials: {
      hasCredential: async (name) => (await features.hasDnsCredential(name)) || (await connect.connect.hasCredentialFor(name)),
      writeTxt: async (hostname, name, value) =>
        (await features.writeTxt(hostname, name, value)) ?? (await connect.connect.writeTxt(hostname, name, value)),
    },
    advice: {
      obstacle: (name) => connect.advice.obstacle(name),
      forbidden: (name) => connect.advice.forbidden(name),
    },
    ownerOf: async (name) => (await features.ownerOf(name)) ?? connect.connect.ownerOf(name),
    isTest: (name) => connect.connect.isTest(name),
    onStep: (name, step) => timeline.noteStep(name, step),
    ownHosts,
    verifiedNames: async () => [...(await features.verified()).map(({ domain }) => domain), ...(await connect.connect.provenNames())],
    onReplaced: (hostname) => {
      edge.forgetCertificate(hostname)
      watch.replaced(hostname)
    },
    announceChallenge: (hostname, certificate) => edge.challenge(hostname, certificate),
    log,
    now,
  })
  const ownListeners = () => [
    { address: apiListen.host ?? "0.0.0.0", port: api.port },
    { address: httpListen.host ?? "0.0.0.0", port: edge.httpPort },
    { address: httpsListen.host ?? "0.0.0.0", port: edge.httpsPort },
  ]
  const storage = new Storage({ config, db, folder, publish: () => publisher.publish(), log, now, agingNow })
  const s3 = new S3({
    config,
    storage,
    addressOf: (request) => api.addressOf(request),
    record: (act, address) => features.administration.noteS3(act, address),
    log,
    now,
    agingNow,
  })
  const written = openWrittenRecords(db, () => connect, log, now)
  const features: Features = new Features({
    config,
    db,
    folder,
    certificates: certification.certificates,
    dns,
    isOwnIssuer: certification.isOwnIssuer,
    ownListeners: () => ownPlaces(ownListeners(), config.current),
    portProblem: (port) => portListeners.problem(port),
    publish: () => publisher.publish(),
    timeline,
    written,
    onContainers: () => live.changed("containers"),
    moreHoldings: [...connectHoldings(() => connect), ...storage.holdings],
    log,
    now,
    agingNow,
  })
  const { rootPem } = certification
  const reloadParts = () => {
    for (const part of [addresses, dns, api, edge, portListeners, features]) part.reload()
    live.changedForAdmins("settings")
  }
  const backups = makeBackups({ config, dataDir: folder.path, onChanged: () => live.changedForAdmins("settings"), log, now })
  const house: House = new House({
    config,
    db,
    dataDir: folder.path,
    storeFile: folder.storeFile,
    backups: () => backups.trouble(),
    disk: () => storage.blobs.disk(),
    listeners: () => listenersOf(config.current, { api, edge, dns, ssh }),
    dns: () => dns.describe(),
    rootPem,
    limits: certification.allLimits,
    reloadParts,
    addresses,
    onEngine: () => live.changed("containers"),
    more: () => watch.findings(),
    isServed: gate,
    log,
    now,
  })
  const watch: Watch = new Watch({
    config,
    db,
    httpsPort: () => edge.httpsPort,
    isServed: gate,
    certifiedBy: (host) => table.certifiedBy(host),
    storedChain: certification.storedChain,
    rootPem,
    conditions: () => house.overview.conditions(),
    log,
    now,
  })
  const connect: ConnectHouse = new ConnectHouse({
    config,
    db,
    folder,
    signer: features.signer,
    lookup: dns.lookup,
    certificates: certification.certificates,
    certificateReport: certification.report,
    issuers: certification.preflightIssuers,
    limitFinding: certification.limitFinding,
    addresses,
    isOwnIssuer: certification.isOwnIssuer,
    challengeTarget: (claim) => dns.challengeTarget(claim),
    publish: () => publisher.publish(),
    container: (id) => features.compute.forMapping(id),
    originProblem: features.compute.originProblem,
    ownListeners,
    httpsPort: () => edge.httpsPort,
    rootPem,
    timeline,
    written,
    traffic,
    log,
    now,
    agingNow,
  })
  const portListeners: PortListeners = new PortListeners({
    config,
    routes: table,
    httpsPort: () => edge.httpsPort,
    budget: () => edge.budget,
    certification,
    write: toStandardOutput,
    traffic: counters,
    tap,
    log,
    now,
  })
  const publisher = new Publisher(
    {
      mappings: features.verified,
      containers: () => features.compute.targets(),
      connections: () => connect.connect.routes(),
      rules: async () => {
        const rules = await features.parts.ingress.routes()
        dns.serveFurther([...rules.map(({ host }) => host), ...(await storage.bucketHosts())])
        return rules
      },
      ownHosts,
      furtherHosts: () => storage.bucketHosts(),
      ownUpstream: { unix: folder.apiSocket },
    },
    table,
    portListeners,
  )
  const asking = new Asking({ config, db, table, mayOrder, log, now })
  const ssh = new Ssh({ config, db, folder, onAttempt: (attempt) => void features.administration.noteSshLogin(attempt), log, now })
  const monitoring = new Monitoring({
    config,
    db,
    folder,
    counters,
    hostCounts,
    hostnames: () => table.size,
    edge: () => edge,
    ports: () => portListeners,
    certification,
    dns,
    features: () => features,
    connect: () => connect,
    engine: () => house.engineState,
    disk: () => storage.blobs.disk(),
    timeline,
    backups,
    log,
    now,
  })
  const checkup = makeCheckup({
    config,
    lookup: dns.lookup,
    ports: () => ({ http: edge.httpPort, https: edge.httpsPort }),
    mappings: features.mappings,
    isServed: gate,
    watch,
    certificates: certificateFacts({ config, db, certification, certifiedBy: (host) => table.certifiedBy(host), now }),
    now,
  })
  const api: Api = new Api({
    config,
    socket: folder.apiSocket,
    features,
    connect,
    timeline,
    written,
    traffic,
    live,
    storage,
    s3,
    house,
    monitoring,
    asking,
    backups,
    ssh: ssh.service,
    checkup,
    alerts: watch.alerts,
    rootPem,
    certificateReport: certification.report,
    log,
  })
  const edge: Edge = new Edge({
    config,
    sockets,
    routes: table,
    certification,
    // In the binary every module has one address, below which the worker lies as it lies below this folder.
    openThread: () => new Worker(new URL("./edge/edge-thread.ts", import.meta.url)),
    write: toStandardOutput,
    traffic: counters,
    tap,
    onRequests: (batches) => traffic.requests.take(batches),
    log,
  })

  features.administration.whenStopped(() => ssh.recheck())
  await features.createAdmin()
  await pullBack()
  await publisher.publish()
  const start = async (part: Part) => {
    undo.push(() => part.stop())
    await part.start()
  }
  // Ended in the opposite order: what visitors and people meet goes before what answers them.
  await start(monitoring)
  await start(addresses)
  await start(dns)
  await start(timeline)
  await start(storage)
  await start(s3)
  await start(asking)
  await start(api)
  // Its last minute is written when the edge has counted its last request.
  await start(traffic)
  await start(edge)
  await start(portListeners)
  await start(ssh)
  // Ports that the system chose are known only now, and no container may lead to one of ours.
  if ([apiListen, httpListen, httpsListen].some(({ port }) => port === 0)) await publisher.publish()
  await start(certification)
  await start(features)
  await start(house)
  await start(backups)
  await start(connect)
  await start(watch)
  await start(new LocalDoor({ dataDir: folder.path, checkup, alerts: watch.alerts, log }))
  await start(ballast)
  await start(clock)

  const secret = await features.people.setupSecret()
  monitoring.health.phase = "up"
  return {
    ports: {
      api: api.port,
      http: edge.httpPort,
      https: edge.httpsPort,
      ...(dns.port === undefined ? {} : { dns: dns.port }),
      ...(ssh.port === undefined ? {} : { ssh: ssh.port }),
    },
    setupUrl: secret === undefined ? undefined : `http://${apiListen.host ?? "localhost"}:${api.port}/setup/${secret}`,
    rootPem,
    routes: api.routes,
    seedDemo: async (username, secret, originUrl) => {
      const person = await db.selectFrom("people").select("id").where("username", "=", username).executeTakeFirstOrThrow()
      await connect.connect.seedDemo(person.id, secret, originUrl)
    },
    reload: reloadParts,
    stop: async (drainMs) => {
      monitoring.health.phase = "draining"
      await Promise.all([api.endSockets(), edge.drain(drainMs), portListeners.drain(drainMs)])
      await stopAll()
    },
  }
}

function toStandardOutput(lines: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(lines, (error) => (error ? reject(error) : resolve()))
  })
}
