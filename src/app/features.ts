import { join } from "node:path"
import { Authenticator } from "../accounts/authenticator"
import { LoginLimit } from "../accounts/login-limit"
import { People } from "../accounts/people"
import { Signer } from "../accounts/signer"
import { AccountStore } from "../accounts/store"
import { Tokens } from "../accounts/tokens"
import { webauthnOrigins } from "../accounts/webauthn"
import { ContainerParts } from "../compute/container-parts"
import { Reconciler } from "../compute/reconcile"
import { Registries } from "../compute/registries"
import { ComputeService } from "../compute/service"
import { StatusSockets } from "../compute/status-sockets"
import { ContainerStore } from "../compute/store"
import { Terminals } from "../compute/terminals"
import type { ConfigInForce } from "../config"
import type { DataFolder } from "../data-folder"
import type { Db } from "../db/open"
import type { Certificates } from "../edge/certificates"
import { findEngine } from "../engine/engine"
import { AppError } from "../errors"
import type { Log } from "../log"
import { MappingService } from "../mappings/service"
import { MappingStore } from "../mappings/store"
import type { TrafficSource } from "../traffic/model"
import { TrafficService } from "../traffic/service"
import { TrafficStore } from "../traffic/store"
import { Vault } from "../vault"
import { Worker } from "../worker"
import { CloudflareProvider } from "../zones/cloudflare"
import { ZoneService } from "../zones/service"
import { ZoneStore } from "../zones/store"
import { HouseAdministration } from "./administration"
import type { Dns } from "./dns"
import { OwnAccount } from "./own-account"

export type FeatureNeeds = {
  config: ConfigInForce
  db: Db
  folder: DataFolder
  certificates: Certificates
  lookupTxt: Dns["lookupTxt"]
  /** Where this process itself listens. */
  ownListeners: () => { address: string; port: number }[]
  /** Why the edge cannot listen at a port that an ingress rule names; undefined while it can. */
  portProblem: (port: number) => string | undefined
  /** Brings what the store has now to the edge, and resolves when it is live. */
  publish: () => Promise<void>
  /** What the edge counts. */
  counters: TrafficSource
  log: Log
  now: () => number
}

/** The features of the control plane, each with what it needs of the others, and the work that they do in the background. */
export class Features {
  readonly people: People
  readonly ownAccount: OwnAccount
  readonly tokens: Tokens
  readonly authenticator: Authenticator
  readonly zones: ZoneService
  readonly mappings: MappingService
  readonly compute: ComputeService
  /** What belongs to containers besides their lives. */
  readonly parts: ContainerParts
  readonly statusSockets: StatusSockets
  readonly terminals: Terminals
  /** All verified mappings, for the edge. */
  readonly verified: MappingStore["verified"]
  readonly traffic: TrafficService
  readonly administration: HouseAdministration
  private reconciler: Reconciler
  private verifier: Worker

  constructor(private needs: FeatureNeeds) {
    const { config, db, folder, log, now } = needs
    const accounts = new AccountStore(db)
    const signer = new Signer(config.current.jwtSecret ?? folder.secret("jwt-secret"), now)
    this.people = new People(accounts, signer, new LoginLimit(now), now)
    this.ownAccount = this.makeOwnAccount(signer)
    this.tokens = new Tokens(accounts, signer, now)
    this.authenticator = new Authenticator(accounts, signer, now)
    this.zones = this.makeZones()
    const containers = new ContainerStore(db)
    const engine = findEngine(config.current.containerEngine)
    const registries = new Registries(containers, new Vault(folder.secret("store-key")), now)
    this.compute = this.makeCompute(containers, engine, registries)
    this.parts = this.makeParts(containers, engine, registries)
    this.statusSockets = new StatusSockets({ list: (caller) => this.compute.list(caller), log })
    this.terminals = new Terminals({ find: (id) => containers.find(id), engine, log })
    this.reconciler = new Reconciler({ service: this.compute, store: containers, engine, log })
    const mappingStore = new MappingStore(db)
    this.verified = mappingStore.verified
    const { find: mapping, holders } = mappingStore
    this.traffic = new TrafficService({ store: new TrafficStore(db), source: needs.counters, mapping, holders, log, now })
    this.mappings = this.makeMappings(mappingStore)
    this.administration = new HouseAdministration({ config, db, mappings: this.mappings, compute: this.compute, log, now })
    this.verifier = new Worker(
      (signal) => this.mappings.checkDue(signal),
      () => Math.min(config.current.verifyIntervalMs, 5000),
      log,
      "background job failed",
    )
  }

  /** Makes the person whom the settings name, unless there is one already. Throws an error that names the settings. */
  async createAdmin(): Promise<void> {
    const { admin } = this.needs.config.current
    if (admin === undefined) return
    try {
      await this.people.createFirst(admin.username, admin.password)
    } catch (error) {
      throw error instanceof AppError ? new Error(`FREEHOLD_ADMIN_USERNAME and FREEHOLD_ADMIN_PASSWORD: ${error.message}`) : error
    }
  }

  /** Starts the work in the background. */
  start(): void {
    this.reconciler.start()
    this.parts.start()
    this.verifier.start()
    this.administration.start()
  }

  /** Which addresses may be led to decides what the edge is told. */
  reload(): void {
    void this.republish()
  }

  async stop(): Promise<void> {
    await this.administration.stop()
    await this.verifier.stop()
    await this.parts.stop()
    await this.reconciler.stop()
  }

  private republish(): Promise<void> {
    return this.needs.publish().catch((error) => this.needs.log.error("routes could not be published", { error }))
  }

  private makeOwnAccount(signer: Signer): OwnAccount {
    const { config, db, folder, now } = this.needs
    const { baseDomain, httpsListen } = config.current
    return new OwnAccount({
      db,
      vault: new Vault(folder.secret("store-key")),
      signer,
      people: this.people,
      baseDomain,
      webauthnOrigins: () => webauthnOrigins(config.current.allowedOrigins, baseDomain, httpsListen.port),
      now,
    })
  }

  private makeZones(): ZoneService {
    const { config, db, folder, log, now } = this.needs
    const { encryptionKey, cloudflareApi, baseDomain } = config.current
    return new ZoneService({
      store: new ZoneStore(db),
      vault: encryptionKey === "none" ? undefined : new Vault(encryptionKey ?? folder.secret("encryption-key")),
      provider: new CloudflareProvider({ baseUrl: cloudflareApi }),
      target: `ingress.${baseDomain}`,
      log,
      now,
    })
  }

  private makeCompute(store: ContainerStore, engine: ReturnType<typeof findEngine>, registries: Registries): ComputeService {
    const { config, folder, ownListeners, log, now } = this.needs
    return new ComputeService({
      store,
      engine,
      baseDomain: config.current.baseDomain,
      // What may change while running is read at each use.
      get containerCap() {
        return config.current.containerLimit
      },
      get allowUpstreams() {
        return config.current.allowUpstreams
      },
      ownListeners,
      volumesFolder: join(folder.path, "volumes"),
      login: registries.login,
      mappedPorts: async (id) => (await this.verified()).filter((one) => one.containerId === id).map((one) => one.targetPort),
      memoryUsedMb: (id) => this.parts.usage.memoryMb(id),
      onChange: () => {
        this.statusSockets.changed()
        return this.republish()
      },
      log,
      now,
    })
  }

  private makeParts(store: ContainerStore, engine: ReturnType<typeof findEngine>, registries: Registries): ContainerParts {
    const { config, folder, certificates, portProblem, log, now } = this.needs
    return new ContainerParts({
      store,
      engine,
      compute: this.compute,
      registries,
      volumesFolder: join(folder.path, "volumes"),
      baseDomain: config.current.baseDomain,
      // Only when the name is a route may it have one.
      certify: (hostname) =>
        void this.needs
          .publish()
          .then(() => certificates.obtain(hostname))
          .catch((error) => log.error("a container's name could not be certified", { hostname, error })),
      portProblem,
      log,
      now,
    })
  }

  private makeMappings(store: MappingStore): MappingService {
    const { config, lookupTxt, certificates, publish, log, now } = this.needs
    return new MappingService({
      store,
      baseDomain: config.current.baseDomain,
      privateZones: config.current.privateZones,
      container: (id) => this.compute.forMapping(id),
      lookupTxt,
      automate: (personId, domain) => this.zones.automate(personId, domain),
      unautomate: (personId, domain) => this.zones.unautomate(personId, domain),
      publish,
      certify: (domain) => void certificates.obtain(domain),
      forgetCertificate: (domain) => certificates.remove(domain),
      certificateStatus: (domain) => certificates.status(domain),
      get maxPending() {
        return config.current.maxPendingMappings
      },
      get intervalMs() {
        return config.current.verifyIntervalMs
      },
      get expiryMs() {
        return config.current.verifyExpiryMs
      },
      log,
      now,
    })
  }
}
