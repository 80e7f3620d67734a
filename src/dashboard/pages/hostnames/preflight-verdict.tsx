import type { Tone } from "../../parts/classes"
import { Notice } from "../../parts/status"
import { Time } from "../../parts/time"
import { records, verdict as words } from "../../words/hostnames"
import type { Finding, Preflight } from "./model"

const tones: Record<Preflight["verdict"], Tone> = { ready: "good", warning: "warn", blocked: "bad" }

/** What would keep a name from its certificate and its visitors, with what to do about it. */
export function PreflightVerdict({ report }: { report: Preflight }) {
  const { verdict, sentence, findings, checked_at } = report
  return (
    <div className="flex flex-col gap-3">
      {findings.length === 0 && (
        <Notice tone={tones[verdict]} title={words[verdict]}>
          {sentence}
        </Notice>
      )}
      {findings.map((finding) => (
        <FindingNotice key={`${finding.code} ${finding.sentence}`} finding={finding} />
      ))}
      <p className="text-sm text-dim">
        {records.checkedAt} <Time at={checked_at} />
      </p>
    </div>
  )
}

/** One thing that stands in the way, and what was seen. */
export function FindingNotice({ finding: { severity, sentence, fix, evidence } }: { finding: Finding }) {
  return (
    <Notice
      tone={severity === "blocked" ? "bad" : severity === "warning" ? "warn" : "info"}
      title={severity === "notice" ? undefined : words[severity]}
    >
      <p>{sentence}</p>
      {fix !== null && <p className="mt-1 font-medium">{fix}</p>}
      {evidence.length > 0 && (
        <details className="mt-1 text-sm">
          <summary className="text-dim">{words.evidence}</summary>
          <ul className="mt-1 flex flex-col gap-0.5 font-mono">
            {evidence.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </details>
      )}
    </Notice>
  )
}
