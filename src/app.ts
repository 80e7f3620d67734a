import { Authenticator } from "./accounts/authenticator"
import { LoginLimit } from "./accounts/login-limit"
import { People } from "./accounts/people"
import { accountRoutes } from "./accounts/routes"
import { setupRoutes } from "./accounts/setup-routes"
import { Signer } from "./accounts/signer"
import { AccountStore } from "./accounts/store"
import { Tokens } from "./accounts/tokens"
import { ChallengeBoard } from "./acme/challenges"
import { Issuers } from "./acme/issuers"
import { Reconciler } from "./compute/reconcile"
import { computeRoutes } from "./compute/routes"
import { ComputeService } from "./compute/service"
import { ContainerStore } from "./compute/store"
import type { Config } from "./config"
import { DataFolder } from "./data-folder"
import { openDatabase } from "./db/open"
import { DnsListener } from "./dns/listener"
import { platformZone } from "./dns/platform-zone"
import { Resolver } from "./dns/resolver"
import { ianaRoots, parseRoots } from "./dns/root-hints"
import { AccessLog } from "./edge/access-log"
import { CertificateStore } from "./edge/certificate-store"
import { Certificates } from "./edge/certificates"
import { challengeContexts } from "./edge/challenge-contexts"
import { EdgeListener } from "./edge/listener"
import { PlainListener } from "./edge/plain-listener"
import { RenewalWorker } from "./edge/renewal"
import { RouteTable } from "./edge/route-table"
import { findEngine } from "./engine/engine"
import { AppError, describeError } from "./errors"
import { isWithin } from "./hostname"
import { ClientAddresses } from "./http/client-address"
import { allowOrigins } from "./http/cors"
import { Guards } from "./http/guards"
import { httpRoot } from "./http/root"
import { publicRoutes } from "./http/public-routes"
import { listenAt, serveApi, serveEdgeApi } from "./listen"
import type { Log } from "./log"
import { mappingRoutes } from "./mappings/routes"
import { MappingService } from "./mappings/service"
import { MappingStore } from "./mappings/store"
import { Publisher } from "./publisher"
import type { Listen } from "./settings"
import { Vault } from "./vault"
import { Worker } from "./worker"
import { CloudflareProvider } from "./zones/cloudflare"
import { zoneRoutes } from "./zones/routes"
import { ZoneService } from "./zones/service"
import { ZoneStore } from "./zones/store"

/** A running appliance. `setupUrl` is there while nobody exists; ports are those really listened on. */
export type App = {
  ports: { api: number; http: number; https: number; dns?: number }
  setupUrl: string | undefined
  rootPem: () => Promise<string>
  /** Finishes requests under way for at most `drainMs`, then ends everything. */
  stop: (drainMs: number) => Promise<void>
}

/** The composition root: makes everything, wires it and starts it. Throws, with nothing left running, when a part cannot start. */
export async function startApp(config: Config, log: Log): Promise<App> {
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
    return await compose(config, log, undo, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function compose(config: Config, log: Log, undo: (() => unknown)[], stopAll: () => Promise<void>): Promise<App> {
  const now = Date.now
  const folder = new DataFolder(config.dataDir)
  const db = await openDatabase(folder.storeFile)
  undo.push(() => db.destroy())
  const storeVault = new Vault(folder.secret("store-key"))
  const isAllowedOrigin = allowOrigins(config.allowedOrigins)
  const { people, tokens, guards } = accounts()

  const board = new ChallengeBoard()
  const certificateStore = new CertificateStore(db, storeVault)
  const privateNames = [...config.privateZones, "localhost"]
  const issuers = new Issuers({
    directory: config.acmeDirectory,
    fallbackDirectory: config.acmeFallbackDirectory,
    caPem: config.acmeCa,
    email: config.acmeEmail,
    eab: config.acmeEab,
    accountKeeper: (url) => certificateStore.accountKeeper(url, now),
    rootKeeper: certificateStore.rootKeeper("internal", now),
    board,
    isPrivate: (hostname) => privateNames.some((zone) => isWithin(hostname, zone)),
    now,
  })
  const issuerFor = (hostname: string) => issuers.for(hostname)

  const table = new RouteTable()
  const gate = (hostname: string) => table.match(hostname) !== undefined
  const certificates = new Certificates({ gate, store: certificateStore, issuerFor, log, now, handshakeWaitMs: 20_000 })
  const renewal = new RenewalWorker({ store: certificateStore, certificates, gate, issuerFor, log, now })

  const resolver = new Resolver({ roots: roots(), port: config.dnsPort, doh: config.dnsDoh })
  undo.push(() => resolver.stop())
  const mappingStore = new MappingStore(db)
  const ports: App["ports"] = { api: config.apiListen.port, http: config.httpListen.port, https: config.httpsListen.port }

  const engine = findEngine(config.containerEngine)
  const containerStore = new ContainerStore(db)
  const compute = new ComputeService({
    store: containerStore,
    engine,
    baseDomain: config.baseDomain,
    containerCap: config.containerLimit,
    allowUpstreams: config.allowUpstreams,
    ownListeners: () => ownListeners(),
    onChange: () => republish(),
    log,
    now,
  })
  const reconciler = new Reconciler({ service: compute, store: containerStore, engine, log })

  const ownHosts = ["", "net.", "auth.", "compute.", "storage.", "connect."].map((prefix) => prefix + config.baseDomain)
  const sources = {
    mappings: mappingStore.verified,
    containers: () => compute.targets(),
    ownHosts,
    ownUpstream: { unix: folder.apiSocket },
  }
  const publisher = new Publisher(sources, table)
  const republish = () => void publisher.publish().catch((error) => log.error("routes could not be published", { error }))

  const zones = new ZoneService({
    store: new ZoneStore(db),
    vault: config.encryptionKey === "none" ? undefined : new Vault(config.encryptionKey ?? folder.secret("encryption-key")),
    provider: new CloudflareProvider({ baseUrl: config.cloudflareApi }),
    target: `ingress.${config.baseDomain}`,
    log,
    now,
  })
  const mappings = new MappingService({
    store: mappingStore,
    baseDomain: config.baseDomain,
    privateZones: config.privateZones,
    container: (id) => compute.forMapping(id),
    lookupTxt: (name) => resolver.lookup(name, "TXT"),
    automate: (personId, domain) => zones.automate(personId, domain),
    unautomate: (personId, domain) => zones.unautomate(personId, domain),
    publish: () => publisher.publish(),
    certify: (domain) => void certificates.obtain(domain),
    forgetCertificate: (domain) => certificates.remove(domain),
    certificateStatus: (domain) => certificates.status(domain),
    maxPending: config.maxPendingMappings,
    intervalMs: config.verifyIntervalMs,
    expiryMs: config.verifyExpiryMs,
    log,
    now,
  })
  const verifyPauseMs = Math.min(config.verifyIntervalMs, 5000)
  const verifier = new Worker(
    (signal) => mappings.checkDue(signal),
    () => verifyPauseMs,
    log,
    "background job failed",
  )

  const addresses = new ClientAddresses()
  const door = {
    session: (request: Request) => guards.session(request),
    maybeSession: (request: Request) => guards.maybeSession(request),
    address: (request: Request) => addresses.of(request),
  }
  const root = httpRoot({
    routes: [
      publicRoutes(() => issuers.internal.rootPem()),
      accountRoutes(people, tokens, door),
      setupRoutes(people, door.address),
      zoneRoutes(zones, guards.networking),
      mappingRoutes(mappings, guards.networking),
      computeRoutes(compute, guards.compute),
    ],
    isAllowedOrigin,
    log,
  })

  if (config.admin !== undefined) await createAdmin(config.admin.username, config.admin.password)
  await publisher.publish()
  const drain = await startListeners()
  // Ports that the system chose are known only now, and no container may lead to one of ours.
  if ([config.apiListen, config.httpListen, config.httpsListen].some(({ port }) => port === 0)) await publisher.publish()
  reconciler.start()
  undo.push(() => reconciler.stop())
  renewal.start()
  undo.push(async () => {
    // Orders under way are cut short, and stay due for the next start.
    const ordersEnded = certificates.stop()
    issuers.stop()
    await ordersEnded
    await renewal.stop()
  })
  verifier.start()
  undo.push(() => verifier.stop())
  for (const host of ownHosts) void certificates.obtain(host)
  void obtainMissing()

  const secret = await people.setupSecret()
  const setupUrl = secret === undefined ? undefined : `http://${config.apiListen.host ?? "localhost"}:${ports.api}/setup/${secret}`
  return { ports, setupUrl, rootPem: () => issuers.internal.rootPem(), stop }

  async function stop(drainMs: number): Promise<void> {
    await drain(drainMs)
    await stopAll()
  }

  /** Names that were verified by a process that ended before it ordered. A few at a time, for there may be many. */
  async function obtainMissing(): Promise<void> {
    for (const { domain } of await mappingStore.verified()) {
      if ((await certificates.status(domain)).state === "none") await certificates.obtain(domain)
    }
  }

  async function createAdmin(username: string, password: string): Promise<void> {
    try {
      await people.createFirst(username, password)
    } catch (error) {
      throw error instanceof AppError ? new Error(`FREEHOLD_ADMIN_USERNAME and FREEHOLD_ADMIN_PASSWORD: ${error.message}`) : error
    }
  }

  function accounts() {
    const store = new AccountStore(db)
    const signer = new Signer(config.jwtSecret ?? folder.secret("jwt-secret"), now)
    return {
      people: new People(store, signer, new LoginLimit(now), now),
      tokens: new Tokens(store, signer, now),
      guards: new Guards(new Authenticator(store, signer, now), isAllowedOrigin),
    }
  }

  function roots() {
    if (config.dnsRoots === undefined) return ianaRoots
    try {
      return parseRoots(config.dnsRoots, config.dnsPort)
    } catch (error) {
      throw new AppError("invalid", `FREEHOLD_DNS_ROOTS: ${describeError(error)}`)
    }
  }

  function ownListeners(): { address: string; port: number }[] {
    const at = (listen: Listen, port: number) => ({ address: listen.host ?? "0.0.0.0", port })
    return [at(config.apiListen, ports.api), at(config.httpListen, ports.http), at(config.httpsListen, ports.https)]
  }

  async function startListeners(): Promise<(ms: number) => Promise<void>> {
    const handle = (request: Request, address: string | undefined) => {
      addresses.note(request, address)
      return root.handle(request)
    }
    const inner = serveEdgeApi(folder.apiSocket, handle)
    undo.push(() => inner.stop(true))
    const outer = serveApi("api_listen", config.apiListen, handle)
    undo.push(() => outer.stop(true))
    ports.api = outer.port ?? config.apiListen.port

    // A visit is news of level info.
    const isLogged = config.logLevel === "info" || config.logLevel === "debug"
    const accessLog = new AccessLog((lines) => void (isLogged && process.stdout.write(lines)))
    const challengeContext = challengeContexts(board, gate)
    const secureContext = (name: string) => certificates.secureContext(name)
    const edge = new EdgeListener({ routes: table, secureContext, challengeContext, log, accessLog, limits: { handshakeMs: 25_000 } })
    undo.push(
      () => accessLog.stop(),
      () => edge.stop(),
    )
    ports.https = await listenAt("https_listen", config.httpsListen, edge)
    const plain = new PlainListener({ routes: table, challenge: (token) => board.httpAnswer(token), httpsPort: () => ports.https, log })
    undo.push(() => plain.stop())
    ports.http = await listenAt("http_listen", config.httpListen, plain)
    if (config.dnsListen !== undefined) ports.dns = await startDns(config.dnsListen)
    return (ms: number) => edge.drain(ms)
  }

  async function startDns(listen: Listen): Promise<number> {
    const publicAddresses = [config.publicIpv4, config.publicIpv6].filter((address) => address !== undefined)
    if (publicAddresses.length === 0) log.warn("the zone has no addresses: set FREEHOLD_PUBLIC_IPV4 or FREEHOLD_PUBLIC_IPV6")
    const zone = platformZone(config.baseDomain, ownHosts, publicAddresses)
    const dns = new DnsListener({ zones: () => [zone], onFault: (error) => log.error("a DNS query could not be answered", { error }) })
    undo.push(() => dns.stop())
    return listenAt("dns_listen", listen, dns)
  }
}
