import { useInfiniteQuery } from "@tanstack/react-query"
import { Download } from "lucide-react"
import { apiOrigin, ask } from "../../data/api"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import type { Tone } from "../../parts/classes"
import { SelectField } from "../../parts/field"
import { Section } from "../../parts/page"
import { Badge, FaultNotice, SkeletonRows } from "../../parts/status"
import { Time } from "../../parts/time"
import { hostnames, timeline as words } from "../../words/hostnames"
import { apiOf, problemText, type Subject, type TimelineEntry } from "./model"

type TimelinePage = { data: TimelineEntry[]; next_cursor: string | null }

/** What happened to a hostname, the newest first. */
export function TimelinePart({ subject }: { subject: Subject }) {
  const [kind, setKind] = useUrlState("show", "all")
  const query = useInfiniteQuery({
    queryKey: ["hostnames", "timeline", subject.kind, subject.id],
    queryFn: ({ pageParam, signal }) =>
      ask<TimelinePage>(
        "GET",
        `${apiOf(subject)}/timeline?limit=100${pageParam === "" ? "" : `&cursor=${encodeURIComponent(pageParam)}`}`,
        undefined,
        {
          signal,
        },
      ),
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor,
  })
  const entries = (query.data?.pages ?? []).flatMap(({ data }) => data)
  const shown = entries.filter((entry) => kind === "all" || entry.kind === kind)
  return (
    <Section
      title={words.title}
      actions={
        <>
          <SelectField label={words.show} value={kind} onChange={(event) => setKind(event.target.value)} className="[&>label]:sr-only">
            {Object.entries(words.kinds).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </SelectField>
          <a
            href={`${apiOrigin}${apiOf(subject)}/timeline?format=text`}
            download={`timeline-${subject.id}.txt`}
            className="inline-flex min-h-9 items-center gap-1.5 rounded-md border border-edge bg-card px-3 font-medium hover:bg-hover"
          >
            <Download aria-hidden className="size-4" />
            {words.export}
          </a>
        </>
      }
    >
      {query.data === undefined && query.error !== null ? (
        <FaultNotice error={query.error} onRetry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <SkeletonRows rows={4} className="h-8" />
      ) : shown.length === 0 ? (
        <p className="py-6 text-center text-dim">{entries.length === 0 ? words.empty : words.emptyKind}</p>
      ) : (
        <ol className="flex flex-col gap-2.5">
          {shown.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
      {query.hasNextPage && (
        <Button className="mt-4" isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {hostnames.loadMore}
        </Button>
      )}
    </Section>
  )
}

const tones: Record<string, Tone> = { state: "accent", acme: "info", preflight: "warn" }

function Entry({ entry: { time, kind, text, data } }: { entry: TimelineEntry }) {
  const problem = data?.problem
  return (
    <li className="grid gap-x-4 sm:grid-cols-[7.5rem_8.5rem_minmax(0,1fr)]">
      <span className="text-sm text-dim">
        <Time at={time} />
      </span>
      <span>
        <Badge tone={tones[kind] ?? "neutral"}>{words.kinds[kind] ?? kind}</Badge>
      </span>
      <span className="min-w-0 [overflow-wrap:anywhere]">
        {text}
        {problem !== undefined && problem !== null && (
          <details className="text-sm">
            <summary className="text-dim">{words.said}</summary>
            <code>{typeof problem === "string" ? problemText(problem) : JSON.stringify(problem)}</code>
          </details>
        )}
      </span>
    </li>
  )
}
