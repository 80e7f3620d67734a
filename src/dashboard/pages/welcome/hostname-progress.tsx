import { useQuery } from "@tanstack/react-query"
import { Download, ExternalLink } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import { apiOrigin, ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Code } from "../../parts/copy"
import { Confirm } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Notice, SkeletonRows } from "../../parts/status"
import { welcome } from "../../words/welcome"
import { type Check, CheckList } from "../../parts/check-list"
import type { Typed } from "./hostname-form"
import { isLiveName } from "./live-name"
import { type Container, containersQuery, hostnameQuery, type HostnameReport, type Mapping } from "./queries"

const { hostname: words } = welcome
const watchMs = 2500

/** A hostname on its way: proof, address, certificate and first answer, watched until it is live. */
export function HostnameProgress({ mapping, onRemoved }: { mapping: Mapping; onRemoved: (typed: Typed) => void }) {
  const report = useQuery({
    ...hostnameQuery(mapping.domain),
    staleTime: 0,
    refetchInterval: ({ state }) => (isLiveName(state.data?.checks) ? false : watchMs),
  })
  useProof(mapping, report.data)
  return (
    <div className="flex flex-col gap-4">
      <Loaded query={report} skeleton={<SkeletonRows rows={4} className="h-12" />}>
        {(found) => (
          <>
            {isLiveName(found.checks) && <Live report={found} />}
            <CheckList
              label={words.progress(mapping.domain)}
              checks={found.checks}
              names={words.names}
              more={(check) => <Record check={check} mapping={mapping} report={found} />}
            />
            {mapping.certificate?.issuer === "internal" && <Root />}
          </>
        )}
      </Loaded>
      <Removal mapping={mapping} onRemoved={onRemoved} />
    </div>
  )
}

/** Asks for the verification once the record was seen. */
function useProof({ id, status }: Mapping, report: HostnameReport | undefined) {
  const isSeen = report?.checks.some((check) => check.name === "proof" && check.status === "ok") === true && status !== "verified"
  const asked = useRef(false)
  useEffect(() => {
    if (!isSeen || asked.current) return
    asked.current = true
    ask("POST", `/api/domain-mappings/${id}/verify`)
      .catch(() => {})
      .finally(() => {
        asked.current = false
        void refresh("hostnames")
      })
  }, [id, isSeen])
}

const Live = ({ report: { name, url } }: { report: HostnameReport }) => (
  <Notice tone="good" title={words.live(name)}>
    <p>{words.liveText}</p>
    <p className="mt-1">
      <a href={url} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1.5 font-medium text-accent underline">
        {words.open(url)}
        <ExternalLink aria-hidden className="size-4 shrink-0" />
      </a>
    </p>
  </Notice>
)

/** What is to be published for a check that waits for a record. */
function Record({ check, mapping, report }: { check: Check; mapping: Mapping; report: HostnameReport }) {
  if (check.status === "ok") return null
  if (check.name === "proof") return <Records records={[{ name: mapping.verify_name, type: "TXT", value: mapping.verify_token }]} />
  if (check.name !== "address" || report.records.length === 0) return null
  if (report.kind === "public") return <Records records={report.records} />
  return (
    <>
      <p className="text-dim">{words.hosts}</p>
      {report.records.map(({ name, value }) => (
        <Code key={value} text={`${value} ${name}`} />
      ))}
    </>
  )
}

const Records = ({ records }: { records: HostnameReport["records"] }) => (
  <>
    {records.map(({ name, type, value }) => (
      <dl key={value} className="mt-1 grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-3 gap-y-0.5 rounded-md bg-sunken px-3 py-2">
        <dt className="text-sm text-dim">{words.recordType}</dt>
        <dd>{type}</dd>
        <dt className="text-sm text-dim">{words.recordName}</dt>
        <dd>
          <Code text={name} />
        </dd>
        <dt className="text-sm text-dim">{words.recordValue}</dt>
        <dd>
          <Code text={value} />
        </dd>
      </dl>
    ))}
  </>
)

const Root = () => (
  <Notice tone="info" title={words.rootTitle}>
    <p>{words.root}</p>
    <p className="mt-1">
      <a href={`${apiOrigin}/ca.pem`} download className="inline-flex items-center gap-1.5 font-medium text-accent underline">
        {words.download}
        <Download aria-hidden className="size-4" />
      </a>
    </p>
  </Notice>
)

/** The way back from a mistyped name or port. What the form made besides the mapping goes too. */
function Removal({ mapping, onRemoved }: { mapping: Mapping; onRemoved: (typed: Typed) => void }) {
  const [isOpen, setOpen] = useState(false)
  const { data: containers = [] } = useQuery(containersQuery)
  const remove = async () => {
    const target = containers.find(({ id }) => id === mapping.container_id)
    await ask("DELETE", `/api/domain-mappings/${mapping.id}`)
    const isOfForm = target?.kind === "external" && target.name === mapping.domain.slice(0, 64)
    if (isOfForm) await ask("DELETE", `/compute/containers/${target.id}`)
    onRemoved(typedOf(mapping, target, isOfForm))
    await refresh("hostnames", "containers")
  }
  return (
    <>
      <Button kind="quiet" className="-ml-3 self-start" onClick={() => setOpen(true)}>
        {words.remove}
      </Button>
      <Confirm
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={words.removeTitle(mapping.domain)}
        action={words.removeAction}
        onConfirm={remove}
      >
        {words.removeText}
      </Confirm>
    </>
  )
}

const typedOf = (
  { domain, container_id: target, target_port: port }: Mapping,
  container: Container | undefined,
  isOfForm: boolean,
): Typed =>
  isOfForm
    ? { hostname: domain, target: "", address: container?.address ?? "", port: String(container?.ports?.[port] ?? "") }
    : { hostname: domain, target, address: "", port: String(port) }
