import { useMutation, useQuery } from "@tanstack/react-query"
import { Link, useParams } from "@tanstack/react-router"
import { ApiFault, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts, Page, Section } from "../../parts/page"
import { FaultNotice, Skeleton, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { certificate, hostnames, journey as words, settings } from "../../words/hostnames"
import { CertificatePart } from "./certificate"
import { ConnectionSettings } from "./connection-settings"
import { DnsPart } from "./dns-part"
import { HostnamePage, NoHostname, partOf } from "./hostname-head"
import { targetsOf, targetText } from "./items"
import { Journey, type StepState } from "./journey"
import { apiOf, type Connection, type Container, type NameRecords, problemText } from "./model"
import { connectionQuery, targetsQuery, useRecords } from "./queries"
import { RecentRequests } from "./recent-requests"
import { RecordList } from "./record-list"
import { standingOfConnection } from "./standing"
import { TimelinePart } from "./timeline"
import { TrafficGraphs } from "./traffic-graphs"

/** A customer's hostname of an application: the way to being live, and what is to be known and changed afterwards. */
export function ConnectionPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const { data, error, refetch } = useQuery(connectionQuery(id))
  if (data !== undefined) return <Found key={id} connection={data} />
  if (error instanceof ApiFault && error.status === 404) return <NoHostname />
  return (
    <Page title={hostnames.title}>
      {error === null ? <SkeletonRows rows={3} className="h-24" /> : <FaultNotice error={error} onRetry={() => void refetch()} />}
    </Page>
  )
}

const settled = new Set(["live", "drifted", "archived"])

function Found({ connection }: { connection: Connection }) {
  const subject = { kind: "connection" as const, id: connection.id }
  const { part: raw } = useParams({ strict: false }) as { part?: string }
  const part = partOf(raw)
  const containers = useQuery(targetsQuery)
  const isOnItsWay = !settled.has(connection.state)
  const isArchived = connection.state === "archived"
  const records = useRecords(subject, isOnItsWay && (part === "overview" || part === "dns"))
  const check = useMutation({
    mutationFn: () => ask("POST", `${apiOf(subject)}/records:check`),
    onSuccess: () => toast(hostnames.checked),
    onSettled: () => refresh("hostnames"),
  })
  return (
    <HostnamePage
      subject={subject}
      hostname={connection.hostname}
      standing={standingOfConnection(connection)}
      isOpenable={connection.certificate.status === "issued" && !isArchived}
      {...(isArchived ? {} : { onCheck: () => check.mutate() })}
      isChecking={check.isPending}
    >
      {check.error !== null && <FaultNotice error={check.error} />}
      {part === "overview" && (
        <div className="flex flex-col gap-5">
          {isOnItsWay && (
            <Section title={words.title}>
              <ConnectionJourney connection={connection} records={records.data} />
            </Section>
          )}
          {!unproved.has(connection.state) && <TrafficGraphs subject={subject} />}
          <About connection={connection} containers={containers.data} />
        </div>
      )}
      {part === "requests" && <RecentRequests subject={subject} hostname={connection.hostname} />}
      {part === "dns" && <DnsPart subject={subject} isWatched={isOnItsWay} />}
      {part === "certificate" && <CertificatePart subject={subject} />}
      {part === "timeline" && <TimelinePart subject={subject} />}
      {part === "settings" && (
        <Loaded query={containers}>{(found) => <ConnectionSettings connection={connection} containers={found} />}</Loaded>
      )}
    </HostnamePage>
  )
}

const unproved = new Set(["created", "pending_ownership", "verifying", "failed"])

function ConnectionJourney({ connection, records }: { connection: Connection; records: NameRecords | undefined }) {
  const isProved = !unproved.has(connection.state)
  const own = records?.records.filter(({ purpose }) => purpose === "address") ?? []
  const isLed = records !== undefined && own.every(({ propagated }) => propagated)
  const { problem, status } = connection.certificate
  const certificateState: StepState = status === "failed" ? "trouble" : connection.state === "issuing_cert" ? "now" : "later"
  return (
    <Journey
      steps={[
        {
          title: words.ownership,
          state: isProved ? "done" : connection.state === "failed" ? "trouble" : "now",
          body: isProved ? (
            <p className="text-dim">{words.ownershipDone}</p>
          ) : (
            <>
              <p className="text-dim">{connection.state === "failed" ? words.ownershipFailed : words.ownershipDo}</p>
              {records === undefined ? <Skeleton className="h-56" /> : <RecordList data={records} only={["ownership"]} />}
            </>
          ),
        },
        {
          title: words.address,
          state: isLed ? "done" : "now",
          body: isLed ? (
            <p className="text-dim">{words.addressDone}</p>
          ) : records === undefined ? (
            <Skeleton className="h-56" />
          ) : (
            <>
              <p className="text-dim">{words.addressDo}</p>
              <RecordList data={records} only={["address"]} />
            </>
          ),
        },
        {
          title: words.certificate,
          state: certificateState,
          body: (
            <p className="text-dim">
              {problem !== null ? problemText(problem) : certificateState === "now" ? words.certificateRuns : words.certificateWaitsRecords}
            </p>
          ),
        },
      ]}
    />
  )
}

function About({ connection, containers }: { connection: Connection; containers: Container[] | undefined }) {
  const { origin_url: origin, container_id: container, target_port: port } = connection
  const target = origin ?? (container === null ? hostnames.appTarget : targetText(targetsOf(containers)(container), port ?? 0))
  return (
    <Section title={hostnames.about}>
      <Facts>
        <Fact name={hostnames.application}>
          <Link to={`/applications/${encodeURIComponent(connection.application_id)}` as string} className="text-accent hover:underline">
            {hostnames.openApplication}
          </Link>
        </Fact>
        <Fact name={settings.destination}>{target}</Fact>
        <Fact name={hostnames.added}>
          <Time at={connection.created_at} />
        </Fact>
        {connection.live_at !== null && (
          <Fact name={hostnames.liveSince}>
            <Time at={connection.live_at} />
          </Fact>
        )}
        {connection.certificate.not_after !== null && (
          <Fact name={certificate.until}>
            <Time at={connection.certificate.not_after} />
          </Fact>
        )}
      </Facts>
    </Section>
  )
}
