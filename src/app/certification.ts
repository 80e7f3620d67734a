import type { SecureContext } from "node:tls"
import { ChallengeBoard, type ChallengeCertificate } from "../acme/challenges"
import { DnsChallenges, type DnsChallengesOptions } from "../acme/dns-challenges"
import { Issuers } from "../acme/issuers"
import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import { certificateReply, issuerName } from "./certificate-reply"
import { reportCertificate } from "../edge/certificate-report"
import { CertificateStore } from "../edge/certificate-store"
import { type CertificatePair, Certificates } from "../edge/certificates"
import { challengeContexts } from "../edge/challenge-contexts"
import { RenewalWorker } from "../edge/renewal"
import { authorityAt } from "../preflight/certificate-authorities"
import type { PreflightIssuer } from "../preflight/report"
import { isWithin } from "../hostname"
import type { Log } from "../log"
import type { Vault } from "../vault"
import type { Dns } from "./dns"

export type CertificationNeeds = {
  config: ConfigInForce
  db: Db
  vault: Vault
  /** May this name have a certificate? Asked at every handshake. */
  gate: (hostname: string) => boolean
  /** The name whose certificate serves a host: `*.parent` where a wildcard does. Asked at every handshake. */
  certifiedBy: (host: string) => string
  dns: Pick<Dns, "lookup" | "challengeTarget" | "putChallenge" | "pointsHere">
  /** As what a name is held, which its delegated challenges are found by; undefined where nobody holds it. */
  claimOf: (name: string) => Promise<string | undefined>
  /** The DNS credentials of a name's holder: whether one covers it, and a TXT record written with it. */
  credentials: Pick<DnsChallengesOptions, "hasCredential" | "writeTxt">
  /** Why an order for a name would fail for certain, and which directory its CAA records let through. */
  advice: { obstacle: (name: string) => Promise<string | undefined>; directory: (name: string) => Promise<string | undefined> }
  /** Told of each step of an order. */
  onStep: (name: string, step: { name: string; text: string; problem?: string }) => void
  /** Whether a name belongs to a test application; answered from memory. */
  isTest: (name: string) => boolean
  /** May it have a new one? A name whose DNS leads elsewhere keeps the one it has. */
  mayOrder: (hostname: string) => boolean
  /** The platform's own hosts, certified at each start. */
  ownHosts: string[]
  /** The hostnames of all verified mappings. */
  verifiedNames: () => Promise<string[]>
  /** The certificate of a name was replaced or taken away. */
  onReplaced: (hostname: string) => void
  /** Brings a TLS-ALPN-01 challenge, or its end, to every thread of the edge. */
  announceChallenge: (hostname: string, certificate: ChallengeCertificate | undefined) => Promise<void>
  log: Log
  now: () => number
}

/** Everything about certificates: issuers with their challenges, the store, what handshakes get, and renewals. */
export class Certification {
  readonly certificates: Certificates
  /** The context of a TLS-ALPN-01 challenge that is open for a name. */
  readonly challengeContext: (serverName: string) => SecureContext | undefined
  private store: CertificateStore
  private board: ChallengeBoard
  private issuers: Issuers
  private renewal: RenewalWorker
  private firstOrders: Promise<void> | undefined
  private isPrivate: (hostname: string) => boolean
  private stopping = false

  constructor(private needs: CertificationNeeds) {
    const { db, vault, gate, mayOrder, onReplaced, announceChallenge, log, now } = needs
    const config = needs.config.current
    const store = new CertificateStore(db, vault)
    this.store = store
    this.board = new ChallengeBoard(1000, announceChallenge)
    const privateNames = [...config.privateZones, "localhost"]
    this.isPrivate = (hostname) => privateNames.some((zone) => isWithin(hostname, zone))
    const dnsChallenges = this.makeDnsChallenges()
    this.issuers = new Issuers({
      directory: config.acmeDirectory,
      fallbackDirectory: config.acmeFallbackDirectory,
      ...(config.acmeTestDirectory === undefined ? {} : { testDirectory: config.acmeTestDirectory }),
      isTest: needs.isTest,
      orderLimit: config.acmeOrderLimit,
      caPem: config.acmeCa,
      email: config.acmeEmail,
      eab: config.acmeEab,
      accountKeeper: (url) => store.accountKeeper(url, now),
      orderJournal: (url) => store.orderJournal(url, now),
      rootKeeper: store.rootKeeper("internal", now),
      board: this.board,
      dnsChallenge: (hostname) => dnsChallenges.for(hostname),
      allowedDirectory: needs.advice.directory,
      onStep: needs.onStep,
      isPrivate: this.isPrivate,
      now,
    })
    const issuerFor = (hostname: string) => this.issuers.for(hostname)
    this.certificates = new Certificates({
      gate,
      mayOrder,
      obstacle: needs.advice.obstacle,
      store,
      issuerFor,
      onReplaced,
      log,
      now,
      handshakeWaitMs: 20_000,
    })
    const mayRenew = (hostname: string) => gate(hostname) && mayOrder(hostname)
    this.renewal = new RenewalWorker({ store, certificates: this.certificates, gate: mayRenew, issuerFor, log, now })
    this.challengeContext = challengeContexts(this.board, gate)
  }

  /** What a handshake gets, at once where it is in memory; throws or rejects to refuse. */
  secureContext = (serverName: string): SecureContext | Promise<SecureContext> => {
    const name = this.needs.certifiedBy(serverName)
    return this.certificates.contextNow(name) ?? this.certificates.secureContext(name)
  }

  /** All that may be told of a name's certificate. */
  report = async (name: string) => {
    const { store, needs } = this
    const report = await reportCertificate({ store, issuerFor: (host) => this.issuers.for(host), mayOrder: needs.mayOrder }, name)
    return { ...certificateReply(report), issuer_name: issuerName(report.issuer) }
  }

  /** What a thread of the edge makes a context of, by the name of a certificate; rejects to refuse. */
  pair = (name: string): Promise<CertificatePair> => this.certificates.pair(name)

  /** Whether the built-in CA certifies a name, which asks for no challenge. */
  isOwnIssuer = (name: string): boolean => this.issuers.for(name) === this.issuers.internal

  /** The key authorization of an open HTTP-01 challenge. */
  httpAnswer = (token: string): string | undefined => this.board.httpAnswer(token)

  /** The root certificate of the built-in CA, made at the first question. */
  rootPem = (): Promise<string> => this.issuers.internal.rootPem()

  /** Who certifies a name, as far as its CAA records may speak of them: directories whose identity in such records is known. */
  preflightIssuers = (hostname: string): PreflightIssuer[] => {
    const { acmeDirectory, acmeFallbackDirectory, acmeTestDirectory } = this.needs.config.current
    if (this.isPrivate(hostname)) return []
    const isTest = acmeTestDirectory !== undefined && this.needs.isTest(hostname)
    return (isTest ? [acmeTestDirectory] : [acmeDirectory, acmeFallbackDirectory]).flatMap((url) => {
      if (url === undefined) return []
      const { name: label, caaIdentities } = authorityAt(url)
      return caaIdentities.length === 0 ? [] : [{ name: url, label, caaIdentities, challengeTypes: ["tls-alpn-01", "http-01", "dns-01"] }]
    })
  }

  /** Renews from now on, and orders in the background what is missing. */
  start(): void {
    this.renewal.start()
    for (const host of this.needs.ownHosts) void this.certificates.obtain(host)
    this.firstOrders = this.orderMissing()
  }

  /** Orders under way are cut short, and stay due for the next start. */
  async stop(): Promise<void> {
    this.stopping = true
    const ordersEnded = this.certificates.stop()
    this.issuers.stop()
    await ordersEnded
    await this.firstOrders
    await this.renewal.stop()
  }

  private makeDnsChallenges(): DnsChallenges {
    const { dns, claimOf, credentials, log } = this.needs
    return new DnsChallenges({
      lookup: dns.lookup,
      delegation: async (hostname) => {
        const claim = await claimOf(hostname)
        const target = claim === undefined ? undefined : dns.challengeTarget(claim)
        if (claim === undefined || target === undefined) return undefined
        return { target, put: (value) => dns.putChallenge(claim, value) }
      },
      ...credentials,
      pointsHere: (hostname) => dns.pointsHere(hostname),
      onFault: (error) => log.error("a DNS challenge could not be taken down", { error }),
    })
  }

  /** Names that were verified by a process that ended before it ordered: one at a time, for there may be many. */
  private async orderMissing(): Promise<void> {
    try {
      await this.store.forgetOldOrders(this.needs.now())
      const [names, known] = await Promise.all([this.needs.verifiedNames(), this.store.known()])
      for (const hostname of names) {
        if (this.stopping) return
        if (!known.has(hostname)) await this.certificates.obtain(hostname)
      }
    } catch (error) {
      this.needs.log.error("names without a certificate could not be looked for", { error })
    }
  }
}
