import { Fact, Facts } from "../../parts/page"
import { Badge, Notice } from "../../parts/status"
import { adding as words } from "../../words/hostnames"
import type { Finding, NameCheck as Check } from "./model"
import { FindingNotice } from "./preflight-verdict"
import { PanelLink } from "./record-list"

/** What the DNS says of a name before it is added, and what will have to be done. */
export function NameCheck({ check }: { check: Check }) {
  if (check.problem !== null) return <Notice tone="bad">{check.problem}</Notice>
  if (check.private) return <Notice tone="good">{words.privateName}</Notice>
  const { provider, zone, kind, automatic, preflight } = check
  // A new name leads nowhere, and that is as it should be.
  const findings = preflight?.findings.filter(({ code }) => code !== "points_nowhere") ?? []
  const forbids = findings.some(({ code, severity }) => code.startsWith("caa") && severity === "blocked")
  return (
    <div className="flex flex-col gap-4">
      <Facts>
        <Fact name={words.provider}>
          {provider?.name ?? words.unknownProvider}
          {provider?.name && provider.control_panel_url !== null && <PanelLink url={provider.control_panel_url} name={provider.name} />}
        </Fact>
        <Fact name={words.zone}>{zone ?? "–"}</Fact>
        {kind !== null && <Fact name={words.kind}>{words.kinds[kind]}</Fact>}
        <Fact name={words.standing}>{standing(preflight?.findings ?? [])}</Fact>
        <Fact name={words.caa}>{forbids ? words.caaForbids : words.caaFree}</Fact>
      </Facts>
      {findings.map((finding) => (
        <FindingNotice key={`${finding.code} ${finding.sentence}`} finding={finding} />
      ))}
      <p className="flex flex-wrap items-center gap-2 text-dim">
        {automatic ? (
          <>
            <Badge tone="good">{words.provider}</Badge> {words.automatic}
          </>
        ) : (
          words.manual(recordsOf(check))
        )}
      </p>
    </div>
  )
}

function standing(findings: Finding[]): string {
  const codes = new Set(findings.map(({ code }) => code))
  if (codes.has("dns_unreachable") || codes.has("no_delegation")) return words.notKnown
  if (codes.has("points_nowhere")) return words.leadsNowhere
  const away = ["wrong_address", "stale_aaaa", "private_address", "cname_chain_broken", "loop", "cdn_in_front"]
  return away.some((code) => codes.has(code)) ? words.inTheWay : words.leadsHere
}

const recordsOf = ({ verify, records }: Check) =>
  [...(verify === null ? [] : [verify]), ...records].map(({ type, host }) => words.recordAt(type, host)).join(", ")
