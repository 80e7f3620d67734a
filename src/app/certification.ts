import type { SecureContext } from "node:tls"
import { ChallengeBoard, type ChallengeCertificate } from "../acme/challenges"
import { DnsChallenges, type DnsChallengesOptions } from "../acme/dns-challenges"
import { Issuers } from "../acme/issuers"
import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import { certificateReply, issuerName, limitReply } from "./certificate-reply"
import { reportCertificate } from "../edge/certificate-report"
import { type CertificateCensus, takeCensus } from "../edge/certificate-census"
import { CertificateStore } from "../edge/certificate-store"
import { type CertificatePair, Certificates } from "../edge/certificates"
import { challengeContexts } from "../edge/challenge-contexts"
import { RenewalWorker } from "../edge/renewal"
import { limitsOf, ownBooks, ownLimits } from "../ledger/directory-limits"
import { type BucketView, Ledger } from "../ledger/ledger"
import { LedgerStore } from "../ledger/store"
import { authorityAt } from "../preflight/certificate-authorities"
import type { Finding, PreflightIssuer } from "../preflight/report"
import { publicIssuers } from "./machine-checks"
import { isWithin } from "../hostname"
import type { Log } from "../log"
import { registrableDomain } from "../registrable-domain"
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
  /** Why an order for a name would fail for certain, and which directories its CAA records are known to forbid. */
  advice: { obstacle: (name: string) => Promise<string | undefined>; forbidden: (name: string) => Promise<string[]> }
  /** The person who holds a proven name; undefined for the house's own names. */
  ownerOf: (name: string) => Promise<string | undefined>
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
  /** What the limits of the directories leave. */
  readonly ledger: Ledger
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
    this.ledger = new Ledger({
      store: new LedgerStore(db),
      limitsOf: (url) => {
        const { handshakeBudget, handshakeDomainBudget } = needs.config.current
        if (url === ownBooks) return ownLimits({ handshakes: handshakeBudget, domainHandshakes: handshakeDomainBudget })
        return limitsOf(url, { orders: config.acmeOrderLimit, domain: config.acmeDomainLimit })
      },
      nameOf: (url) => authorityAt(url).name,
      registeredDomain: registrableDomain,
      onFault: (error) => log.error("the books of a directory could not be kept", { error }),
      now,
    })
    this.board = new ChallengeBoard(1000, announceChallenge)
    const privateNames = [...config.privateZones, "localhost"]
    this.isPrivate = (hostname) => privateNames.some((zone) => isWithin(hostname, zone))
    const dnsChallenges = this.makeDnsChallenges()
    this.issuers = new Issuers({
      directory: config.acmeDirectory,
      fallbackDirectory: config.acmeFallbackDirectory,
      ...(config.acmeTestDirectory === undefined ? {} : { testDirectory: config.acmeTestDirectory }),
      isTest: needs.isTest,
      ledger: (url) => this.ledger.at(url),
      caPem: config.acmeCa,
      email: config.acmeEmail,
      eab: config.acmeEab,
      accountKeeper: (url) => store.accountKeeper(url, now),
      orderJournal: (url) => store.orderJournal(url, now),
      rootKeeper: store.rootKeeper("internal", now),
      board: this.board,
      dnsChallenge: (hostname) => dnsChallenges.for(hostname),
      forbiddenDirectories: needs.advice.forbidden,
      onStep: needs.onStep,
      isPrivate: this.isPrivate,
      now,
    })
    const issuerFor = (hostname: string) => this.issuers.for(hostname)
    this.certificates = new Certificates({
      gate,
      mayOrder,
      obstacle: needs.advice.obstacle,
      bookHandshake: (hostname) => this.ledger.handshake(hostname),
      store,
      issuerFor,
      holderOf: async (hostname) => (await needs.ownerOf(hostname)) ?? "",
      onReused: (hostname, notAfter) => {
        const text = `The certificate from before is used again, valid until ${new Date(notAfter).toISOString()}: no order was needed`
        needs.onStep(hostname, { name: "certificate", text })
        log.info("certificate used again", { hostname })
      },
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
    const limits = await this.limits(name)
    return { ...certificateReply(report), issuer_name: issuerName(report.issuer), limits: limits.map(limitReply) }
  }

  /** What is left of the limits that an order for a name counts in, the scarcest first; those that are not touched are left out. */
  limits = async (name: string): Promise<BucketView[]> =>
    (await Promise.all(this.directoriesOf(name).map((url) => this.ledger.forName(url, name)))).flat()

  /** Every limit that is touched, of every directory. */
  allLimits = async (limit: number) => {
    const { total, buckets } = await this.ledger.all(limit)
    return { total, limits: buckets.map(limitReply) }
  }

  /** What preflight says of limits: nothing while every directory that may be asked has plenty. */
  limitFinding = async (name: string): Promise<Finding | undefined> => {
    const urls = this.directoriesOf(name)
    const obstacles = await Promise.all(urls.map((url) => this.ledger.obstacle(url, name)))
    const scarce = (await this.limits(name)).filter(({ left, capacity }) => (left ?? 0) * 5 <= (capacity ?? 0))
    const evidence = scarce.map(({ sentence }) => sentence)
    const [first] = obstacles
    if (urls.length > 0 && first !== undefined && obstacles.every((one) => one !== undefined)) {
      const soonest = obstacles.reduce((a, b) => ((b?.until ?? 0) < (a?.until ?? 0) ? b : a)) ?? first
      const fix = "Nothing is to be done: it is ordered by itself then."
      return { code: "rate_limited", severity: "warning", sentence: `${soonest.sentence}.`, fix, evidence }
    }
    if (scarce.length === 0) return undefined
    return { code: "rate_limited", severity: "notice", sentence: `${scarce[0]?.sentence}.`, fix: null, evidence }
  }

  /** Counts the certificates in use; takes a while where there are many. */
  census = (): Promise<CertificateCensus> => takeCensus({ ends: () => this.store.ends(), isServed: this.needs.gate, now: this.needs.now })

  /** Attempts on record, and those of them that have failed. */
  attempts = () => this.store.attempts()

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
    return publicIssuers(this.directoriesOf(hostname))
  }

  /** The chain of the certificate that the store has under a name, PEM. */
  storedChain = async (name: string): Promise<string | undefined> => (await this.store.find(name))?.chainPem

  /** Whether the key of the account at a directory can be read. */
  accountOpens = async (directory: string): Promise<boolean> => (await this.store.accountKeeper(directory).load()) !== undefined

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

  /** The directories that a name may be certified at, best first; none where the built-in CA does. */
  private directoriesOf(hostname: string): string[] {
    const { acmeDirectory, acmeFallbackDirectory, acmeTestDirectory } = this.needs.config.current
    if (this.isPrivate(hostname)) return []
    const isTest = acmeTestDirectory !== undefined && this.needs.isTest(hostname)
    const all = isTest ? [acmeTestDirectory] : [acmeDirectory, acmeFallbackDirectory]
    return all.filter((url) => url !== undefined && url !== "internal") as string[]
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
