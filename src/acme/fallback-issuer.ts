import { IssuanceError, type Issued, type Issuer, type RenewalWindow } from "./issuer"

/**
 * Two directories as one issuer: the second is asked when the first is down or limits us, not when a validation failed or had to be left undone, for that
 * would fail at the second too and count against us at both. Certificates of either go by the first one's name.
 */
export class FallbackIssuer implements Issuer {
  readonly name: string
  readonly orderLimit: Issuer["orderLimit"]

  constructor(
    private first: Issuer,
    private second: Issuer,
  ) {
    this.name = first.name
    this.orderLimit = first.orderLimit
  }

  async issue(hostname: string, replaces?: string): Promise<Issued> {
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
