import { Section } from "../../parts/page"
import { Notice, Skeleton } from "../../parts/status"
import { Time } from "../../parts/time"
import { journey as words, records as recordWords } from "../../words/hostnames"
import { OpenLink } from "./hostname-head"
import { Journey, type Step } from "./journey"
import { type Mapping, type NameRecords, problemText } from "./model"
import { RecordList } from "./record-list"

/** What is left until a mapping serves its first visitor. */
export function MappingJourney({
  mapping,
  records,
  isVisited,
}: {
  mapping: Mapping
  records: NameRecords | undefined
  isVisited: boolean
}) {
  const isProved = mapping.status === "verified"
  const isIssued = mapping.certificate?.state === "issued"
  return (
    <Section title={words.title}>
      <Journey
        steps={[
          ownershipStep(mapping, records),
          addressStep(records, isVisited),
          certificateStep(mapping),
          {
            title: words.visit,
            state: isVisited ? "done" : isProved && isIssued ? "now" : "later",
            body: isVisited ? (
              <p className="text-dim">{words.visitDone}</p>
            ) : isProved && isIssued ? (
              <>
                <p className="text-dim">{words.visitOpen}</p>
                {!mapping.domain.startsWith("*.") && (
                  <div>
                    <OpenLink hostname={mapping.domain} />
                  </div>
                )}
              </>
            ) : (
              <p className="text-dim">{words.visitWaits}</p>
            ),
          },
        ]}
      />
    </Section>
  )
}

function ownershipStep({ status }: Mapping, records: NameRecords | undefined): Step {
  const title = words.ownership
  if (status === "verified") {
    const note = records?.private === false ? ` ${recordWords.provedNote}` : ""
    return { title, state: "done", body: <p className="text-dim">{words.ownershipDone + note}</p> }
  }
  return {
    title,
    state: status === "failed" ? "trouble" : "now",
    body: (
      <>
        <p className="text-dim">{status === "failed" ? words.ownershipFailed : words.ownershipDo}</p>
        {records === undefined ? <Skeleton className="h-56" /> : <RecordList data={records} only={["ownership"]} />}
      </>
    ),
  }
}

function addressStep(records: NameRecords | undefined, isVisited: boolean): Step {
  const title = words.address
  if (records === undefined) return { title, state: "later", body: <Skeleton className="h-56" /> }
  if (records.private) return { title, state: isVisited ? "done" : "now", body: <p className="text-dim">{words.addressPrivate}</p> }
  const own = records.records.filter(({ purpose }) => purpose !== "ownership")
  if (own.every(({ propagated }) => propagated)) return { title, state: "done", body: <p className="text-dim">{words.addressDone}</p> }
  return {
    title,
    state: isVisited ? "done" : "now",
    body: (
      <>
        <p className="text-dim">{words.addressDo}</p>
        <RecordList data={records} only={["address", "challenge"]} />
      </>
    ),
  }
}

function certificateStep({ status, certificate }: Mapping): Step {
  const title = words.certificate
  if (status !== "verified") return { title, state: "later", body: <p className="text-dim">{words.certificateWaits}</p> }
  if (certificate?.state === "issued")
    return { title, state: "done", body: <p className="text-dim">{words.certificateDone(issuerText(certificate.issuer))}</p> }
  if (certificate?.state === "backing_off")
    return {
      title,
      state: certificate.put_off === true ? "now" : "trouble",
      body: (
        <Notice tone="warn">
          {problemText(certificate.problem ?? "")}
          <p className="mt-1">
            {words.certificateHeld}
            {certificate.next_attempt_at !== undefined && (
              <>
                {" "}
                <Time at={certificate.next_attempt_at} />
              </>
            )}
            .
          </p>
        </Notice>
      ),
    }
  return { title, state: "now", body: <p className="text-dim">{words.certificateRuns}</p> }
}

/** The host of a directory's address; the list of mappings has no other name of an issuer. */
function issuerText(issuer: string | undefined): string {
  if (issuer === undefined || issuer === "internal") return words.ownCa
  return URL.canParse(issuer) ? new URL(issuer).hostname : issuer
}
