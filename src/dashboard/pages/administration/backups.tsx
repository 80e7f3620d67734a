import { useMutation, useQuery } from "@tanstack/react-query"
import { Archive } from "lucide-react"
import type { ReactNode } from "react"
import { ask, sentence } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { FormFault } from "../../parts/form-fault"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts, Section } from "../../parts/page"
import { Badge, Empty, Notice } from "../../parts/status"
import { Cell, TitledTable } from "../../parts/table"
import { bytes, count, duration, Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { backups } from "../../words/doctor"
import { AdminPage } from "./frame"

type Run = {
  started_at: string
  finished_at: string | null
  bytes: number | null
  copies: { count: number; added: number; added_bytes: number; missing: number } | null
  error: string | null
}

type View = {
  to: string | null
  every_seconds: number | null
  keep: number
  objects: keyof typeof backups.objectsWhere
  encryption: { kind: "recipient"; recipients: string[] } | { kind: "passphrase" } | null
  is_running: boolean
  last_good_at: string | null
  next_at: string | null
  is_overdue: boolean
  runs: Run[]
  files: { name: string; created_at: string; bytes: number }[]
  files_problem: string | null
}

/** Backups: how they are set, how the last ones went, and what lies at the destination. */
export const Backups = () => <AdminPage part="backups">{() => <Shown />}</AdminPage>

function Shown() {
  const query = useQuery({
    queryKey: ["settings", "backups"],
    queryFn: ({ signal }) => ask<View>("GET", "/admin/backups", undefined, { signal }),
    refetchInterval: ({ state }) => (state.data?.is_running === true ? 2_000 : 60_000),
  })
  const begin = useMutation({
    mutationFn: () => ask("POST", "/admin/backups"),
    onSuccess: () => {
      toast(backups.begun)
      refresh("settings")
    },
  })
  return (
    <Loaded query={query}>
      {(view) =>
        view.to === null ? (
          <>
            <Empty
              title={view.runs.length === 0 ? backups.noneTitle : backups.notByItselfTitle}
              icon={<Archive aria-hidden className="size-6" />}
            >
              {view.runs.length === 0 ? backups.none : backups.notByItself}
            </Empty>
            <Runs runs={view.runs} />
          </>
        ) : (
          <>
            {view.is_overdue && <Notice tone="bad">{backups.overdue}</Notice>}
            <p className="text-dim">{backups.lead}</p>
            <FormFault error={begin.error} />
            <HowSet
              view={view}
              action={
                <Button small kind="primary" isBusy={begin.isPending || view.is_running} onClick={() => begin.mutate()}>
                  {view.is_running ? backups.running : backups.now}
                </Button>
              }
            />
            <Runs runs={view.runs} />
            {view.files_problem !== null && <Notice tone="warn">{sentence(view.files_problem)}</Notice>}
            <Files view={view} />
          </>
        )
      }
    </Loaded>
  )
}

function HowSet({ view, action }: { view: View; action: ReactNode }) {
  const { encryption } = view
  return (
    <Section title={backups.made} actions={action}>
      <Facts>
        <Fact name={backups.to}>
          <code className="[overflow-wrap:anywhere]">{view.to}</code>
        </Fact>
        <Fact name={backups.every}>{view.every_seconds === null ? backups.off : duration(view.every_seconds * 1000)}</Fact>
        <Fact name={backups.keep}>{backups.newest(view.keep)}</Fact>
        <Fact name={backups.objects}>{backups.objectsWhere[view.objects]}</Fact>
        <Fact name={backups.encryption}>
          {encryption?.kind === "recipient" ? backups.recipients(encryption.recipients.length) : backups.passphrase}
        </Fact>
        <Fact name={backups.lastGood}>{view.last_good_at === null ? backups.never : <Time at={view.last_good_at} />}</Fact>
        {view.next_at !== null && (
          <Fact name={backups.next}>
            <Time at={view.next_at} />
          </Fact>
        )}
      </Facts>
    </Section>
  )
}

function Files({ view: { files, files_problem: problem } }: { view: View }) {
  if (files.length === 0) return problem === null && <p className="text-dim">{backups.noFiles}</p>
  return (
    <TitledTable label={backups.files} head={backups.filesHead}>
      {files.map((file) => (
        <tr key={file.name}>
          <Cell className="[overflow-wrap:anywhere]">{file.name}</Cell>
          <Cell>
            <Time at={file.created_at} />
          </Cell>
          <Cell className="whitespace-nowrap tabular-nums">{bytes(file.bytes)}</Cell>
        </tr>
      ))}
    </TitledTable>
  )
}

const Runs = ({ runs }: { runs: Run[] }) =>
  runs.length === 0 ? null : (
    <TitledTable label={backups.runs} head={backups.runsHead}>
      {runs.map((run) => (
        <tr key={run.started_at}>
          <Cell>
            <Time at={run.started_at} />
          </Cell>
          <Cell className="min-w-44 [overflow-wrap:anywhere]">
            {run.error !== null ? (
              <>
                <Badge tone="bad">{backups.failed}</Badge> <span className="text-sm">{sentence(run.error)}</span>
              </>
            ) : (
              <Badge tone={run.finished_at === null ? "neutral" : "good"}>
                {run.finished_at === null ? backups.underWay : backups.well}
              </Badge>
            )}
          </Cell>
          <Cell className="whitespace-nowrap tabular-nums">
            {run.finished_at === null ? "" : duration(Date.parse(run.finished_at) - Date.parse(run.started_at))}
          </Cell>
          <Cell className="whitespace-nowrap tabular-nums">{run.bytes === null ? "" : bytes(run.bytes)}</Cell>
          <Cell className="whitespace-nowrap tabular-nums">{run.copies !== null && <Copies copies={run.copies} />}</Cell>
        </tr>
      ))}
    </TitledTable>
  )

const Copies = ({ copies: { count: all, added, added_bytes: size, missing } }: { copies: NonNullable<Run["copies"]> }) => (
  <>
    {backups.copies(count(all))}
    {added > 0 && <span className="text-dim">{backups.copiesNew(count(added), bytes(size))}</span>}
    {missing > 0 && <span className="block text-sm text-bad">{backups.copiesMissing(count(missing))}</span>}
  </>
)
