import { accountRoutes } from "../accounts/routes"
import { setupRoutes } from "../accounts/setup-routes"
import { computeRoutes } from "../compute/routes"
import type { ConfigInForce } from "../config"
import { ClientAddresses } from "../http/client-address"
import { allowOrigins } from "../http/cors"
import { Guards } from "../http/guards"
import { publicRoutes } from "../http/public-routes"
import { httpRoot } from "../http/root"
import { serveApi, serveEdgeApi } from "../listen"
import type { Log } from "../log"
import { mappingRoutes } from "../mappings/routes"
import { trafficRoutes } from "../traffic/routes"
import { zoneRoutes } from "../zones/routes"
import type { Features } from "./features"

export type ApiNeeds = {
  config: ConfigInForce
  /** Path of the private socket at which the edge finds the API. */
  socket: string
  features: Features
  rootPem: () => Promise<string>
  log: Log
}

/** The HTTP API over the features: its routes and guards, the open listener, and the private one for the edge. */
export class Api {
  /** The port of the open listener; before the start that of the setting. */
  port: number
  private addresses = new ClientAddresses()
  private isAllowed: (origin: string) => boolean
  private root: ReturnType<typeof httpRoot>
  private servers: Bun.Server<unknown>[] = []

  constructor(private needs: ApiNeeds) {
    const { config, features, rootPem, log } = needs
    this.port = config.current.apiListen.port
    this.isAllowed = allowOrigins(config.current.allowedOrigins)
    const isAllowedOrigin = (origin: string) => this.isAllowed(origin)
    const guards = new Guards(features.authenticator, isAllowedOrigin)
    const door = {
      session: (request: Request) => guards.session(request),
      maybeSession: (request: Request) => guards.maybeSession(request),
      address: (request: Request) => this.addresses.of(request),
    }
    this.root = httpRoot({
      routes: [
        publicRoutes(rootPem),
        accountRoutes(features.people, features.tokens, door),
        setupRoutes(features.people, door.address),
        zoneRoutes(features.zones, guards.networking),
        mappingRoutes(features.mappings, guards.networking),
        trafficRoutes(features.traffic, guards.networking),
        computeRoutes(features.compute, guards.compute),
      ],
      isAllowedOrigin,
      log,
    })
  }

  /** Listens; throws an error that names the setting. */
  start(): void {
    const { config, socket } = this.needs
    const handle = (request: Request, address: string | undefined) => {
      this.addresses.note(request, address)
      return this.root.handle(request)
    }
    this.servers.push(serveEdgeApi(socket, handle))
    const open = serveApi("api_listen", config.current.apiListen, handle)
    this.servers.push(open)
    this.port = open.port ?? this.port
  }

  /** Takes over the allowed origins. */
  reload(): void {
    this.isAllowed = allowOrigins(this.needs.config.current.allowedOrigins)
  }

  /** Ends requests under way too. */
  async stop(): Promise<void> {
    for (const server of this.servers.splice(0).reverse()) await server.stop(true)
  }
}
