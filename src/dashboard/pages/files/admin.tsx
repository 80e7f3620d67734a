import { useMutation, useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { ask } from "../../data/api"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { SearchBox } from "../../parts/field"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Page, Section } from "../../parts/page"
import { FaultNotice } from "../../parts/status"
import { bytes } from "../../parts/time"
import { files } from "../../words/files"
import { Health } from "./health"
import { Meter } from "../../parts/meter"
import type { Usage } from "./model"
import { PersonQuota } from "./person-quota"
import { FilesTabs } from "./tabs"

const words = files.people

export type PersonUsage = Usage & { username: string; own_quota_bytes: number | null }

/** Everybody's use and bounds, and whether the bytes on disk are whole. For administrators. */
export function Admin() {
  const query = useQuery({
    queryKey: ["files", "people"],
    queryFn: ({ signal }) => ask<PersonUsage[]>("GET", "/storage/admin/quotas", undefined, { signal }),
  })
  const [filter, setFilter] = useUrlState("q")
  const [changing, setChanging] = useState<PersonUsage>()
  const scrub = useMutation({ mutationFn: () => ask("POST", "/storage/admin/scrub") })
  return (
    <Page title={words.title} crumbs={[{ label: files.title, to: "/files" }]} lead={words.lead}>
      <FilesTabs />
      <Section
        title={words.health}
        actions={
          <Button small isBusy={scrub.isPending} onClick={() => scrub.mutate()}>
            {words.scrub}
          </Button>
        }
      >
        {scrub.error !== null && <FaultNotice error={scrub.error} className="mb-3" />}
        <p role="status" className={scrub.isSuccess ? "mb-3 text-good" : "sr-only"}>
          {scrub.isSuccess ? words.scrubbed : ""}
        </p>
        <Health />
      </Section>
      <Loaded query={query}>
        {(people) => {
          const shown = people.filter(({ username }) => username.toLowerCase().includes(filter.toLowerCase()))
          return (
            <section className="flex flex-col gap-3">
              <h2 className="font-semibold">{words.list}</h2>
              {(people.length > 8 || filter !== "") && (
                <SearchBox label={words.filter} value={filter} onChange={setFilter} className="sm:max-w-72" />
              )}
              <LongList label={words.list} items={shown} idOf={({ user_id: id }) => id} rowHeight={57}>
                {(person) => <Row person={person} onChange={() => setChanging(person)} />}
              </LongList>
            </section>
          )
        }}
      </Loaded>
      {changing !== undefined && <PersonQuota person={changing} onClose={() => setChanging(undefined)} />}
    </Page>
  )
}

function Row({ person, onChange }: { person: PersonUsage; onChange: () => void }) {
  const { username, used_bytes: used, quota_bytes: quota, own_quota_bytes: own, objects, namespaces } = person
  const bound = quota === null ? words.none : files.use.ofQuota(bytes(quota))
  return (
    <div className="flex min-h-14 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
      <div className="min-w-0 flex-1 basis-40">
        <p className="truncate font-medium">{username}</p>
        <p className="text-sm text-dim tabular-nums">{files.use.yourFiles(objects, namespaces)}</p>
      </div>
      <div className="flex min-w-0 flex-1 basis-44 flex-col gap-1 text-sm sm:w-52 sm:flex-none sm:text-right">
        <p className="tabular-nums">
          {bytes(used)}{" "}
          <span className="text-dim">
            {quota === null ? `· ${bound}` : bound}
            {quota !== null && own === null && ` ${words.ofSetting}`}
          </span>
        </p>
        {quota !== null && <Meter label={username} value={quota === 0 ? 1 : used / quota} text={`${bytes(used)} ${bound}`} />}
      </div>
      <Button small onClick={onChange}>
        {words.change}
        <span className="sr-only"> {username}</span>
      </Button>
    </div>
  )
}
