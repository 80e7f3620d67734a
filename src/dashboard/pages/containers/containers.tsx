import { useNavigate } from "@tanstack/react-router"
import { Boxes, Plus } from "lucide-react"
import { useCallback, useMemo, useState } from "react"
import { useSession } from "../../data/session"
import { useUrlState } from "../../data/url-state"
import { Button, ButtonLink } from "../../parts/button"
import { SearchBox } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Menu } from "../../parts/menu"
import { Page } from "../../parts/page"
import { Empty, FaultNotice, SkeletonRows } from "../../parts/status"
import { containers as words } from "../../words/containers"
import { useActs } from "./acts"
import { type Container, isExternal, type Mapping, useContainers, useMappings } from "./data"
import { DeleteDialog } from "./delete-dialog"
import { EngineNotice } from "./engine-notice"
import { columns, Row } from "./row"

/** From so many on, only the rows near the screen are there. */
const manyRows = 100
const noNames: string[] = []

const states: Record<string, (container: Container) => boolean> = {
  running: ({ status }) => status === "running",
  starting: ({ status }) => status === "pending" || status === "initializing",
  stopped: ({ status }) => status === "stopped",
  failed: ({ status }) => status === "failed",
  external: isExternal,
}

/** Everybody's own containers with how they stand. */
export function Containers() {
  const query = useContainers()
  const { is_admin: isAdmin } = useSession()
  const navigate = useNavigate()
  return (
    <Page
      title={words.title}
      actions={
        <>
          <ButtonLink kind="primary" to="/containers/new" icon={<Plus aria-hidden className="size-4" />}>
            {words.newContainer}
          </ButtonLink>
          <Menu
            label={words.moreLabel}
            items={[
              ...(isAdmin ? [{ label: words.adopt, onSelect: () => void navigate({ to: "/containers/adopt" }) }] : []),
              { label: words.registries, onSelect: () => void navigate({ to: "/containers/registries" }) },
            ]}
          />
        </>
      }
    >
      <EngineNotice />
      <Loaded query={query} skeleton={<SkeletonRows className="h-15" />}>
        {({ containers }) => (containers.length === 0 ? <NoContainers isAdmin={isAdmin} /> : <List containers={containers} />)}
      </Loaded>
    </Page>
  )
}

const NoContainers = ({ isAdmin }: { isAdmin: boolean }) => (
  <Empty
    icon={<Boxes aria-hidden className="size-8" />}
    title={words.emptyTitle}
    action={
      <>
        <ButtonLink to="/containers/new">{words.newContainer}</ButtonLink>
        {isAdmin && (
          <ButtonLink to="/containers/new" search={{ kind: "external" }}>
            {words.registerExternal}
          </ButtonLink>
        )}
      </>
    }
  >
    {words.empty}
  </Empty>
)

/** Those that are served, before those that wait for their proof. */
const liveFirst = (mappings: Mapping[]) => mappings.toSorted((a, b) => Number(b.status === "verified") - Number(a.status === "verified"))

function List({ containers }: { containers: Container[] }) {
  const [text, setText] = useUrlState("q")
  const [state, setState] = useUrlState("state", "all")
  const [leaving, setLeaving] = useState<Container>()
  const navigate = useNavigate()
  const { busy, fault, act } = useActs()
  const { data: mappings } = useMappings()
  const hostnames = useMemo(() => Map.groupBy(mappings?.domains ?? [], ({ container_id: id }) => id), [mappings])
  const names = useMemo(() => new Map([...hostnames].map(([id, all]) => [id, liveFirst(all).map(({ domain }) => domain)])), [hostnames])
  const found = useMemo(() => {
    const wanted = text.toLowerCase().split(/\s+/).filter(Boolean)
    return containers.filter((container) => {
      const { id, name, image = "", address = "", hostname } = container
      const said = [id, name, image, address, hostname, ...(names.get(id) ?? noNames)].join(" ").toLowerCase()
      return wanted.every((word) => said.includes(word)) && (states[state]?.(container) ?? true)
    })
  }, [containers, names, text, state])
  const onGo = useCallback((path: string) => void navigate({ to: path }), [navigate])
  const row = (container: Container) => (
    <Row
      container={container}
      hostnames={names.get(container.id) ?? noNames}
      busy={busy[container.id]}
      onAct={act}
      onDelete={setLeaving}
      onGo={onGo}
    />
  )
  const clear = () => void navigate({ to: ".", search: {} as never, replace: true })
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox label={words.search} value={text} onChange={setText} className="min-w-0 flex-1 basis-60 sm:max-w-sm" />
        <select
          aria-label={words.stateFilter}
          value={state}
          onChange={(event) => setState(event.target.value)}
          className="min-h-9 rounded-md border border-edge bg-card px-2"
        >
          {Object.entries(words.states).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <span role="status" className="ml-auto text-sm text-dim">
          {words.list(found.length, containers.length)}
        </span>
      </div>
      {fault !== undefined && <FaultNotice error={fault} />}
      {found.length === 0 ? (
        <Empty title={words.noneFound} action={<Button onClick={clear}>{words.clearFilter}</Button>}>
          {words.noneFoundHelp}
        </Empty>
      ) : (
        <div>
          <div aria-hidden className={`${columns} pb-1.5 text-sm text-dim max-md:hidden!`}>
            <span>{words.columns.name}</span>
            <span>{words.columns.state}</span>
            <span>{words.columns.addresses}</span>
            <span className="grid grid-cols-2 gap-4 text-right">
              <span>{words.columns.cpu}</span>
              <span>{words.columns.memory}</span>
            </span>
          </div>
          {found.length >= manyRows ? (
            <LongList label={words.listLabel} items={found} idOf={({ id }) => id} rowHeight={60}>
              {row}
            </LongList>
          ) : (
            <ul aria-label={words.listLabel} className="rounded-lg border border-line bg-card">
              {found.map((container) => (
                <li key={container.id} className="border-b border-line first:rounded-t-lg last:rounded-b-lg last:border-0 hover:bg-hover">
                  {row(container)}
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
      <DeleteDialog container={leaving} hostnames={names.get(leaving?.id ?? "") ?? noNames} onClose={() => setLeaving(undefined)} />
    </div>
  )
}
