import type { Verdict } from "./check"

/** How the certificates stand as a whole: how many, how many cannot be had or renewed now, and the first names of those. */
export type CertificateCounts = { total: number; failing: number; examples: string[] }

export function checkCertificates({ total, failing, examples }: CertificateCounts): Verdict {
  if (failing === 0)
    return {
      status: "ok",
      verdict:
        total === 0 ? "There are no certificates yet." : `All of ${total} ${total === 1 ? "certificate" : "certificates"} can be renewed.`,
    }
  const first = examples[0]
  return {
    status: "warn",
    verdict: `${failing} ${failing === 1 ? "name" : "names"} cannot get or renew a certificate now: ${examples.join(", ")}${failing > examples.length ? ", …" : ""}.`,
    remedy:
      first === undefined ? "The list of certificates says what the issuer said." : `“freehold doctor ${first}” names what is in the way.`,
  }
}
