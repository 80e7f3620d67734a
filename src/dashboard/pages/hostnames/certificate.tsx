import { Code } from "../../parts/copy"
import { LimitRows } from "../../parts/limit-rows"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts, Section } from "../../parts/page"
import { Notice, Skeleton } from "../../parts/status"
import { Time } from "../../parts/time"
import { certificate as words } from "../../words/hostnames"
import { limits } from "../../words/limits"
import { type Certificate, problemText, type Subject } from "./model"
import { useCertificate } from "./queries"

/** A hostname's certificate with its chain, when it is to be replaced and why then, and what the issuers' limits leave for it. */
export function CertificatePart({ subject }: { subject: Subject }) {
  return (
    <Loaded query={useCertificate(subject)} skeleton={<Skeleton className="h-64" />}>
      {(found) => (
        <div className="flex flex-col gap-5">
          {found.last_failure !== null && <Failure failure={found.last_failure} />}
          <Section title={words.title}>{found.not_after === null ? <None /> : <Known found={found} notAfter={found.not_after} />}</Section>
          {found.limits.length > 0 && (
            <Section title={limits.title}>
              <p className="max-w-prose text-dim">{limits.ofName}</p>
              <LimitRows limits={found.limits} />
            </Section>
          )}
          {found.chain.length > 0 && <Chain chain={found.chain} />}
        </div>
      )}
    </Loaded>
  )
}

const None = () => (
  <p>
    {words.none} <span className="text-dim">{words.noneWhy}</span>
  </p>
)

function Known({ found, notAfter }: { found: Certificate; notAfter: string }) {
  return (
    <Facts>
      <Fact name={words.issuer}>{found.issuer_name}</Fact>
      <Fact name={words.names}>{found.names.join(", ")}</Fact>
      {found.renewal !== null && (
        <Fact name={words.renewal}>
          {found.renewal.at !== null && (
            <>
              <Time at={found.renewal.at} />,{" "}
            </>
          )}
          {words.plan[found.renewal.reason] ?? found.renewal.reason}
        </Fact>
      )}
      {found.not_before !== null && (
        <Fact name={words.from}>
          <Time at={found.not_before} />
        </Fact>
      )}
      <Fact name={words.until}>
        <Time at={notAfter} /> <span className="text-dim">{day.format(new Date(notAfter))}</span>
      </Fact>
      {found.serial !== null && (
        <Fact name={words.serial}>
          <Code text={found.serial} />
        </Fact>
      )}
      {found.fingerprint_sha256 !== null && (
        <Fact name={words.fingerprint}>
          <Code text={found.fingerprint_sha256} />
        </Fact>
      )}
    </Facts>
  )
}

const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" })

const Failure = ({ failure }: { failure: NonNullable<Certificate["last_failure"]> }) => (
  <Notice tone="warn" title={failure.put_off === true ? words.putOff : words.failed}>
    <p>{problemText(failure.problem)}</p>
    <p className="mt-1 text-sm">
      {failure.put_off !== true && (
        <>
          {words.tries(failure.failures)}, <Time at={failure.at} /> ·{" "}
        </>
      )}
      {words.next} <Time at={failure.next_attempt_at} />
    </p>
  </Notice>
)

const Chain = ({ chain }: { chain: Certificate["chain"] }) => (
  <Section title={words.chain}>
    <ol className="flex flex-col gap-3">
      {chain.map(({ subject, issuer, not_after }, index) => (
        <li key={index} className="border-l-2 border-line pl-3">
          <p className="font-medium [overflow-wrap:anywhere]">{subject || words.leaf}</p>
          <p className="text-sm text-dim [overflow-wrap:anywhere]">
            {words.signedBy(issuer)} · {words.until.toLowerCase()} {day.format(new Date(not_after))}
          </p>
        </li>
      ))}
    </ol>
  </Section>
)
