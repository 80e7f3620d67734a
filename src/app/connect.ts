import { ApplicationStore } from "../connect/application-store"
import { Applications } from "../connect/applications"
import { ConnectionStore } from "../connect/connection-store"
import { Connections } from "../connect/connections"
import { Credentials } from "../connect/credentials"
import { EmailApply, type EmailPlan } from "../connect/email-apply"
import { Idempotency } from "../connect/idempotency"
import { Keys } from "../connect/keys"
import { Lifecycle } from "../connect/lifecycle"
import { LinkStore } from "../connect/link-store"
import { type LinkNeeds, Links } from "../connect/links"
import { type Destination, newId, notFound, type Principal, scopes } from "../connect/model"
import type { ConnectNeeds, DnsWriter, FormerAddress } from "../connect/needs"
import { Origins, type OriginNeeds } from "../connect/origins"
import { Usage } from "../connect/usage"
import { type TokenSigner, WidgetTokens } from "../connect/widget-tokens"
import type { ConnectionRow } from "../db/connect-schema"
import type { Db } from "../db/open"
import { AppError } from "../errors"
import type { Log } from "../log"
import type { RouteConnection } from "../publisher"
import type { Vault } from "../vault"
import { ProviderFault, type Reach } from "../providers/provider"
import { Worker } from "../worker"

/** What the connect API needs of the rest of the house besides what it makes itself. */
export type ConnectPartNeeds = Omit<ConnectNeeds, "store" | "usage" | "credentials"> & {
  db: Db
  /** For answers that are kept. */
  vault: Vault
  /** For customers' DNS credentials; undefined where no encryption key is set. */
  credentialVault: Vault | undefined
  signer: TokenSigner
  /** Throws `invalid` for an unknown provider or a credential that has not its form. */
  openProvider: (provider: string, token: string, reach: Reach) => DnsWriter
  /** The token of the values of a provider's fields. Throws `invalid`. */
  composeToken: (provider: string, fields: unknown) => string
  container: (id: string) => Promise<{ personId: string } | undefined>
  emailPlan: (body: Record<string, unknown>) => Promise<EmailPlan>
  origins: OriginNeeds
  guide: LinkNeeds["guide"]
  /** Where customers' links lead. */
  linkAddress: LinkNeeds["address"]
  /** Where a connection leads when neither it nor its application says so. */
  defaultOrigin?: string | undefined
  log: Log
}

const hourMs = 3_600_000

/** The connect API: applications, keys, credentials and connections, and the work that they do in the background. */
export class Connect {
  readonly applications: Applications
  readonly keys: Keys
  readonly credentials: Credentials<DnsWriter>
  readonly tokens: WidgetTokens
  readonly connections: Connections
  readonly lifecycle: Lifecycle
  readonly email: EmailApply
  readonly links: Links
  readonly usage: Usage
  readonly idempotency: Idempotency
  private store: ConnectionStore
  private applicationStore: ApplicationStore
  private origins: Origins
  private workers: Worker[]
  private stopping = new AbortController()
  /** Proven names whose DNS leads elsewhere. */
  private held = new Set<string>()
  private tests = new Set<string>()

  constructor(private needs: ConnectPartNeeds) {
    const { db, vault, credentialVault, signer, baseDomain, log, now } = needs
    const applicationStore = new ApplicationStore(db)
    this.applicationStore = applicationStore
    this.store = new ConnectionStore(db)
    this.usage = new Usage(db, now)
    this.idempotency = new Idempotency(db, vault, now)
    this.origins = new Origins(needs.origins)
    const checkDestination = (principal: Principal, destination: Destination) => this.checkDestination(principal, destination)
    this.applications = new Applications({ store: applicationStore, checkDestination, publish: needs.publish, now })
    this.keys = new Keys(applicationStore, now)
    this.credentials = new Credentials({
      store: applicationStore,
      vault: credentialVault,
      open: (provider, token, applicationId) => needs.openProvider(provider, token, (...to) => this.reach(applicationId, ...to)),
      compose: needs.composeToken,
      log,
      now,
    })
    this.tokens = new WidgetTokens(signer, applicationStore, baseDomain, now)
    // The settings among the needs may change while running, so they are not copied.
    const lifecycleNeeds: ConnectNeeds = Object.assign(Object.create(needs) as ConnectNeeds, {
      store: this.store,
      usage: this.usage,
      credentials: this.credentials,
    })
    this.lifecycle = new Lifecycle(lifecycleNeeds)
    this.connections = new Connections(lifecycleNeeds, this.applications, this.lifecycle, checkDestination)
    this.email = new EmailApply(lifecycleNeeds, this.connections, needs.emailPlan)
    this.links = new Links({
      store: new LinkStore(db),
      connections: this.connections,
      byId: this.store.byId,
      application: applicationStore.enabled,
      look: (id) => this.lifecycle.look(id),
      guide: needs.guide,
      address: needs.linkAddress,
      now,
    })
    this.workers = [
      new Worker(
        (signal) => this.lifecycle.lookDue(signal),
        () => Math.min(needs.intervalMs, 5000),
        log,
        "connections could not be looked at",
      ),
      new Worker(
        () => this.usage.flush(),
        () => 5000,
        log,
        "usage could not be written",
      ),
      new Worker(
        () => this.idempotency.sweep(),
        () => hourMs,
        log,
        "old idempotency keys could not be removed",
      ),
      new Worker(
        () => this.links.sweep(),
        () => hourMs,
        log,
        "links that are over could not be removed",
      ),
      new Worker(
        () => this.followOrigins(),
        () => 15_000,
        log,
        "origins could not be looked up",
      ),
    ]
  }

  /** Every proven connection, as the edge is told of it. */
  async routes(): Promise<RouteConnection[]> {
    const rows = await this.store.holding()
    this.held = new Set(rows.filter(({ state }) => state === "drifted").map(({ hostname }) => hostname))
    this.tests = new Set(rows.filter(({ environment }) => environment === "test").map(({ hostname }) => hostname))
    return Promise.all(
      rows.map(async (row): Promise<RouteConnection> => {
        const isOwn = row.originUrl !== null || row.containerId !== null
        const containerId = isOwn ? row.containerId : row.ownContainerId
        const targetPort = isOwn ? row.targetPort : row.ownTargetPort
        const originUrl = isOwn ? row.originUrl : row.ownOriginUrl
        const host = row.hostname
        if (containerId !== null && targetPort !== null) return { host, containerId, targetPort }
        const { defaultOrigin } = this.needs
        if (originUrl === null && defaultOrigin === undefined)
          return { host, nowhere: "neither the connection nor its application says where it leads: set its origin_url" }
        // The default is the operator's own, who may lead anywhere.
        const origin = await this.origins.find(originUrl ?? defaultOrigin ?? "", originUrl === null || row.isAdmin === 1)
        return "nowhere" in origin ? { host, nowhere: origin.nowhere } : { host, origin }
      }),
    )
  }

  /** The proven hostnames, each certified when the process starts. */
  provenNames = async (): Promise<string[]> => (await this.store.holding()).map(({ hostname }) => hostname)

  /** What a person's connections and applications are called, for whoever deletes the person; names that are served go first. */
  async holdingsOf(personId: string) {
    const view = { personId, environment: undefined, applicationId: undefined }
    const [connections, applications] = await Promise.all([this.store.open(personId), this.applicationStore.list(view, 1000, undefined)])
    return {
      connections: connections.map(({ id, hostname: name }) => ({ id, name })),
      applications: applications.map(({ id, name }) => ({ id, name })),
    }
  }

  /** Brings the records of connections from addresses that were ours to those that we have. */
  async followAddresses(former: FormerAddress[]): Promise<void> {
    await this.lifecycle.addressChange.follow(former, this.stopping.signal)
  }

  /** Archives a person's connection. */
  async archive(personId: string, id: string): Promise<void> {
    const all = { environment: undefined, applicationId: undefined, scopes: new Set<string>() }
    await this.connections.archive({ kind: "session", personId, isAdmin: false, ...all }, id)
  }

  /** Whose a proven name is, or undefined where no connection holds it. */
  async ownerOf(hostname: string): Promise<string | undefined> {
    return (await this.holderOf(hostname))?.personId
  }

  /** Whether the application of a proven name has a DNS credential. */
  async hasCredentialFor(hostname: string): Promise<boolean> {
    const row = await this.holderOf(hostname)
    return row !== undefined && (await this.credentials.has(row.applicationId))
  }

  /** Writes a TXT record with a credential of the name's application, and answers how to take it away; undefined where that failed. */
  async writeTxt(hostname: string, name: string, value: string): Promise<(() => Promise<void>) | undefined> {
    const row = await this.holderOf(hostname)
    return row === undefined ? undefined : this.lifecycle.delegation.writeTxt(row, { host: name, type: "TXT", value, ttl: 60 })
  }

  private async holderOf(hostname: string): Promise<ConnectionRow | undefined> {
    const holder = await this.store.holder(hostname)
    return holder?.kind === "connection" ? this.store.byId(holder.holderId) : undefined
  }

  /** Whether new certificates of the name are held back; answered from memory. */
  isHeld = (hostname: string): boolean => this.held.has(hostname)

  /** Whether the name is of a test application; answered from memory. */
  isTest = (hostname: string): boolean => this.tests.has(hostname)

  /** Takes over what the store has before anything is asked. */
  async prepare(): Promise<void> {
    await this.applications.readOrigins()
  }

  /** The application and key that the demo has from the start. */
  async seedDemo(personId: string, secret: string, originUrl: string): Promise<void> {
    const row = {
      id: newId(),
      personId,
      name: "Demo",
      environment: "test" as const,
      allowedOrigins: "[]",
      recordTemplate: null,
      originUrl,
      containerId: null,
      targetPort: null,
      createdAt: this.needs.now(),
    }
    await this.applicationStore.insert(row, 1)
    await this.keys.seed(row, secret, scopes)
  }

  start(): void {
    for (const worker of this.workers) worker.start()
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await Promise.all(this.workers.map((worker) => worker.stop()))
    await this.usage.flush()
  }

  private async followOrigins(): Promise<void> {
    const rows = await this.store.holding()
    const used = rows.flatMap(({ originUrl, containerId, ownOriginUrl, isAdmin }) => {
      const url = originUrl ?? (containerId === null ? ownOriginUrl : null)
      const fallback = this.needs.defaultOrigin
      if (url === null) return fallback === undefined ? [] : [{ url: fallback, isAdmin: true }]
      return [{ url, isAdmin: isAdmin === 1 }]
    })
    if (await this.origins.refresh(used)) await this.needs.publish()
  }

  /** Where a credential says which host is asked, that is held to the rule of origins: whoever is no administrator reaches nothing inside the house. */
  private async reach(applicationId: string, host: string, port: number): Promise<string> {
    try {
      return await this.origins.reach(host, port, await this.applicationStore.isAdmins(applicationId))
    } catch (error) {
      if (error instanceof AppError)
        throw new ProviderFault("refused", `the name server cannot be used: ${error.message}`, { cause: error })
      throw error
    }
  }

  private async checkDestination(principal: Principal, { originUrl, containerId }: Destination): Promise<void> {
    if (originUrl !== null) await this.origins.check(originUrl, principal.isAdmin)
    if (containerId === null) return
    const container = await this.needs.container(containerId)
    if (container === undefined || container.personId !== principal.personId) throw notFound("container")
  }
}
