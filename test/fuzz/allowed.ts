import type { Finding } from "./request-verdict"

/** A difference that was looked at and is right as it is. */
type Allowed = { rule: RegExp; detail?: RegExp; bytes?: RegExp; reason: string }

const refused = /^nginx (?:refuses|and node both refuse)/

/** Each row is a judgement; a new one needs a reason that names the RFC or what the other server documents. */
export const allowed: Allowed[] = [
  {
    rule: /^not what (?:nginx|node) saw$/,
    detail: /^OPTIONS \* (.*) but (?:nginx|node) saw OPTIONS \/ \1$/,
    reason:
      "OPTIONS for an absolute target without a path becomes the asterisk form at the last proxy (RFC 9112 section 3.2.4); origin servers read it as /",
  },
  { rule: refused, detail: /^OPTIONS \* /, reason: "nginx 1.22 does not know the asterisk form (RFC 9112 section 3.2.4)" },
  {
    rule: refused,
    detail: /^(?![A-Z_-]+ )[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} /,
    reason: "a method is any token (RFC 9110 section 9.1); nginx takes capitals, - and _ only, node those of its list",
  },
  {
    rule: refused,
    detail: /^\S+ \/\S*(?:%(?![0-9a-fA-F]{2})|%00|\.\.|%2e|%2E)/,
    reason:
      "nginx decodes and resolves the path for its own locations and refuses what has none; a relay passes the target on as it came (RFC 9112 section 3.2.1)",
  },
  {
    rule: refused,
    bytes: /\r\n(?:content-length|transfer-encoding|host):(?: *\t|[^\r\n]*\t *\r\n)/i,
    reason:
      "blanks around a value, tabs among them, do not belong to it (RFC 9112 section 5.1); nginx takes off spaces only; the edge writes these three fields anew",
  },
  {
    rule: refused,
    bytes:
      /\r\n(if-match|range|cookie|user-agent|referer|authorization|if-modified-since|if-unmodified-since|if-none-match|expect|upgrade):[^]*\r\n\1:/i,
    reason: "nginx refuses two of some fields that it reads itself; they frame nothing, and the edge passes both on as they came",
  },
]

/** The findings that nobody has judged yet. */
export const unjudged = <Rule extends string>(findings: Finding<Rule>[], bytes: Buffer): Finding<Rule>[] =>
  findings.filter((finding) => !allowed.some((row) => isOf(row, finding, bytes)))

const isOf = (row: Allowed, finding: Finding, bytes: Buffer) =>
  row.rule.test(finding.rule) && (row.detail?.test(finding.detail) ?? true) && (row.bytes?.test(bytes.toString("latin1")) ?? true)
