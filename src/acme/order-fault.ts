import { describeError } from "../errors"
import type { AcmeStep } from "./acme-issuer"
import { ChallengeUnready } from "./dns-challenges"
import { IssuanceError } from "./issuer"
import type { Refusal } from "./order-ledger"
import { DirectoryError } from "./transport"
import { ValidationFailed } from "./validation-failed"

const RATE_LIMITED = "urn:ietf:params:acme:error:rateLimited"
const HOUR_MS = 3_600_000

/** Why an order did not end in a certificate; `ended` says so where its own time or ours was over. */
export function orderFault(subject: string, error: unknown, ended: string | undefined, failedValidations: number): IssuanceError {
  if (error instanceof IssuanceError) return error
  if (error instanceof ValidationFailed) {
    return new IssuanceError(`${subject}: ${error.message}`, { problem: error.problem, failedValidations, cause: error })
  }
  // With validations that failed before it, it is those that count.
  if (error instanceof ChallengeUnready) return new IssuanceError(error.message, { isUnready: true, failedValidations, cause: error })
  if (error instanceof DirectoryError) {
    const retryAfterMs = isLimit(error) ? (error.retryAfterMs ?? HOUR_MS) : error.retryAfterMs
    return new IssuanceError(`${subject}: ${error.message}`, { problem: error.raw, retryAfterMs, failedValidations, cause: error })
  }
  return new IssuanceError(`${subject}: ${ended ?? describeError(error)}`, { failedValidations, cause: error })
}

/** A directory's wish to be left alone: a rate limit, or a busy directory that says how long; undefined for other faults. */
export function refusalIn(hostname: string, error: unknown): Refusal | undefined {
  if (error instanceof ValidationFailed && error.type === RATE_LIMITED) {
    return { hostname, text: error.message, retryAfterMs: HOUR_MS, isLimit: true }
  }
  if (!(error instanceof DirectoryError)) return undefined
  const { message: text, retryAfterMs } = error
  if (isLimit(error)) return { hostname, text, retryAfterMs: retryAfterMs ?? HOUR_MS, isLimit: true }
  return error.status === 503 && retryAfterMs !== undefined ? { hostname, text, retryAfterMs, isLimit: false } : undefined
}

/** The last step of an order that came to nothing. */
export function failureStep(issuer: string, fault: IssuanceError): AcmeStep {
  if (fault.putOffUntil !== undefined) return { name: "order", text: `Not ordered yet at ${issuer}: ${fault.message}` }
  const said = fault.problem === fault.message ? {} : { problem: fault.problem }
  return { name: "failure", text: `No certificate from ${issuer}: ${fault.message}`, ...said }
}

const isLimit = ({ type, status }: DirectoryError) => type === RATE_LIMITED || status === 429
