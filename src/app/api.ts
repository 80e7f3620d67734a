import { adminRoutes } from "../accounts/admin-routes"
import { cliLoginRoutes } from "../accounts/cli-login-routes"
import { resetRoutes } from "../accounts/reset-routes"
import { accountRoutes } from "../accounts/routes"
import { sessionsAdminRoutes } from "../accounts/sessions-admin-routes"
import { settingsRoutes } from "../accounts/settings-routes"
import { setupRoutes } from "../accounts/setup-routes"
import { twoFactorAdminRoutes } from "../accounts/two-factor-admin-routes"
import { twoFactorRoutes } from "../accounts/two-factor-routes"
import { alertRoutes } from "../alerts/routes"
import type { Alerts } from "../alerts/service"
import { auditRoutes } from "../audit/routes"
import { computeWideRoutes, containerPartRoutes } from "../compute/part-routes"
import { computeRoutes } from "../compute/routes"
import { sshRoutes } from "../compute/ssh-routes"
import type { SshService } from "../compute/ssh-service"
import { ticketRoutes } from "../compute/ticket-routes"
import { type Checkup, checkRoutes } from "../checks/routes"
import { backupRoutes } from "../backup/routes"
import type { Backups } from "../backup/service"
import type { ConfigInForce } from "../config"
import { ClientAddresses } from "../http/client-address"
import { dashboardRoutes } from "../http/dashboard-routes"
import { allowOrigins, isContainerPage } from "../http/cors"
import { Guards } from "../http/guards"
import { healthRoutes } from "../health/routes"
import type { OpenSocket } from "../http/open-socket"
import { publicRoutes } from "../http/public-routes"
import { RequestAudit } from "../http/request-audit"
import { referenceRoutes } from "../http/reference/routes"
import { type ApiRoute, type HttpRoot, httpRoot } from "../http/root"
import { widgetRoutes } from "../http/widget-routes"
import { sessionCookie, sessionCookies } from "../http/session-cookie"
import type { Sockets } from "../http/sockets"
import { houseRoutes } from "../house/routes"
import type { LiveHub, Topic } from "../live/hub"
import { liveRoutes } from "../live/routes"
import { topicsOf } from "../live/topics"
import { serveApi, serveEdgeApi } from "../listen"
import type { Log } from "../log"
import { mappingRoutes } from "../mappings/routes"
import { tusDiscovery } from "../storage/tus-routes"
import { mappingTimelineRoutes } from "../timeline/routes"
import type { Timeline } from "../timeline/timeline"
import { mappingRequestRoutes } from "../traffic/request-routes"
import { mappingTrafficRoutes } from "../traffic/routes"
import { zoneRoutes } from "../zones/routes"
import type { WrittenRecords } from "../zones/written-records"
import { Asking } from "./asking"
import type { ConnectHouse } from "./connect-house"
import { DashboardBundle } from "./dashboard-bundle"
import { overviewRoutes } from "../overview/routes"
import { namePreflightRoutes } from "../preflight/routes"
import type { Features } from "./features"
import type { House } from "./house"
import type { Monitoring } from "./monitoring"
import type { S3 } from "./s3"
import { mappingViews } from "./mapping-views"
import { NameCheck } from "./name-check"
import type { Storage } from "./storage"
import type { HostTraffic } from "./traffic"
import { makeSockets } from "./sockets"
import { WidgetScript } from "./widget-script"

export type ApiNeeds = {
  config: ConfigInForce
  /** Path of the private socket at which the edge finds the API. */
  socket: string
  features: Features
  connect: ConnectHouse
  timeline: Timeline
  written: WrittenRecords
  traffic: HostTraffic
  /** Tells open pages what has changed. */
  live: LiveHub
  storage: Storage
  s3: S3
  house: House
  monitoring: Monitoring
  /** What other proxies ask about names. */
  asking: Asking
  backups: Backups
  ssh: SshService
  /** What administrators may look at of this server. */
  checkup: Checkup
  alerts: Alerts
  rootPem: () => Promise<string>
  /** All that may be told of a name's certificate, as the APIs show it. */
  certificateReport: (hostname: string) => Promise<object>
  log: Log
}

/** What one administrator changes the others see. */
const ofTheHouse: ReadonlySet<Topic> = new Set(["people", "sessions", "settings"])

/** The HTTP API over the features: its routes and guards, the open listener, and the private one for the edge. */
export class Api {
  /** The port of the open listener; before the start that of the setting. */
  port: number
  private addresses = new ClientAddresses()
  /** From where a request came that a listener has taken. */
  readonly addressOf = (request: Request): string => this.addresses.of(request)
  private isAllowed: (origin: string) => boolean
  /** The API as the listeners serve it. */
  readonly root: HttpRoot
  private sockets: Sockets
  private asking: Asking
  private servers: Bun.Server<OpenSocket>[] = []

  constructor(private needs: ApiNeeds) {
    const { config, features, connect, timeline, traffic, live, ssh, rootPem, log } = needs
    this.port = config.current.apiListen.port
    this.isAllowed = allowOrigins(config.current.allowedOrigins)
    const isAllowedOrigin = (origin: string) => this.isAllowed(origin)
    const guards = new Guards(features.authenticator, isAllowedOrigin, (origin) => {
      const { baseDomain, allowedOrigins } = config.current
      return isContainerPage(origin, baseDomain, allowedOrigins)
    })
    const { people, links, trail } = features.administration
    const address = this.addressOf
    const ofConnect = connect.routes(guards)
    const audit = new RequestAudit({
      record: async (entry) => {
        await trail.record(entry)
        live.changedForAdmins("audit")
        if (entry.outcome !== "allowed" || entry.personId === null) return
        for (const topic of topicsOf(entry.action)) {
          live.changed(topic, entry.personId)
          if (ofTheHouse.has(topic)) live.changedForAdmins(topic)
        }
      },
      who: guards.who,
      whoElse: ofConnect.who,
      refusedToken: guards.refusedToken,
      address,
    })
    const door = {
      session: (request: Request) => guards.session(request),
      maybeSession: (request: Request) => guards.maybeSession(request),
      address,
      tried: audit.tried,
    }
    const { sockets, tickets } = makeSockets({ features, guards, isAllowedOrigin, addresses: this.addresses, audit, log })
    this.sockets = sockets
    features.administration.whenStopped((personId) => sockets.endOf(personId))
    const names = new NameCheck({
      mappings: features.mappings,
      zones: features.zones,
      world: connect.world,
      usual: connect.usualRecords,
      take: (personId) => connect.questions.take(personId),
    })
    const mapping = ({ personId }: { personId: string }, id: string) => features.mappings.hostnameOf(personId, id)
    this.root = httpRoot({
      routes: [
        sessionCookies(),
        dashboardRoutes(new DashboardBundle().dashboard),
        liveRoutes(live, (request) => guards.session(request)),
        healthRoutes(needs.monitoring.health),
        publicRoutes(rootPem),
        referenceRoutes(() => this.routes),
        widgetRoutes(new WidgetScript().text),
        accountRoutes(features.ownAccount.login, features.people, features.tokens, door),
        cliLoginRoutes(),
        twoFactorRoutes(features.ownAccount.login, door),
        settingsRoutes(features.ownAccount.settings, door),
        sessionsAdminRoutes(features.ownAccount.settings.sessions, guards.admin),
        twoFactorAdminRoutes(features.ownAccount.settings.twoFactor, guards.admin),
        setupRoutes(features.people, door.address, (request, person) => {
          audit.letIn(request, person)
          return sessionCookie(request, person.token)
        }),
        adminRoutes(people, guards.admin),
        resetRoutes(links, audit.letIn),
        checkRoutes(needs.checkup, guards.admin),
        alertRoutes(needs.alerts, guards.admin),
        auditRoutes(trail, door.session),
        houseRoutes(needs.house.parts, guards.admin),
        backupRoutes(needs.backups, guards.admin),
        overviewRoutes(needs.house.overview, door.session),
        zoneRoutes(features.zones, this.needs.written, guards.networking),
        mappingRoutes(features.mappings, guards.networking),
        mappingTrafficRoutes(traffic, guards.networking, mapping, ({ personId }) => features.mappingIds(personId)),
        mappingRequestRoutes(traffic.requests, guards.networking, mapping),
        mappingTimelineRoutes(timeline, guards.networking, mapping),
        ...mappingViews(needs, guards.networking),
        namePreflightRoutes(guards.networking, (caller, hostname) => names.check(caller, hostname)),
        ...ofConnect.routes,
        computeRoutes(features.compute, guards.compute),
        containerPartRoutes(features.parts, guards.compute),
        computeWideRoutes(features.parts, guards.compute, guards.computeAdmin),
        ticketRoutes(
          tickets,
          (request) => guards.principal(request),
          (path) => sockets.hasPath(path),
        ),
        sshRoutes(ssh, guards.compute),
        ...needs.storage.routes({
          scoped: guards.storage,
          token: (request) => guards.principal(request, true),
          session: door.session,
          admin: guards.admin,
        }),
      ],
      isAllowedOrigin,
      discovery: tusDiscovery,
      embeds: connect.connect.applications.embeds,
      durable: () => needs.storage.durable.flush(),
      audit,
      log,
    })
    this.asking = needs.asking
  }

  /** Every route by method and pattern, those that open a WebSocket too. */
  get routes(): readonly ApiRoute[] {
    return [...this.root.routes, ...this.sockets.paths.map((path) => ({ method: "GET", path, isSocket: true as const }))]
  }

  /** Listens; throws an error that names the setting. */
  start(): void {
    const { config, socket, s3 } = this.needs
    const { sockets } = this
    const handle = (request: Request, address: string | undefined, server: Bun.Server<OpenSocket>) => {
      this.addresses.note(request, address)
      if (s3.concerns(request)) return s3.handle(request)
      if (sockets.concerns(request)) return sockets.answer(request, (...upgrade) => server.upgrade(...upgrade))
      return this.root.handle(request)
    }
    this.servers.push(serveEdgeApi(socket, handle, sockets.handler))
    // What other proxies and Prometheus ask is answered at the listener for the house alone, never to the world.
    const inHouse: typeof handle = async (request, ...rest) =>
      this.asking.answer(request) ?? this.needs.monitoring.scrape.answer(request) ?? handle(request, ...rest)
    const open = serveApi("api_listen", config.current.apiListen, inHouse, sockets.handler)
    this.servers.push(open)
    this.port = open.port ?? this.port
  }

  /** Takes over the allowed origins. */
  reload(): void {
    this.isAllowed = allowOrigins(this.needs.config.current.allowedOrigins)
  }

  /** Closes the WebSockets, so that their clients know that the server goes. */
  endSockets(): Promise<void> {
    return this.sockets.stop()
  }

  /** Ends requests under way too. */
  async stop(): Promise<void> {
    await this.sockets.stop()
    for (const server of this.servers.splice(0).reverse()) await server.stop(true)
  }
}
