/**
 * What an order is to the limits of its directory: for a name that had no certificate from it, in place of one that it made, or that also tells the
 * directory which one it replaces (RFC 9773 section 5).
 */
export type OrderKind = "new" | "renewal" | "announced"

/** An order that is on the books. */
export type BookedOrder = {
  /** It ended before the directory was asked for a certificate, so that none counts. */
  endedWithoutCertificate(): Promise<void>
}

/** An answer by which a directory asked to be left alone. `isLimit`: one of its rate limits (RFC 8555 section 6.6), else it is busy. */
export type Refusal = { hostname: string; text: string; retryAfterMs: number; isLimit: boolean }

/** The limits of one directory as they are known here. All that counts is on the books before it is sent, so that nothing is forgotten when the process ends. */
export interface OrderLedger {
  /** Books an order. Throws IssuanceError with `putOffUntil` where it would break a limit; then nothing may be sent. */
  order(hostname: string, kind: OrderKind): Promise<BookedOrder>
  /** Books a validation as failed, and answers how to take that back; undefined where one more failure would break a limit. */
  validation(hostname: string): Promise<(() => Promise<void>) | undefined>
  /** Books an account. Throws like `order`. */
  account(): Promise<void>
  /** Notes what the directory answered; nothing that it was about is sent until the time it named. */
  refused(refusal: Refusal): Promise<void>
}

/** Validations of one hostname that may fail in an hour, where a directory says nothing else: the limit of Let's Encrypt. */
export const failuresPerHour = 5

/** For directories without limits. */
export const unlimited: OrderLedger = {
  order: async () => ({ endedWithoutCertificate: async () => {} }),
  validation: async () => async () => {},
  account: async () => {},
  refused: async () => {},
}
