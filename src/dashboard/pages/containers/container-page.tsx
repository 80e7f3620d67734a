import { useNavigate, useParams } from "@tanstack/react-router"
import { ExternalLink, Play, Square } from "lucide-react"
import type { ReactNode } from "react"
import { ApiFault } from "../../data/api"
import { Button, ButtonLink } from "../../parts/button"
import { Page, TabLinks } from "../../parts/page"
import { Dot, FaultNotice, Notice, Skeleton } from "../../parts/status"
import { container as words } from "../../words/container"
import { containers } from "../../words/containers"
import { canStart, useActs } from "./acts"
import { type Container, isExternal, useContainer, useMappings } from "./data"
import { KindBadge, stateOf } from "./state"

/** The hostnames that lead to a container. */
export function useHostnamesOf(id: string): string[] {
  const { data } = useMappings()
  return (data?.domains ?? []).filter((mapping) => mapping.container_id === id).map(({ domain }) => domain)
}

/** What all pages of one container have in common: its name, how it stands, what can be done with it, its parts. */
export function ContainerPage({ children }: { children: (container: Container) => ReactNode }) {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const { data, error, refetch } = useContainer(id)
  const crumbs = [{ label: containers.title, to: "/containers" }]
  if (error instanceof ApiFault && error.status === 404)
    return (
      <Page title={words.notFoundTitle} crumbs={crumbs} lead={words.notFound}>
        <ButtonLink to="/containers" className="self-start">
          {words.all}
        </ButtonLink>
      </Page>
    )
  if (data === undefined)
    return (
      <Page title={containers.container} crumbs={crumbs}>
        {error === null ? <Skeleton className="h-64" /> : <FaultNotice error={error} onRetry={() => void refetch()} />}
      </Page>
    )
  return (
    <Framed container={data} crumbs={crumbs}>
      {children(data)}
    </Framed>
  )
}

/** What a part has in its address besides its place makes it no other part. */
const tab = (label: string, to: string) => ({ label, to, activeOptions: { exact: true, includeSearch: false } })

function Framed({ container, crumbs, children }: { container: Container; crumbs: { label: string; to: string }[]; children: ReactNode }) {
  const { id, name, status, status_detail: detail } = container
  const { busy, fault, act } = useActs()
  const { data: mappings } = useMappings()
  const live = mappings?.domains.find(
    (mapping) => mapping.container_id === id && mapping.status === "verified" && !mapping.domain.startsWith("*"),
  )
  const site = live?.domain ?? (container.https_enabled ? container.hostname : undefined)
  const { tone, word } = stateOf(container, busy[id])
  const path = `/containers/${id}`
  const isOutside = isExternal(container)
  const { tabs } = words
  const isTold = detail !== undefined && busy[id] === undefined
  return (
    <Page
      title={name}
      crumbs={crumbs}
      lead={
        <span className="flex flex-wrap items-center gap-2" role="status">
          <Dot tone={tone} />
          <span>{word}</span>
          <KindBadge container={container} />
        </span>
      }
      actions={
        <>
          {site !== undefined && <Site name={site} />}
          <ActButton container={container} isBusy={busy[id] !== undefined} onAct={act} />
        </>
      }
    >
      {fault !== undefined && <FaultNotice error={fault} />}
      {isTold && (
        <Notice tone={status === "failed" ? "bad" : "info"} title={status === "failed" ? words.noteTitle.failed : undefined}>
          {detail}
        </Notice>
      )}
      <TabLinks
        label={words.parts}
        tabs={[
          tab(tabs.overview, path),
          ...(isOutside ? [] : [tab(tabs.logs, `${path}/logs`), tab(tabs.terminal, `${path}/terminal`)]),
          tab(tabs.settings, `${path}/settings`),
          tab(tabs.danger, `${path}/danger`),
        ]}
      />
      {children}
    </Page>
  )
}

const Site = ({ name }: { name: string }) => (
  <a
    href={`https://${name}`}
    target="_blank"
    rel="noreferrer"
    className="inline-flex min-h-9 max-w-full items-center gap-1.5 rounded-md px-2 text-accent hover:bg-hover"
  >
    <ExternalLink aria-hidden className="size-4 shrink-0" />
    <span className="truncate">{name}</span>
  </a>
)

type ActProps = { container: Container; isBusy: boolean; onAct: (container: Container, what: "start" | "stop") => unknown }

function ActButton({ container, isBusy, onAct }: ActProps) {
  const isOutside = isExternal(container)
  if (canStart(container))
    return (
      <Button isBusy={isBusy} icon={<Play aria-hidden className="size-4" />} onClick={() => void onAct(container, "start")}>
        {isOutside ? containers.startRouting : containers.start}
      </Button>
    )
  return (
    <Button isBusy={isBusy} icon={<Square aria-hidden className="size-4" />} onClick={() => void onAct(container, "stop")}>
      {isOutside ? containers.stopRouting : containers.stop}
    </Button>
  )
}

/** Leads to the list when a container is gone. */
export function useLeave(): () => void {
  const navigate = useNavigate()
  return () => void navigate({ to: "/containers" })
}
