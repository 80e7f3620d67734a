import { useInfiniteQuery, useMutation } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { SearchCheck } from "lucide-react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { More } from "../../parts/more"
import { Badge, FaultNotice, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { domains as words } from "../../words/domains"
import type { OwnedDomain, RecordCheck, WrittenRecord } from "./model"

/** The records that Freehold wrote in the zones of one token, what for, and whether they stand. */
export function WrittenRecords({ domain }: { domain: OwnedDomain }) {
  const path = `/api/domains/${encodeURIComponent(domain.id)}/records`
  const written = useInfiniteQuery({
    queryKey: ["domains", "records", domain.id],
    queryFn: ({ signal, pageParam }) =>
      ask<{ data: WrittenRecord[]; next_cursor: string | null }>("GET", `${path}${pageParam && `?cursor=${pageParam}`}`, undefined, {
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    select: ({ pages }) => pages.flatMap(({ data }) => data),
  })
  const check = useMutation({
    mutationFn: () => ask<RecordCheck>("POST", `${path}/check`),
    onSuccess: async (found) => {
      toast(words.records.checked(found))
      await refresh("domains")
    },
  })
  const { data, error } = written
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-end justify-between gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-72">
          <h3 className="font-medium">{words.records.title}</h3>
          <p className="max-w-3xl text-sm text-dim">{words.records.lead}</p>
        </div>
        {data !== undefined && data.length > 0 && (
          <Button small isBusy={check.isPending} onClick={() => check.mutate()} icon={<SearchCheck aria-hidden className="size-3.5" />}>
            {words.records.check}
          </Button>
        )}
      </div>
      {check.error !== null && <FaultNotice error={check.error} onRetry={() => check.mutate()} />}
      {data === undefined ? (
        error === null ? (
          <SkeletonRows rows={2} />
        ) : (
          <FaultNotice error={error} onRetry={() => void written.refetch()} />
        )
      ) : data.length === 0 ? (
        <p className="rounded-md border border-dashed border-edge px-4 py-5 text-dim">
          {words.records.empty(domain.zones[0])}{" "}
          <Link to={"/hostnames/new" as string} className="text-accent underline">
            {words.records.addHostname}
          </Link>
        </p>
      ) : (
        <>
          <ul aria-label={words.records.title} className="divide-y divide-line rounded-md border border-line">
            {data.map((record) => (
              <Row key={record.id} record={record} />
            ))}
          </ul>
          {written.hasNextPage && <More query={written} label={words.records.more} end="" />}
        </>
      )}
    </div>
  )
}

function Row({ record }: { record: WrittenRecord }) {
  const { name, type, value, priority, hostname, purpose, written_for: holder, written_with: credential } = record
  return (
    <li className="grid gap-x-4 gap-y-1 px-3 py-2 hover:bg-hover md:grid-cols-[minmax(0,3fr)_minmax(0,2fr)_9rem]">
      <div className="min-w-0">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <span className="font-mono text-sm [overflow-wrap:anywhere]">{name}</span>
          <span className="text-xs font-medium text-dim">{type}</span>
        </p>
        <p className="font-mono text-sm [overflow-wrap:anywhere] text-dim">{priority === undefined ? value : `${priority} ${value}`}</p>
      </div>
      <div className="min-w-0 text-sm">
        <p className="[overflow-wrap:anywhere]">
          {words.records.purposes[purpose]}{" "}
          {holder === null ? (
            hostname
          ) : (
            <Link to={`/hostnames/${holder.kind}/${encodeURIComponent(holder.id)}` as string} className="text-accent underline">
              {hostname}
            </Link>
          )}
        </p>
        <p className="text-dim">
          {words.records.written} <Time at={record.written_at} />, {words.records.by[credential.kind]}
        </p>
      </div>
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm md:flex-col md:items-end md:text-right">
        <State record={record} />
        {record.seen_at !== null && (
          <span className="text-dim">
            {words.records.seen} <Time at={record.seen_at} />
          </span>
        )}
      </div>
    </li>
  )
}

function State({ record: { stands, written_for: holder } }: { record: WrittenRecord }) {
  if (holder === null) return <Badge tone="warn">{words.records.left}</Badge>
  if (stands === null) return <Badge>{words.records.unseen}</Badge>
  return <Badge tone={stands ? "good" : "bad"}>{stands ? words.records.stands : words.records.missing}</Badge>
}
