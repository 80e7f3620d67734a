import type { AccountKeeper } from "./acme-account"
import { AcmeIssuer, type AcmeIssuerOptions } from "./acme-issuer"
import type { ChallengeBoard } from "./challenges"
import type { DnsChallenge } from "./dns-challenges"
import { FallbackIssuer } from "./fallback-issuer"
import { InternalCa, type RootKeeper } from "./internal-ca"
import type { Issuer } from "./issuer"
import type { OrderLedger } from "./order-ledger"
import type { OrderJournal } from "./open-orders"

export type IssuersOptions = {
  /** A directory URL, or `internal` for the built-in CA. */
  directory: string
  fallbackDirectory?: string
  /** For names of test applications; they have the first directory where it is left out. */
  testDirectory?: string
  isTest?: (hostname: string) => boolean
  /** What the limits of a directory leave. */
  ledger?: (directoryUrl: string) => OrderLedger
  /** PEM of an extra trust root for the directories. */
  caPem?: string
  email?: string
  eab?: { kid: string; hmac: string }
  accountKeeper: (directoryUrl: string) => AccountKeeper
  /** Where the orders under way at a directory are kept; they are made anew at each start where it is left out. */
  orderJournal?: (directoryUrl: string) => OrderJournal
  rootKeeper: RootKeeper
  board: ChallengeBoard
  /** Names that no public CA certifies. */
  isPrivate: (hostname: string) => boolean
  /** The DNS challenge of a name; throws ChallengeUnready for a wildcard without. */
  dnsChallenge?: (hostname: string) => Promise<DnsChallenge | undefined>
  /** The directories that a name's CAA records are known to forbid; asked where there are two. */
  forbiddenDirectories?: (hostname: string) => Promise<string[]>
  onStep?: AcmeIssuerOptions["onStep"]
  now: () => number
}

/** Which issuer certifies which name: the built-in CA for private names, the configured directory for the others. */
export class Issuers {
  readonly internal: InternalCa
  private directories: AcmeIssuer[] = []
  private public: Issuer
  private test: Issuer | undefined

  constructor(private options: IssuersOptions) {
    const { directory, fallbackDirectory, testDirectory } = options
    this.internal = new InternalCa(options.rootKeeper, options.now)
    if (directory === "internal") this.public = this.internal
    else if (fallbackDirectory === undefined) this.public = this.open(directory)
    else this.public = new FallbackIssuer(this.open(directory), this.open(fallbackDirectory), options.forbiddenDirectories)
    if (testDirectory !== undefined) this.test = this.open(testDirectory)
  }

  /** The issuer of a canonical hostname. */
  for(hostname: string): Issuer {
    if (this.test !== undefined && this.options.isTest?.(hostname) === true) return this.test
    return this.options.isPrivate(hostname) ? this.internal : this.public
  }

  /** Cuts short the orders under way. */
  stop(): void {
    for (const issuer of this.directories) issuer.stop()
  }

  private open(directoryUrl: string): AcmeIssuer {
    const { caPem, email, eab, board, dnsChallenge, onStep, now } = this.options
    const issuer = new AcmeIssuer({
      directoryUrl,
      caPem,
      email,
      eab,
      board,
      dnsChallenge,
      onStep,
      now,
      ledger: this.options.ledger?.(directoryUrl),
      account: this.options.accountKeeper(directoryUrl),
      journal: this.options.orderJournal?.(directoryUrl),
      // While a TLS-ALPN-01 challenge is pending its handshakes displace the visitors', so a renewal tries the plain port first.
      challengeTypes: ({ renewal }) => (renewal ? ["http-01", "tls-alpn-01"] : ["tls-alpn-01", "http-01"]),
    })
    this.directories.push(issuer)
    return issuer
  }
}
