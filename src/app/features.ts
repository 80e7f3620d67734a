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
import { findEngine } from "../engine/sockets"
import { AppError } from "../errors"
import { withoutWildcard } from "../hostname"
import type { Log } from "../log"
import { MappingService } from "../mappings/service"
import { MappingStore } from "../mappings/store"
import type { Timeline } from "../timeline/timeline"
import { Vault } from "../vault"
import { Worker } from "../worker"
import { CloudflareProvider } from "../zones/cloudflare"
import { ZoneService } from "../zones/service"
import { ZoneStore } from "../zones/store"
import type { WrittenRecords } from "../zones/written-records"
import type { Holding } from "../accounts/administration"
import { HouseAdministration } from "./administration"
import type { Dns } from "./dns"
import { OwnAccount } from "./own-account"

export type FeatureNeeds = {
  config: ConfigInForce
  db: Db
  folder: DataFolder
  certificates: Certificates
  dns: Pick<Dns, "lookupTxt" | "challengeTarget">
  /** Whether the built-in CA certifies a name. */
  isOwnIssuer: (name: string) => boolean
  /** Where this process itself listens. */
  ownListeners: () => { address: string; port: number }[]
  /** Why the edge cannot listen at a port that an ingress rule names; undefined while it can. */
  portProblem: (port: number) => string | undefined
  /** Brings what the store has now to the edge, and resolves when it is live. */
  publish: () => Promise<void>
  timeline: Timeline
  /** What people own besides what is made here. */
  moreHoldings: Holding[]
  log: Log
  /** The records that are written at providers. */
  written: WrittenRecords
  /** Something about somebody's containers may have changed. */
  onContainers: () => void
  now: () => number
  /** The time by which what is old is removed. */
  agingNow: () => number
}

/** The features of the control plane, each with what it needs of the others, and the work that they do in the background. */
export class Features {
  readonly signer: Signer
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
  /** The ids of a person's mappings. */
  readonly mappingIds: MappingStore["ids"]
  readonly administration: HouseAdministration
  private mappingStore: MappingStore
  private reconciler: Reconciler
  private verifier: Worker

  constructor(private needs: FeatureNeeds) {
    const { config, db, folder, log, now } = needs
    const accounts = new AccountStore(db)
    const signer = new Signer(config.current.jwtSecret ?? folder.secret("jwt-secret"), now)
    this.signer = signer
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
    const mappingStore = (this.mappingStore = new MappingStore(db))
    this.verified = mappingStore.verified
    this.mappingIds = mappingStore.ids
    this.mappings = this.makeMappings(mappingStore)
    const { mappings, compute } = this
    this.administration = new HouseAdministration({
      config,
      db,
      mappings,
      compute,
      more: needs.moreHoldings,
      log,
      now,
      agingNow: needs.agingNow,
    })
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

  /** As what a name's DNS challenges are delegated: a person's claim on it, which a wildcard and its parent share. */
  async claimOf(name: string): Promise<string | undefined> {
    const personId = await this.mappingStore.ownerOf(name)
    return personId === undefined ? undefined : mappingClaim(personId, name)
  }

  /** Whose verified mapping a name is. */
  ownerOf = (name: string): Promise<string | undefined> => this.mappingStore.ownerOf(name)

  /** Whether the holder of a name has an owned domain around it. */
  async hasDnsCredential(name: string): Promise<boolean> {
    const personId = await this.mappingStore.ownerOf(name)
    return personId !== undefined && (await this.zones.covers(personId, name))
  }

  /** Writes a TXT record with a provider token of the hostname's holder, and answers how to take it away; undefined where that failed. */
  async writeTxt(hostname: string, name: string, value: string): Promise<(() => Promise<void>) | undefined> {
    const personId = await this.mappingStore.ownerOf(hostname)
    return personId === undefined ? undefined : this.zones.writeTxt(personId, hostname, name, value)
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

  /** Only when the name is a route may it have one. */
  private certify(hostname: string): void {
    const { publish, certificates, log } = this.needs
    publish()
      .then(() => certificates.obtain(hostname))
      .catch((error) => log.error("a container's name could not be certified", { hostname, error }))
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
      // A browser leaves port 443 out.
      pageOrigin: () => new URL(`https://${baseDomain}:${httpsListen.port}`).origin,
      now,
    })
  }

  private makeZones(): ZoneService {
    const { config, db, folder, written, log, now } = this.needs
    const { encryptionKey, cloudflareApi, baseDomain } = config.current
    return new ZoneService({
      store: new ZoneStore(db),
      vault: encryptionKey === "none" ? undefined : new Vault(encryptionKey ?? folder.secret("encryption-key")),
      provider: new CloudflareProvider({ baseUrl: cloudflareApi }),
      target: `ingress.${baseDomain}`,
      records: written,
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
      storageUsedBytes: (id) => this.parts.storage.usedBytes(id),
      storageRefusal: (row) => this.parts.storage.refusal(row),
      certify: (hostname) => this.certify(hostname),
      onChange: () => {
        this.statusSockets.changed()
        this.needs.onContainers()
        return this.republish()
      },
      log,
      now,
    })
  }

  private makeParts(store: ContainerStore, engine: ReturnType<typeof findEngine>, registries: Registries): ContainerParts {
    const { config, folder, portProblem, log, now } = this.needs
    return new ContainerParts({
      store,
      engine,
      compute: this.compute,
      registries,
      volumesFolder: join(folder.path, "volumes"),
      baseDomain: config.current.baseDomain,
      certify: (hostname) => this.certify(hostname),
      portProblem,
      mappingsTo: (id) => new MappingStore(this.needs.db).leadingTo(id),
      unmap: (personId, id) =>
        this.mappings.delete(personId, id).catch((error: unknown) => {
          if (!(error instanceof AppError && error.code === "not_found")) throw error
        }),
      log,
      now,
    })
  }

  private makeMappings(store: MappingStore): MappingService {
    const { config, dns, isOwnIssuer, certificates, publish, timeline, log, now } = this.needs
    const challengeTarget = (personId: string, domain: string) =>
      isOwnIssuer(domain) ? undefined : dns.challengeTarget(mappingClaim(personId, domain))
    return new MappingService({
      store,
      baseDomain: config.current.baseDomain,
      privateZones: config.current.privateZones,
      container: (id) => this.compute.forMapping(id),
      lookupTxt: dns.lookupTxt,
      challengeTarget,
      wildcardProblem: async (personId, wildcard) => {
        if (isOwnIssuer(wildcard) || challengeTarget(personId, wildcard) !== undefined) return undefined
        if (await this.zones.covers(personId, wildcard)) return undefined
        return `the certificate of ${wildcard} needs a DNS challenge: connect an owned domain that covers it, or set FREEHOLD_DNS_LISTEN so that it can be delegated here`
      },
      automate: (...asked) => this.zones.automate(...asked),
      unautomate: (personId, domain) => this.zones.unautomate(personId, domain),
      publish,
      certify: (domain) => void certificates.obtain(domain),
      forgetCertificate: (domain) => certificates.remove(domain),
      certificateStatus: (domain) => certificates.status(domain),
      note: ({ id, personId, domain }, kind, text) => {
        const holder = { personId, subject: { kind: "mapping" as const, id } }
        if (kind === "dns") timeline.noteChange(domain, "TXT", text, { kind, text, holder })
        else timeline.note({ hostname: domain, kind, text, holder })
      },
      forgetTimeline: (id) => timeline.forget({ kind: "mapping", id }),
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
      agingNow: this.needs.agingNow,
    })
  }
}

/** One claim for a name and its wildcard, as they share the name of the challenge (RFC 8555 section 8.4); each person has another. */
const mappingClaim = (personId: string, name: string) => `domain-mappings ${personId} ${withoutWildcard(name)}`
