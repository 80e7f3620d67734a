import { lookup as resolveName } from "node:dns/promises"
import type { Holding } from "../accounts/administration"
import type { PublicAddresses } from "../addresses/public-addresses"
import type { Signer } from "../accounts/signer"
import { applicationRoutes } from "../connect/application-routes"
import type { Place } from "../connect/needs"
import { connectionRoutes } from "../connect/connection-routes"
import { answerMade, type ConnectGuard } from "../connect/request"
import { linkRoutes } from "../connect/link-routes"
import { planRoutes } from "../connect/plan-routes"
import { connectionViewRoutes } from "../connect/view-routes"
import { challengeName, type DnsRecord, type Scope } from "../connect/model"
import type { ConfigInForce } from "../config"
import type { DataFolder } from "../data-folder"
import type { Db } from "../db/open"
import { askRecursive } from "../dns/recursive"
import type { Certificates } from "../edge/certificates"
import { domainConnectRoutes } from "../domain-connect/routes"
import { DomainConnect } from "../domain-connect/service"
import { emailRoutes } from "../email/routes"
import { EmailDns } from "../email/service"
import type { Guards } from "../http/guards"
import { ConnectGuards } from "../http/connect-guards"
import { RateLimit } from "../http/rate-limit"
import { withoutWildcard } from "../hostname"
import type { Log } from "../log"
import { Preflight } from "../preflight/preflight"
import { Propagation } from "../preflight/propagation"
import { type Finding, preflightReply, type PreflightIssuer } from "../preflight/report"
import { providerCatalog } from "../providers/catalog"
import { providerAdapters } from "../providers/registry"
import { connectionTimelineRoutes } from "../timeline/routes"
import type { Timeline } from "../timeline/timeline"
import { connectionRequestRoutes } from "../traffic/request-routes"
import { connectionTrafficRoutes } from "../traffic/routes"
import { Vault } from "../vault"
import { webhookRoutes } from "../webhooks/routes"
import { Connect } from "./connect"
import { ConnectWorld } from "./connect-world"
import type { Dns } from "./dns"
import { HostnameRecords } from "./hostname-records"
import { composeToken, openDnsWriter } from "./dns-writer"
import { DomainCheck } from "./domain-check"
import { OrderAdvice } from "./order-advice"
import { platformAddress } from "./platform-address"
import type { WrittenRecords } from "../zones/written-records"
import type { HostTraffic } from "./traffic"
import { Webhooks } from "./webhooks"
import { connectionWriting } from "./written-records"

export type ConnectHouseNeeds = {
  config: ConfigInForce
  db: Db
  folder: DataFolder
  signer: Signer
  lookup: Dns["lookup"]
  certificates: Certificates
  /** All that may be told of a name's certificate, as the APIs show it. */
  certificateReport: (hostname: string) => Promise<object>
  issuers: (hostname: string) => PreflightIssuer[]
  /** What preflight says of the directories' limits. */
  limitFinding: (hostname: string) => Promise<Finding | undefined>
  isOwnIssuer: (hostname: string) => boolean
  /** Where the holder of a claim may delegate challenges to; undefined where no DNS is served here. */
  challengeTarget: (claim: string) => string | undefined
  /** Our public addresses, and those that were ours. */
  addresses: Pick<PublicAddresses, "of" | "former">
  publish: () => Promise<void>
  container: (id: string) => Promise<{ personId: string } | undefined>
  originProblem: (address: string, port: number, isAdmin: boolean) => string | undefined
  ownListeners: () => { address: string; port: number }[]
  /** The port that the HTTPS listener really has. */
  httpsPort: () => number
  rootPem: () => Promise<string>
  timeline: Timeline
  written: WrittenRecords
  traffic: HostTraffic
  log: Log
  now: () => number
  /** The time by which what waits is too old. */
  agingNow: () => number
}

/** The connect API with everything around it: webhooks, propagation, preflight, email records and Domain Connect. */
export class ConnectHouse {
  readonly connect: Connect
  readonly webhooks: Webhooks
  readonly world: ConnectWorld
  readonly advice: OrderAdvice
  readonly records: HostnameRecords
  /** A page looks every few seconds while its records are on their way. */
  readonly questions = new RateLimit(30, 2)
  private domainConnect: DomainConnect
  private email: EmailDns

  constructor(private needs: ConnectHouseNeeds) {
    const { config, db, folder, signer, lookup, certificates, timeline, ownListeners, rootPem, log, now } = needs
    const vault = new Vault(folder.secret("store-key"))
    this.webhooks = new Webhooks({ config, db, vault, ownListeners, rootPem, timeline, log, now })
    this.domainConnect = this.makeDomainConnect()
    this.world = new ConnectWorld({
      lookup,
      preflight: new Preflight({ dns: { lookup }, now }),
      propagation: new Propagation({
        dns: { lookup },
        recursives: () => config.current.dnsRecursives,
        askRecursive: (resolver, name, type) => askRecursive(resolver, name, type),
      }),
      domainConnect: this.domainConnect,
      edge: () => this.edge(),
      issuers: needs.issuers,
      limitFinding: needs.limitFinding,
    })
    const { world, webhooks } = this
    this.advice = new OrderAdvice({
      examine: (...asked) => world.examine(...asked),
      isOwnIssuer: needs.isOwnIssuer,
      now,
    })
    this.records = new HostnameRecords({
      world,
      usual: this.usualRecords,
      privateZones: config.current.privateZones,
      take: (personId) => this.questions.take(personId),
      now,
    })
    this.email = new EmailDns((name, type) => world.published(name, type))
    const { encryptionKey, baseDomain } = config.current
    this.connect = new Connect({
      db,
      vault,
      credentialVault: encryptionKey === "none" ? undefined : new Vault(encryptionKey ?? folder.secret("encryption-key")),
      signer,
      baseDomain,
      edge: () => this.edge(),
      place: world.place,
      checkTxt: world.checkTxt,
      judge: world.judge,
      preflight: ({ hostname, desiredRecords, challengeValue }) =>
        this.advice.report(hostname, JSON.parse(desiredRecords) as DnsRecord[], challengeValue),
      challengeTarget: (personId, hostname) =>
        needs.isOwnIssuer(hostname) ? undefined : needs.challengeTarget(connectionClaim(personId, hostname)),
      isOwnIssuer: needs.isOwnIssuer,
      applyUrl: (row) => world.applyUrl(row),
      delegatedZone: world.delegatedZone,
      formerAddresses: () => needs.addresses.former(),
      publish: needs.publish,
      obtain: (hostname) => certificates.obtain(hostname),
      certificate: (hostname) => certificates.status(hostname),
      forgetCertificate: (hostname) => certificates.remove(hostname),
      enqueue: async (trx, event) => {
        const receivers = await webhooks.service.enqueue(trx, event)
        const text = `${event.type} for ${receivers} webhook endpoint${receivers === 1 ? "" : "s"}`
        const holder = { personId: event.personId, subject: { kind: "connection" as const, id: event.jobId } }
        timeline.note({ hostname: String(event.data.hostname), kind: "webhook", text, data: event.data, holder })
      },
      kick: () => webhooks.service.kick(),
      wrote: (...written) => needs.written.note(connectionWriting(...written)),
      note: ({ hostname, personId, id }, kind, text, data) =>
        timeline.note({
          hostname,
          kind,
          text,
          ...(data === undefined ? {} : { data }),
          holder: { personId, subject: { kind: "connection", id } },
        }),
      get intervalMs() {
        return config.current.verifyIntervalMs
      },
      get expiryMs() {
        return config.current.verifyExpiryMs
      },
      get driftIntervalMs() {
        return config.current.driftIntervalMs
      },
      get defaultOrigin() {
        return config.current.defaultOrigin
      },
      openProvider: (key, token, reach) =>
        openDnsWriter(key, token, { reach, ...(key === "cloudflare" ? { baseUrl: config.current.cloudflareApi } : {}) }),
      composeToken,
      container: needs.container,
      emailPlan: (body) => this.email.plan(body),
      guide: world.guide,
      linkAddress: () => this.address(),
      origins: {
        resolve: async (name) => (await resolveName(name, { all: true })).map(({ address }) => address),
        problem: needs.originProblem,
        now,
      },
      log,
      now,
      agingNow: needs.agingNow,
    })
  }

  /** As what a proven name's DNS challenges are delegated: a person's claim on it, which a wildcard and its parent share. */
  async claimOf(name: string): Promise<string | undefined> {
    const personId = await this.connect.ownerOf(name)
    return personId === undefined ? undefined : connectionClaim(personId, name)
  }

  /** The records that a hostname gets where no application says others. */
  readonly usualRecords = (hostname: string, place: Place): DnsRecord[] => this.connect.connections.records(undefined, hostname, place)

  /** The routes of `/v1`, and who asked them. */
  routes(guards: Guards) {
    const { applications, keys, credentials, tokens, connections, links, email, usage, idempotency } = this.connect
    const connectGuards = new ConnectGuards(guards, keys, tokens, usage)
    const { guard } = connectGuards
    const check = new DomainCheck({
      world: this.world,
      applications,
      connections,
      hasCredential: credentials.has,
      baseDomain: this.needs.config.current.baseDomain,
    })
    const anyOf = anyOfGuard(guard, false)
    const mayRead = (request: Request) => guard(request, ["connections:read"])
    const own = (...asked: Parameters<typeof connections.own>) => connections.own(...asked)
    const routes = [
      applicationRoutes({ applications, keys, credentials, tokens, idempotency, guard }),
      connectionRoutes({ connections, email, idempotency, guard, inspect: (principal, body) => check.inspect(principal, body) }),
      connectionViewRoutes("preflight", guard, connections, async ({ hostname, desiredRecords, challengeValue }) =>
        preflightReply(await this.world.examine(hostname, JSON.parse(desiredRecords) as DnsRecord[], challengeValue)),
      ),
      connectionViewRoutes("records", guard, connections, ({ personId, hostname, proof, challengeValue, desiredRecords }) =>
        this.records.read(personId, {
          hostname,
          ownership: proof === null ? { name: challengeName(hostname), value: challengeValue } : undefined,
          address: JSON.parse(desiredRecords) as DnsRecord[],
          challenge: undefined,
        }),
      ),
      connectionViewRoutes("certificate", guard, connections, ({ hostname }) => this.needs.certificateReport(hostname)),
      linkRoutes(links, guard),
      connectionTimelineRoutes(this.needs.timeline, mayRead, own),
      connectionTrafficRoutes(this.needs.traffic, mayRead, own, connections.ids),
      connectionRequestRoutes(this.needs.traffic.requests, mayRead, own),
      planRoutes(usage, guard, () => [...providerCatalog([...providerAdapters.values()]), domainConnectEntry]),
      webhookRoutes(this.webhooks.service, anyOf, (request, ...rest) => answerMade(idempotency, request, ...rest)),
      domainConnectRoutes(this.domainConnect, anyOf),
      emailRoutes(this.email, anyOfGuard(guard, true)),
    ]
    return { routes, who: connectGuards.who }
  }

  async start(): Promise<void> {
    await this.connect.prepare()
    this.webhooks.start()
    this.connect.start()
  }

  async stop(): Promise<void> {
    this.domainConnect.stop()
    await this.connect.stop()
    await this.webhooks.stop()
  }

  private address(): string {
    return platformAddress("connect", this.needs.config.current.baseDomain, this.needs.httpsPort())
  }

  private edge() {
    const { config, addresses } = this.needs
    return { cname: `ingress.${config.current.baseDomain}`, ipv4: addresses.of(4), ipv6: addresses.of(6) }
  }

  private makeDomainConnect(): DomainConnect {
    const { config, log, now } = this.needs
    const { baseDomain, domainConnect, allowUpstreams } = config.current
    return new DomainConnect({
      config: domainConnect,
      edge: () => {
        const { cname: hostname, ipv4, ipv6 } = this.edge()
        return { hostname, ...(ipv4[0] === undefined ? {} : { ipv4: ipv4[0] }), ...(ipv6[0] === undefined ? {} : { ipv6: ipv6[0] }) }
      },
      redirectDomain: baseDomain,
      lookupTxt: (name) => this.world.published(name, "TXT"),
      resolve: async (name) => (await resolveName(name, { all: true })).map(({ address }) => address),
      allow: allowUpstreams,
      log,
      now,
    })
  }
}

/** What of a person's goes with them, in the order in which it is removed; the house is asked for at each use. */
export const connectHoldings = (house: () => ConnectHouse): Holding[] => [
  {
    kind: "connections",
    list: async (personId) => (await house().connect.holdingsOf(personId)).connections,
    remove: (personId, id) => house().connect.archive(personId, id),
  },
  {
    kind: "webhook_endpoints",
    list: async (personId) => {
      const { data } = await house().webhooks.service.list({ personId, environment: undefined }, { limit: "100" })
      return data.map(({ id, url: name }) => ({ id, name }))
    },
  },
  { kind: "applications", list: async (personId) => (await house().connect.holdingsOf(personId)).applications },
]

const connectionClaim = (personId: string, name: string) => `connections ${personId} ${withoutWildcard(name)}`

/** The browser flow needs no credential, so it is no adapter. */
const domainConnectEntry = {
  key: "domain-connect",
  name: "Domain Connect",
  logo_url: null,
  auto_write: false,
  credential_hint: "none: the browser is sent to the provider",
  docs_url: "https://www.domainconnect.org/",
  made_at: null,
  rights: [],
  fields: [],
  proven: "stand-in",
}

/** The same guard in the form in which features of their own ask for it. */
const anyOfGuard =
  (guard: ConnectGuard, widget: boolean) =>
  (request: Request, ...anyOf: string[]) =>
    guard(request, anyOf as Scope[], { widget })
