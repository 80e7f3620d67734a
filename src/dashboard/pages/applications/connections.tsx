import { Link } from "@tanstack/react-router"
import { Globe, Plus } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { Confirm } from "../../parts/dialog"
import { SearchBox, SelectField } from "../../parts/field"
import { LongList } from "../../parts/long-list"
import { Menu } from "../../parts/menu"
import { Badge, Empty, FaultNotice, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { connectionWords, stateWords, words } from "../../words/applications"
import { ApplicationPage } from "./application-page"
import { CustomerLinkDialog } from "./customer-link"
import { usePages } from "./data"
import { type Application, type Connection, openStates, states } from "./model"
import { NewConnection } from "./new-connection"

/** The hostnames of an application's customers. */
export function Connections() {
  const [asked, setAsked] = useUrlState("open")
  return (
    <ApplicationPage
      actions={() => (
        <Button kind="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setAsked("new")}>
          {connectionWords.new}
        </Button>
      )}
    >
      {(application) => (
        <>
          <Listed application={application} />
          {asked === "new" && <NewConnection application={application} onClose={() => setAsked("")} />}
        </>
      )}
    </ApplicationPage>
  )
}

function Listed({ application }: { application: Application }) {
  const [text, setText] = useUrlState("q")
  const [state, setState] = useUrlState("state", "open")
  const [linking, setLinking] = useState<Connection>()
  const [ending, setEnding] = useState<Connection>()
  const pages = usePages<Connection>("/v1/connections", {
    application_id: application.id,
    ...(state === "all" ? {} : { state: state === "open" ? openStates : state }),
    ...(text.trim() === "" ? {} : { q: text.trim() }),
  })
  const isNarrowed = text.trim() !== "" || state !== "open"
  const all = pages.data
  return (
    <>
      <div className="flex flex-wrap items-end gap-3">
        <SearchBox label={connectionWords.search} value={text} onChange={setText} className="sm:w-72" />
        <SelectField
          label={connectionWords.filter}
          value={state}
          onChange={(event) => setState(event.target.value)}
          className="flex-row! items-center gap-2! max-sm:w-full"
        >
          <option value="open">{connectionWords.open}</option>
          {states.map((one) => (
            <option key={one} value={one}>
              {stateWords[one].label}
            </option>
          ))}
          <option value="all">{connectionWords.all}</option>
        </SelectField>
      </div>
      {all === undefined ? (
        pages.error === null ? (
          <SkeletonRows className="h-16" />
        ) : (
          <FaultNotice error={pages.error} onRetry={() => void pages.refetch()} />
        )
      ) : all.length === 0 ? (
        <Empty
          title={isNarrowed ? connectionWords.noneFound : connectionWords.emptyTitle}
          icon={<Globe aria-hidden className="size-8" />}
          action={isNarrowed && <Clear />}
        >
          {isNarrowed ? connectionWords.noneFoundLead : connectionWords.empty}
        </Empty>
      ) : (
        <LongList label={connectionWords.list} items={all} idOf={({ id }) => id} rowHeight={62}>
          {(one) => <Row connection={one} onLink={() => setLinking(one)} onArchive={() => setEnding(one)} />}
        </LongList>
      )}
      {pages.hasNextPage && (
        <Button className="self-center" isBusy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {words.more}
        </Button>
      )}
      {linking !== undefined && <CustomerLinkDialog connection={linking} onClose={() => setLinking(undefined)} />}
      <Confirm
        isOpen={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={connectionWords.archiveTitle(ending?.hostname ?? "")}
        action={connectionWords.archiveAction}
        typed={ending?.hostname ?? ""}
        onConfirm={async () => {
          await ask("DELETE", `/v1/connections/${ending?.id}`)
          await refresh("applications", "hostnames")
          toast(connectionWords.archived(ending?.hostname ?? ""))
        }}
      >
        {connectionWords.archiveWhat}
      </Confirm>
    </>
  )
}

/** Both at once, since each change of the address begins at what it is then. */
const Clear = () => (
  <Link to="." search={{} as never} className="text-accent hover:underline">
    {connectionWords.clear}
  </Link>
)

function Row({ connection, onLink, onArchive }: { connection: Connection; onLink: () => void; onArchive: () => void }) {
  const { id, hostname, state, error_detail: reason, created_at: createdAt } = connection
  const { label, tone, why } = stateWords[state]
  const isOver = state === "archived"
  return (
    <div className="flex items-center gap-3 px-4 py-2.5">
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-4 gap-y-0.5">
        <div className="min-w-0 flex-1 basis-64">
          <Link to={`/hostnames/connection/${id}`} className="block truncate font-medium hover:text-accent hover:underline">
            {hostname}
          </Link>
          <p className="truncate text-sm text-dim" title={reason ?? why}>
            {reason ?? why}
          </p>
        </div>
        <span className="basis-36">
          <Badge tone={tone}>{label}</Badge>
        </span>
        <span className="w-28 text-sm text-dim sm:text-right">
          <Time at={createdAt} />
        </span>
      </div>
      <Menu
        label={connectionWords.actions(hostname)}
        items={[
          { label: connectionWords.link, onSelect: onLink, isDisabled: isOver },
          { label: connectionWords.archive, onSelect: onArchive, isDanger: true, isDisabled: isOver },
        ]}
      />
    </div>
  )
}
