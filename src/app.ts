import { Api } from "./app/api"
import { ConnectHouse, connectHoldings } from "./app/connect-house"
import { Certification } from "./app/certification"
import { makeCheckup } from "./app/checkup"
import { Dns } from "./app/dns"
import { Edge } from "./app/edge"
import { Features } from "./app/features"
import { House, listenersOf } from "./app/house"
import { openTimeline } from "./app/timeline"
import { PortListeners } from "./app/port-listeners"
import { S3 } from "./app/s3"
import { Storage } from "./app/storage"
import { Ssh } from "./app/ssh"
import { Ballast } from "./ballast"
import { ClockWatch } from "./clock-watch"
import type { ActivationSockets } from "./config"
import { DataFolder } from "./data-folder"
import { pullBackDueTimes } from "./db/due-times"
import { openDatabase } from "./db/open"
import { RouteTable } from "./edge/route-table"
import { TrafficCounters } from "./edge/traffic-counters"
import { LiveHub } from "./live/hub"
import type { LiveConfig } from "./live-config"
import type { Log } from "./log"
import { Publisher } from "./publisher"
import { Vault } from "./vault"

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
  const db = await openDatabase(folder.storeFile)
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
  const counters = new TrafficCounters({}, now)
  const gate = (name: string) => table.has(name)
  const mayOrder = (hostname: string) => !connect.connect.isHeld(hostname)
  const storeKey = folder.secret("store-key")
  const dns = new Dns({ config, hosts: ownHosts, challengeKey: storeKey, log })
  const live = new LiveHub()
  undo.push(() => live.stop())
  const timeline = openTimeline(db, log, now, (personId) => live.changed("hostnames", personId), agingNow)
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
      directory: (name) => connect.advice.directory(name),
    },
    isTest: (name) => connect.connect.isTest(name),
    onStep: (name, step) => timeline.noteStep(name, step),
    ownHosts,
    verifiedNames: async () => [...(await features.verified()).map(({ domain }) => domain), ...(await connect.connect.provenNames())],
    onReplaced: (hostname) => edge.forgetCertificate(hostname),
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
  const features: Features = new Features({
    config,
    db,
    folder,
    certificates: certification.certificates,
    dns,
    isOwnIssuer: certification.isOwnIssuer,
    ownListeners,
    portProblem: (port) => portListeners.problem(port),
    publish: () => publisher.publish(),
    timeline,
    onContainers: () => live.changed("containers"),
    moreHoldings: [...connectHoldings(() => connect), ...storage.holdings],
    counters,
    log,
    now,
    agingNow,
  })
  const { rootPem } = certification
  const reloadParts = () => {
    for (const part of [dns, api, edge, portListeners, features]) part.reload()
    live.changedForAdmins("settings")
  }
  const house: House = new House({
    config,
    db,
    dataDir: folder.path,
    disk: () => storage.blobs.disk(),
    listeners: () => listenersOf(config.current, { api, edge, dns, ssh }),
    dns: () => dns.describe(),
    rootPem,
    reloadParts,
    onEngine: () => live.changed("containers"),
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
    isOwnIssuer: certification.isOwnIssuer,
    challengeTarget: (claim) => dns.challengeTarget(claim),
    publish: () => publisher.publish(),
    container: (id) => features.compute.forMapping(id),
    originProblem: features.compute.originProblem,
    ownListeners,
    httpsPort: () => edge.httpsPort,
    rootPem,
    timeline,
    log,
    now,
    agingNow,
  })
  const portListeners: PortListeners = new PortListeners({
    config,
    routes: table,
    httpsPort: () => edge.httpsPort,
    certification,
    write: toStandardOutput,
    traffic: counters,
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
  const ssh = new Ssh({ config, db, folder, onAttempt: (attempt) => void features.administration.noteSshLogin(attempt), log, now })
  const api: Api = new Api({
    config,
    socket: folder.apiSocket,
    features,
    connect,
    timeline,
    live,
    storage,
    s3,
    house,
    mayIssue: (hostname) => table.match(hostname) !== undefined && mayOrder(table.certifiedBy(hostname)),
    ssh: ssh.service,
    checkup: makeCheckup({
      config,
      lookup: dns.lookup,
      ports: () => ({ http: edge.httpPort, https: edge.httpsPort }),
      mappings: features.mappings,
      isServed: gate,
      now,
    }),
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
  await start(dns)
  await start(timeline)
  await start(storage)
  await start(s3)
  await start(api)
  // Its last minute is written when the edge has counted its last request.
  await start(features.traffic)
  await start(edge)
  await start(portListeners)
  await start(ssh)
  // Ports that the system chose are known only now, and no container may lead to one of ours.
  if ([apiListen, httpListen, httpsListen].some(({ port }) => port === 0)) await publisher.publish()
  await start(certification)
  await start(features)
  await start(house)
  await start(connect)
  await start(ballast)
  await start(clock)

  const secret = await features.people.setupSecret()
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
