/** What a TLS-ALPN-01 handshake is answered with (RFC 8737 section 3). */
export type ChallengeCertificate = { certificatePem: string; keyPem: string }

/**
 * The challenges being answered right now: orders put them up, the listeners read them from memory on each request. Each is taken down by the
 * order that put it up; reading does not remove it, since a CA validates from several places at once.
 */
export class ChallengeBoard {
  private http = new Map<string, string>()
  private alpn = new Map<string, ChallengeCertificate>()

  /** `announce` tells whoever answers handshakes elsewhere, and resolves when they can, and never rejects; without a certificate the challenge is over. */
  constructor(
    private limit = 1000,
    private announce?: (hostname: string, certificate: ChallengeCertificate | undefined) => Promise<void>,
  ) {}

  /** The key authorization to answer `/.well-known/acme-challenge/<token>` with (RFC 8555 section 8.3). */
  httpAnswer(token: string): string | undefined {
    return this.http.get(token)
  }

  /** The certificate for a handshake that offers only `acme-tls/1` for this canonical hostname (RFC 8737 section 3). */
  alpnCertificate(hostname: string): ChallengeCertificate | undefined {
    return this.alpn.get(hostname)
  }

  /** Puts an HTTP-01 answer up until the returned function is called. Throws when the board is full. */
  putHttp(token: string, keyAuthorization: string): () => void {
    return this.put(this.http, token, keyAuthorization)
  }

  /** Puts a TLS-ALPN-01 certificate up, everywhere when this resolves, until the returned function is called. Rejects when the board is full. */
  async putAlpn(hostname: string, certificate: ChallengeCertificate): Promise<() => void> {
    const takeDown = this.put(this.alpn, hostname, certificate)
    await this.announce?.(hostname, certificate)
    return () => {
      takeDown()
      if (!this.alpn.has(hostname)) void this.announce?.(hostname, undefined)
    }
  }

  get size(): number {
    return this.http.size + this.alpn.size
  }

  private put<T>(entries: Map<string, T>, name: string, value: T): () => void {
    if (this.size >= this.limit && !entries.has(name)) throw new Error(`${this.limit} challenges are open already`)
    entries.set(name, value)
    return () => {
      // A later order for the same name may have replaced the entry; that one is not ours to take down.
      if (entries.get(name) === value) entries.delete(name)
    }
  }
}
