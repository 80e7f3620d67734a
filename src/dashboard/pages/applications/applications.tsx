import { Link } from "@tanstack/react-router"
import { AppWindow, Plus } from "lucide-react"
import { useMemo } from "react"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { CodeBlock } from "../../parts/copy"
import { SearchBox } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Page, Section } from "../../parts/page"
import { Badge, Empty } from "../../parts/status"
import { Time } from "../../parts/time"
import { offerCommands } from "../../shell/commands"
import { words } from "../../words/applications"
import { applicationsPath, useApplications, useCounts } from "./data"
import type { Application, State, StateCount } from "./model"
import { NewApplication } from "./new-application"
import { quickStart } from "./snippets"

offerCommands((client) => [
  ...(client.getQueryData<Application[]>(["applications", applicationsPath]) ?? []).map(({ id, name }) => ({
    label: name,
    kind: words.title,
    to: `/applications/${id}`,
  })),
  { label: words.new, kind: words.title, run: () => history.pushState({}, "", "/applications?open=new") },
])

/** All applications of the person, with how their connections stand. */
export function Applications() {
  const applications = useApplications()
  const [asked, setAsked] = useUrlState("open")
  const [text, setText] = useUrlState("q")
  const add = (
    <Button kind="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setAsked("new")}>
      {words.new}
    </Button>
  )
  const isEmpty = applications.data?.length === 0
  return (
    <Page title={words.title} lead={words.lead} actions={isEmpty ? undefined : add}>
      <Loaded query={applications}>
        {(all) =>
          all.length === 0 ? (
            <>
              <Empty title={words.emptyTitle} icon={<AppWindow aria-hidden className="size-8" />} action={add}>
                {words.empty}
              </Empty>
              <Section title={words.quickTitle}>
                <p className="mb-3 text-dim">{words.quickLead}</p>
                <CodeBlock label={words.quickLabel} text={quickStart()} />
              </Section>
            </>
          ) : (
            <Listed all={all} text={text} onText={setText} />
          )
        }
      </Loaded>
      {asked === "new" && <NewApplication onClose={() => setAsked("")} />}
    </Page>
  )
}

function Listed({ all, text, onText }: { all: Application[]; text: string; onText: (text: string) => void }) {
  const counts = useCounts()
  const sums = useMemo(() => Map.groupBy(counts.data?.data ?? [], ({ application_id }) => application_id), [counts.data])
  const found = all.filter(({ name }) => name.toLowerCase().includes(text.trim().toLowerCase()))
  return (
    <>
      {all.length > 5 && <SearchBox label={words.search} value={text} onChange={onText} className="sm:max-w-xs" />}
      {found.length === 0 ? (
        <p role="status" className="text-dim">
          {words.none}
        </p>
      ) : (
        <LongList label={words.list} items={found} idOf={({ id }) => id} rowHeight={64}>
          {(one) => <Row application={one} counts={counts.data === undefined ? undefined : (sums.get(one.id) ?? [])} />}
        </LongList>
      )}
    </>
  )
}

function Row({ application, counts }: { application: Application; counts: StateCount[] | undefined }) {
  const { id, name, environment, origin_url: origin, created_at: createdAt } = application
  return (
    <Link to={`/applications/${id}`} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3">
      <span className="flex min-w-0 flex-1 basis-56 flex-col">
        <span className="flex min-w-0 items-center gap-2">
          <span className="min-w-0 truncate font-medium">{name}</span>
          <Badge tone={environment === "live" ? "accent" : "neutral"}>{words.environments[environment]}</Badge>
        </span>
        <span className="truncate text-sm text-dim">
          {origin ?? (application.container_id === null ? words.leadsDefault : words.destinations.container)}
        </span>
      </span>
      <span className="min-h-5 basis-52 text-sm">{counts !== undefined && sumOf(counts)}</span>
      <span className="hidden w-28 text-right text-sm text-dim sm:block">
        <Time at={createdAt} />
      </span>
    </Link>
  )
}

const troubles = new Set<State>(["stalled", "drifted", "failed"])

function sumOf(counts: StateCount[]): string {
  const of = (fits: (state: State) => boolean) => counts.filter(({ state }) => fits(state)).reduce((sum, { count }) => sum + count, 0)
  const live = of((state) => state === "live")
  const trouble = of((state) => troubles.has(state))
  const moving = of((state) => state !== "live" && state !== "archived") - trouble
  return live + trouble + moving === 0 ? words.noConnections : words.counts(live, moving, trouble)
}
