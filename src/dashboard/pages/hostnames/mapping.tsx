import { useMutation, useQuery } from "@tanstack/react-query"
import { Link, useParams } from "@tanstack/react-router"
import { useEffect } from "react"
import { ask } from "../../data/api"
import { queryClient, refresh } from "../../data/queries"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts, Page, Section } from "../../parts/page"
import { FaultNotice, Skeleton, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { certificate, hostnames, settings } from "../../words/hostnames"
import { CertificatePart } from "./certificate"
import { DnsPart } from "./dns-part"
import { HostnamePage, NoHostname, partOf } from "./hostname-head"
import { targetsOf, targetText } from "./items"
import { MappingJourney } from "./mapping-journey"
import { MappingSettings } from "./mapping-settings"
import { apiOf, type Mapping } from "./model"
import { mappingsQuery, targetsQuery, useFirstVisit, useRecords } from "./queries"
import { RecentRequests } from "./recent-requests"
import { standingOfMapping } from "./standing"
import { TimelinePart } from "./timeline"
import { TrafficGraphs } from "./traffic-graphs"

/** A mapping: the way to its first visit as long as it is not there, and what is to be known and changed afterwards. */
export function MappingPage() {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const mappings = useQuery(mappingsQuery)
  const mapping = mappings.data?.find((one) => one.id === id)
  if (mapping !== undefined) return <Found key={id} mapping={mapping} />
  if (mappings.data !== undefined) return <NoHostname />
  return (
    <Page title={hostnames.title}>
      {mappings.error === null ? (
        <SkeletonRows rows={3} className="h-24" />
      ) : (
        <FaultNotice error={mappings.error} onRetry={() => void mappings.refetch()} />
      )}
    </Page>
  )
}

function Found({ mapping }: { mapping: Mapping }) {
  const subject = { kind: "mapping" as const, id: mapping.id }
  const { part: raw } = useParams({ strict: false }) as { part?: string }
  const part = partOf(raw)
  const containers = useQuery(targetsQuery)
  const target = targetsOf(containers.data)(mapping.container_id)
  const isProved = mapping.status === "verified"
  const isIssued = mapping.certificate?.state === "issued"
  const isVisited = useFirstVisit(subject, isProved && isIssued)
  const isOnItsWay = !isProved || !isIssued || isVisited === false
  const records = useRecords(subject, isOnItsWay && (part === "overview" || part === "dns"))
  const verify = useMutation({ mutationFn: () => ask("POST", `${apiOf(subject)}/verify`), onSettled: () => refresh("hostnames") })
  useEnding(mapping)
  const isSeen = records.data?.records.some(
    ({ purpose, authorities }) => purpose === "ownership" && authorities.some(({ matches }) => matches),
  )
  // One server that shows it is proof, so nobody waits for the next turn of the worker.
  useEffect(() => {
    if (isSeen === true && !isProved) verify.mutate()
  }, [isSeen, isProved])
  // The graphs look seldom; the first visit belongs into them at once.
  useEffect(() => {
    if (isVisited === true) void queryClient.invalidateQueries({ queryKey: ["traffic", "mapping", mapping.id] })
  }, [isVisited])
  const check = useMutation({
    mutationFn: () => (isProved ? refresh("hostnames") : verify.mutateAsync()),
    onSuccess: () => toast(hostnames.checked),
  })
  return (
    <HostnamePage
      subject={subject}
      hostname={mapping.domain}
      standing={standingOfMapping(mapping, target)}
      isOpenable={isIssued}
      onCheck={() => check.mutate()}
      isChecking={check.isPending}
    >
      {verify.error !== null && <FaultNotice error={verify.error} />}
      {part === "overview" && (
        <div className="flex flex-col gap-5">
          {isOnItsWay && isVisited !== undefined && <MappingJourney mapping={mapping} records={records.data} isVisited={isVisited} />}
          {isOnItsWay && isVisited === undefined && <Skeleton className="h-96" />}
          {isProved && <TrafficGraphs subject={subject} />}
          <About mapping={mapping} target={targetText(target, mapping.target_port)} />
        </div>
      )}
      {part === "requests" && <RecentRequests subject={subject} hostname={mapping.domain} />}
      {part === "dns" && <DnsPart subject={subject} isWatched={isOnItsWay} />}
      {part === "certificate" && <CertificatePart subject={subject} />}
      {part === "timeline" && <TimelinePart subject={subject} />}
      {part === "settings" && <Loaded query={containers}>{(found) => <MappingSettings mapping={mapping} containers={found} />}</Loaded>}
    </HostnamePage>
  )
}

/** Between two events a state may change that no event tells of, such as an order that ends. */
function useEnding({ status, certificate }: Mapping): void {
  const isSettled = status === "verified" && certificate?.state === "issued"
  useQuery({ ...mappingsQuery, refetchInterval: isSettled ? false : 5000 })
}

const About = ({ mapping, target }: { mapping: Mapping; target: string }) => (
  <Section title={hostnames.about}>
    <Facts>
      <Fact name={settings.destination}>
        <Link to={`/containers/${encodeURIComponent(mapping.container_id)}` as string} className="text-accent hover:underline">
          {target}
        </Link>
      </Fact>
      <Fact name={hostnames.added}>
        <Time at={mapping.created_at} />
      </Fact>
      {mapping.certificate?.not_after !== undefined && (
        <Fact name={certificate.until}>
          <Time at={mapping.certificate.not_after} />
        </Fact>
      )}
      <Fact name={hostnames.plainHttp}>{mapping.http === "redirect" ? hostnames.redirected : hostnames.served}</Fact>
      <Fact name={hostnames.speaks}>{mapping.upstream_protocol === "h2c" ? hostnames.h2c : hostnames.http1}</Fact>
      <Fact name={hostnames.accessLog}>{mapping.access_log ? hostnames.yes : hostnames.no}</Fact>
    </Facts>
  </Section>
)
