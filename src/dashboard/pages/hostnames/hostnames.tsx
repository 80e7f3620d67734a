import { Globe, Plus } from "lucide-react"
import { useUrlState } from "../../data/url-state"
import { Button, ButtonLink } from "../../parts/button"
import { cx } from "../../parts/classes"
import { SearchBox, SelectField } from "../../parts/field"
import { LongList } from "../../parts/long-list"
import { Page } from "../../parts/page"
import { Empty, FaultNotice, SkeletonRows } from "../../parts/status"
import { offerCommands } from "../../shell/commands"
import { hostnames } from "../../words/hostnames"
import { HostnameRow, columns } from "./hostname-row"
import { type HostnameItem, useHostnames } from "./items"
import { pageOf } from "./model"
import { connectionsQuery, mappingsQuery } from "./queries"

offerCommands((client) => [
  { label: hostnames.add, to: "/hostnames/new" },
  ...(client.getQueryData(mappingsQuery.queryKey) ?? []).map(({ id, domain }) => ({
    label: domain,
    kind: hostnames.kindOf.mapping,
    to: pageOf({ kind: "mapping", id }),
  })),
  ...(client.getQueryData(connectionsQuery.queryKey) ?? []).map(({ id, hostname }) => ({
    label: hostname,
    kind: hostnames.kindOf.connection,
    to: pageOf({ kind: "connection", id }),
  })),
])

const addLink = (
  <ButtonLink to="/hostnames/new" kind="primary" icon={<Plus aria-hidden className="size-4" />}>
    {hostnames.add}
  </ButtonLink>
)

/** Every hostname that leads here, or is on its way. */
export function Hostnames() {
  const { data, error, refetch } = useHostnames()
  return (
    <Page title={hostnames.title} actions={addLink}>
      {data !== undefined ? (
        <Found items={data} />
      ) : error !== null ? (
        <FaultNotice error={error} onRetry={refetch} />
      ) : (
        <SkeletonRows rows={8} className="h-14" />
      )}
    </Page>
  )
}

const groups = ["all", "live", "waiting", "trouble", "archived"] as const

function Found({ items }: { items: HostnameItem[] }) {
  const [search, setSearch] = useUrlState("q")
  const [group, setGroup] = useUrlState("state", "all")
  const [kind, setKind] = useUrlState("kind", "all")
  if (items.length === 0)
    return (
      <Empty title={hostnames.emptyTitle} icon={<Globe className="size-8" />} action={addLink}>
        {hostnames.empty}
      </Empty>
    )
  const wanted = search.trim().toLowerCase()
  const found = items.filter(
    (item) =>
      (kind === "all" || item.kind === kind) &&
      (wanted === "" || item.hostname.includes(wanted) || item.target.toLowerCase().includes(wanted)),
  )
  const isIn = (item: HostnameItem, name: string) => (name === "all" ? item.standing.group !== "archived" : item.standing.group === name)
  const shown = found.filter((item) => isIn(item, group))
  const hasConnections = items.some((item) => item.kind === "connection")
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <SearchBox label={hostnames.search} value={search} onChange={setSearch} className="sm:w-72!" />
        <div role="group" aria-label={hostnames.filters} className="flex flex-wrap gap-1">
          {groups.map((name) => {
            const count = found.filter((item) => isIn(item, name)).length
            if (count === 0 && name !== "all" && name !== group) return null
            return (
              <button
                key={name}
                type="button"
                aria-pressed={group === name}
                onClick={() => setGroup(name)}
                className={cx(
                  "min-h-8 rounded-full px-3 text-sm",
                  group === name ? "bg-accent-soft font-medium text-text" : "text-dim hover:bg-hover",
                )}
              >
                {hostnames.groups[name]} <span className="tabular-nums">{count}</span>
              </button>
            )
          })}
        </div>
        {hasConnections && (
          <SelectField
            label={hostnames.kind}
            value={kind}
            onChange={(event) => setKind(event.target.value)}
            className="ml-auto max-sm:ml-0 [&>label]:sr-only"
          >
            {(["all", "mapping", "connection"] as const).map((name) => (
              <option key={name} value={name}>
                {hostnames.kinds[name]}
              </option>
            ))}
          </SelectField>
        )}
      </div>
      {shown.length === 0 ? (
        <div role="status" className="flex flex-col items-center gap-3 py-12 text-dim">
          {hostnames.nothingFound}
          <Button
            onClick={() => {
              setSearch("")
              setGroup("all")
            }}
          >
            {hostnames.clear}
          </Button>
        </div>
      ) : (
        <div>
          <div aria-hidden className={cx("hidden gap-x-4 px-4 pb-1.5 text-sm text-dim lg:grid", columns)}>
            {heads.map((head) => (
              <span key={head} className="last:text-right">
                {head}
              </span>
            ))}
          </div>
          <LongList label={hostnames.list} items={shown} idOf={({ kind, id }) => `${kind} ${id}`} rowHeight={57}>
            {(item) => <HostnameRow item={item} />}
          </LongList>
        </div>
      )}
    </>
  )
}

const heads = hostnames.columns
