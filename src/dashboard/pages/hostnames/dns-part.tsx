import { Loaded } from "../../parts/loaded"
import { Section } from "../../parts/page"
import { Skeleton } from "../../parts/status"
import { Time } from "../../parts/time"
import { records as words, verdict } from "../../words/hostnames"
import type { Subject } from "./model"
import { PreflightVerdict } from "./preflight-verdict"
import { usePreflight, useRecords } from "./queries"
import { RecordList } from "./record-list"

/** The records of a hostname as each server has them, and what preflight says of the name. */
export function DnsPart({ subject, isWatched }: { subject: Subject; isWatched: boolean }) {
  const records = useRecords(subject, isWatched)
  const preflight = usePreflight(subject)
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Section title={words.title}>
        <Loaded query={records} skeleton={<Skeleton className="h-64" />}>
          {(data) => (
            <div className="flex flex-col gap-3">
              <RecordList data={data} />
              <p className="text-sm text-dim">
                {words.checkedAt} <Time at={data.checked_at} />
              </p>
            </div>
          )}
        </Loaded>
      </Section>
      {records.data?.private !== true && (
        <Section title={verdict.title}>
          <Loaded query={preflight} skeleton={<Skeleton className="h-24" />}>
            {(report) => <PreflightVerdict report={report} />}
          </Loaded>
        </Section>
      )}
    </div>
  )
}
