import { X509Certificate } from "node:crypto"
import { type CertificateEntry, type CertificateList, type CertificateQuery } from "./certificate-list"
import { problemInWords } from "../problem-words"

/** An issuer that certifies names here. `role` says for which. */
export type IssuerReply = {
  role: "first" | "fallback" | "test" | "internal"
  name: string
  directory: string | null
  email: string | null
  account_url: string | null
  account_since: string | null
  order_limit: number | null
  certificates: number
  root: { subject: string; fingerprint: string; not_after: string; download: string } | null
}

export type CertificatesNeeds = {
  list: CertificateList
  /** The directories in force, by what they are for; `internal` is the built-in CA. */
  directories: { role: "first" | "fallback" | "test"; directory: string; name: string }[]
  email: string | undefined
  orderLimit: number
  rootPem: () => Promise<string>
  now: () => number
}

const endingMs = 14 * 86_400_000

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

/** Who certifies here, and every certificate with what is the matter with it. */
export class HouseCertificates {
  constructor(private needs: CertificatesNeeds) {}

  /** The directories in the order in which they are asked, then the built-in CA. */
  async issuers(): Promise<IssuerReply[]> {
    const { list, directories, email, orderLimit, rootPem } = this.needs
    const [accounts, made, root] = [await list.accounts(), await list.byIssuer(), new X509Certificate(await rootPem())]
    const acme = directories.filter(({ directory }) => directory !== "internal")
    return [
      ...acme.map(({ role, directory, name }) => ({
        role,
        name,
        directory,
        email: email ?? null,
        account_url: accounts.get(directory)?.accountUrl ?? null,
        account_since: iso(accounts.get(directory)?.createdAt ?? null),
        order_limit: orderLimit,
        certificates: made.get(directory) ?? 0,
        root: null,
      })),
      {
        role: "internal" as const,
        name: "built-in CA",
        directory: null,
        email: null,
        account_url: null,
        account_since: iso(accounts.get("internal")?.createdAt ?? null),
        order_limit: null,
        certificates: made.get("internal") ?? 0,
        root: {
          subject: root.subject,
          fingerprint: root.fingerprint256,
          not_after: root.validToDate.toISOString(),
          download: "/ca.pem",
        },
      },
    ]
  }

  /** A page of all names with a certificate or an attempt at one, those that end first before the others. */
  async page(query: CertificateQuery) {
    const rows = await this.needs.list.page(query)
    const shown = rows.slice(0, query.limit)
    const last = rows.length > query.limit ? shown.at(-1) : undefined
    const cursor = last === undefined ? null : Buffer.from(`${last.notAfter ?? 0}.${last.hostname}`, "latin1").toString("base64url")
    return {
      ...(await this.needs.list.counts(this.needs.now() + endingMs)),
      certificates: shown.map(certificateReply),
      next_cursor: cursor,
    }
  }
}

function certificateReply(row: CertificateEntry) {
  const { holderKind, holderId, username } = row
  return {
    hostname: row.hostname,
    issuer: row.issuer,
    not_before: iso(row.notBefore),
    not_after: iso(row.notAfter),
    renew_at: iso(row.renewAt),
    failures: row.failures,
    last_attempt_at: iso(row.lastAttemptAt || null),
    next_attempt_at: iso(row.nextAttemptAt),
    /** What the issuer said, word for word, and in words. */
    problem: row.problem || null,
    reason: row.problem ? problemInWords(row.problem) : null,
    /** Null for the platform's own names. */
    holder: holderKind === null || holderId === null ? null : { kind: holderKind, id: holderId, username },
  }
}
