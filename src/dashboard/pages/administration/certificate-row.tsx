import { Link } from "@tanstack/react-router"
import { sentence } from "../../data/api"
import { useSession } from "../../data/session"
import { Badge } from "../../parts/status"
import { Cell } from "../../parts/table"
import { Time } from "../../parts/time"
import { house } from "../../words/house"

const words = house.certificates

/** A name of `GET /admin/certificates`. */
export type Certificate = {
  hostname: string
  issuer: string | null
  not_after: string | null
  renew_at: string | null
  failures: number
  last_attempt_at: string | null
  next_attempt_at: string | null
  reason: string | null
  holder: { kind: "mapping" | "connection"; id: string; username: string | null } | null
}

const dayMs = 86_400_000

/** One name: how long its certificate holds, when it is renewed, and what went wrong the last time. */
export function CertificateRow({ row }: { row: Certificate }) {
  const { hostname, issuer, not_after: end, renew_at: renewAt, failures, reason, holder } = row
  // The pages of others are theirs alone.
  const { username: self } = useSession()
  const days = end === null ? undefined : Math.floor((Date.parse(end) - Date.now()) / dayMs)
  return (
    <tr>
      <Cell className="min-w-48 [overflow-wrap:anywhere]">
        {holder !== null && holder.username === self ? (
          <Link to={`/hostnames/${holder.kind}/${holder.id}`} className="font-medium hover:text-accent hover:underline">
            {hostname}
          </Link>
        ) : (
          <span className="font-medium">{hostname}</span>
        )}
        {failures > 0 && reason !== null && <p className="max-w-prose text-sm text-bad">{sentence(reason)}</p>}
      </Cell>
      <Cell className="whitespace-nowrap">
        {end === null || days === undefined ? (
          <Badge tone="bad">{words.noneYet}</Badge>
        ) : (
          <>
            <Badge tone={days < 3 ? "bad" : days < 14 ? "warn" : "good"}>{words.daysLeft(days)}</Badge>
            <span className="ml-2 text-sm text-dim">
              <Time at={end} />
            </span>
          </>
        )}
      </Cell>
      <Cell className="text-sm whitespace-nowrap">
        {failures > 0 ? (
          <span className="text-bad">
            {words.failedTimes(failures)}
            {row.last_attempt_at !== null && (
              <>
                , {words.last} <Time at={row.last_attempt_at} />
              </>
            )}
            {row.next_attempt_at !== null && (
              <>
                , {words.next} <Time at={row.next_attempt_at} />
              </>
            )}
          </span>
        ) : (
          renewAt !== null && <Time at={renewAt} />
        )}
      </Cell>
      <Cell className="text-sm [overflow-wrap:anywhere]">{issuerName(issuer)}</Cell>
      <Cell className="text-sm whitespace-nowrap">{holder?.username ?? words.platform}</Cell>
    </tr>
  )
}

function issuerName(issuer: string | null): string {
  if (issuer === null) return "–"
  return issuer === "internal" ? words.internal : URL.canParse(issuer) ? new URL(issuer).host : issuer
}
