import { IssuanceError, type Issued, type Issuer, type RenewalWindow } from "./issuer"

/**
 * Two directories as one issuer: the second is asked when the first is down or limits us, not when a validation failed or had to be left undone, for that
 * would fail at the second too and count against us at both. Where CAA lets only the second through, it is asked alone. Certificates of either go by the first one's name.
 */
export class FallbackIssuer implements Issuer {
  readonly name: string
  readonly orderLimit: Issuer["orderLimit"]

  constructor(
    private first: Issuer,
    private second: Issuer,
    /** The name of the issuer that the hostname's CAA records let through, where that is known. */
    private allowed: (hostname: string) => Promise<string | undefined> = async () => undefined,
  ) {
    this.name = first.name
    this.orderLimit = first.orderLimit
  }

  async issue(hostname: string, replaces?: string): Promise<Issued> {
    // The first would refuse, and a refusal counts against us.
    if ((await this.allowed(hostname)) === this.second.name) return this.second.issue(hostname)
    try {
      return await this.first.issue(hostname, replaces)
    } catch (error) {
      if (!(error instanceof IssuanceError) || error.failedValidations > 0 || error.isUnready) throw error
      return this.second.issue(hostname)
    }
  }

  async renewalWindow(chainPem: string): Promise<RenewalWindow | undefined> {
    return this.first.renewalWindow?.(chainPem)
  }
}
