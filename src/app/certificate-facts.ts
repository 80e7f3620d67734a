import { X509Certificate } from "node:crypto"
import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import { CertificateList } from "../house/certificate-list"
import { authorityAt } from "../preflight/certificate-authorities"
import { problemInWords } from "../problem-words"
import type { Certification } from "./certification"
import type { CheckupNeeds } from "./checkup"

export type CertificateFactsNeeds = {
  config: ConfigInForce
  db: Db
  certification: Pick<Certification, "certificates" | "accountOpens" | "rootPem" | "ledger" | "limitFinding">
  /** The name whose certificate serves a host. */
  certifiedBy: (hostname: string) => string
  now: () => number
}

const examples = 3
/** Of each limit; whoever has more of them used up is told how many there are at least. */
const mostScarce = 100

/** What checks ask of certificates and their issuers. */
export function certificateFacts({ config, db, certification, certifiedBy, now }: CertificateFactsNeeds): CheckupNeeds["certificates"] {
  const list = new CertificateList(db)
  return {
    counts: async () => {
      const { total, failing } = await list.counts(now())
      const first = failing === 0 ? [] : await list.page({ q: "", isFailing: true, limit: examples, after: undefined })
      return { total, failing, examples: first.slice(0, examples).map(({ hostname }) => hostname) }
    },
    kept: async (hostname) => {
      const {
        state,
        notAfter,
        issuer,
        problem,
        nextAttemptAt,
        isPutOff = false,
      } = await certification.certificates.status(certifiedBy(hostname))
      if (state === "none") return undefined
      return { notAfter, issuer, problem: problem === undefined ? undefined : problemInWords(problem), nextAttemptAt, isPutOff }
    },
    accounts: async () => {
      const { acmeDirectory, acmeFallbackDirectory } = config.current
      const known = await list.accounts()
      const directories = [acmeDirectory, acmeFallbackDirectory].filter((one) => one !== undefined).filter((one) => one !== "internal")
      return Promise.all(
        directories.map(async (directory) => {
          const since = known.get(directory)?.createdAt
          const isThere = since !== undefined
          return {
            authority: authorityAt(directory).name,
            since: isThere ? new Date(since).toISOString() : null,
            opens: isThere && (await certification.accountOpens(directory)),
          }
        }),
      )
    },
    scarceLimits: () => certification.ledger.scarce(mostScarce),
    limitsFor: (hostname) => certification.limitFinding(certifiedBy(hostname)),
    rootEnds: async () => new X509Certificate(await certification.rootPem()).validToDate.getTime(),
  }
}
