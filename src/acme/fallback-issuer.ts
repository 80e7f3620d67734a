import { IssuanceError, type Issued, type Issuer, type RenewalWindow } from "./issuer"

/**
 * Two directories as one issuer: the second is asked when the first is down, limits us or would by our own books, not when a validation failed or had to be
 * left undone, for that would fail at the second too and count against us at both. What the CAA records of a name forbid is not asked. Certificates of either
 * go by the first one's name.
 */
export class FallbackIssuer implements Issuer {
  readonly name: string

  constructor(
    private first: Issuer,
    private second: Issuer,
    /** The names of issuers that the hostname's CAA records are known to forbid. */
    private forbidden: (hostname: string) => Promise<string[]> = async () => [],
  ) {
    this.name = first.name
  }

  async issue(hostname: string, replaces?: string): Promise<Issued> {
    const forbidden = await this.forbidden(hostname)
    // It would refuse, and a refusal counts against us. Where both would, it is the first that says so.
    if (forbidden.includes(this.second.name)) return this.first.issue(hostname, replaces)
    if (forbidden.includes(this.first.name)) return this.second.issue(hostname)
    try {
      return await this.first.issue(hostname, replaces)
    } catch (error) {
      if (!(error instanceof IssuanceError) || error.failedValidations > 0 || error.isUnready) throw error
      return this.issueAtSecond(hostname, error)
    }
  }

  async renewalWindow(chainPem: string): Promise<RenewalWindow | undefined> {
    return this.first.renewalWindow?.(chainPem)
  }

  /** Where neither may be asked now, it is the one that may be sooner that counts. */
  private async issueAtSecond(hostname: string, refused: IssuanceError): Promise<Issued> {
    try {
      return await this.second.issue(hostname)
    } catch (error) {
      const [first, second] = [refused.putOffUntil, error instanceof IssuanceError ? error.putOffUntil : undefined]
      throw first !== undefined && second !== undefined && first < second ? refused : error
    }
  }
}
