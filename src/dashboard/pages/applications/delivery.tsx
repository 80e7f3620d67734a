import { useMutation, useQuery } from "@tanstack/react-query"
import { Link } from "@tanstack/react-router"
import { RotateCw } from "lucide-react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Button } from "../../parts/button"
import { Code, CodeBlock } from "../../parts/copy"
import { Actions, Dialog } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts } from "../../parts/page"
import { Badge, FaultNotice } from "../../parts/status"
import { duration, Time, useNow } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { webhookWords } from "../../words/applications-webhooks"
import { againAfter, deliveriesPath } from "./data"
import type { Attempt, Delivery, DeliveryDetail } from "./model"

/** One delivery: what is sent, what was answered at each try, and a way to send it again. */
export function DeliveryDialog({ id, isOff, onClose }: { id: string; isOff: boolean; onClose: () => void }) {
  const path = `${deliveriesPath}/${id}`
  const delivery = useQuery({
    queryKey: ["applications", path],
    queryFn: ({ signal }) => ask<DeliveryDetail>("GET", path, undefined, { signal }),
    refetchInterval: ({ state: { data } }) => againAfter(data === undefined ? [] : [data]),
  })
  const replay = useMutation({
    mutationFn: () => ask("POST", `${path}/replay`),
    onSuccess: async () => {
      await refresh("applications")
      toast(webhookWords.replayed)
    },
  })
  return (
    <Dialog isOpen isWide onClose={onClose} title={delivery.data?.type ?? webhookWords.deliveries}>
      <Loaded query={delivery}>{(one) => <Told delivery={one} />}</Loaded>
      {replay.error !== null && <FaultNotice error={replay.error} />}
      <Actions>
        <Button
          kind="primary"
          icon={<RotateCw aria-hidden className="size-4" />}
          isBusy={replay.isPending}
          disabled={isOff || delivery.data === undefined}
          onClick={() => replay.mutate()}
        >
          {webhookWords.replay}
        </Button>
      </Actions>
    </Dialog>
  )
}

function Told({ delivery }: { delivery: DeliveryDetail }) {
  const { status, job_id: jobId, event_id: eventId, type, data, history } = delivery
  const { hostname } = data as { hostname?: unknown }
  const body = { id: eventId, type, jobId, data, sent_at: history[0]?.at ?? delivery.created_at }
  return (
    <>
      <Facts>
        <Fact name={webhookWords.filter}>
          <span className="flex flex-wrap items-center gap-x-2">
            <Badge tone={webhookWords.status[status].tone}>{webhookWords.status[status].label}</Badge>
            <span className="text-sm text-dim">
              <Outcome delivery={delivery} />
            </span>
          </span>
        </Fact>
        {jobId !== null && (
          <Fact name={webhookWords.connection}>
            <Link to={`/hostnames/connection/${jobId}`} className="text-accent hover:underline">
              {typeof hostname === "string" ? hostname : jobId}
            </Link>
          </Fact>
        )}
        <Fact name={webhookWords.event}>
          <Code text={eventId} />
        </Fact>
      </Facts>
      <section className="flex min-w-0 flex-col gap-1">
        <h3 className="font-medium">{webhookWords.body}</h3>
        <CodeBlock label={webhookWords.body} text={JSON.stringify(body, null, 2)} />
        <p className="text-sm text-dim">{webhookWords.bodyLead}</p>
      </section>
      <section className="flex min-w-0 flex-col gap-1">
        <h3 className="font-medium">{webhookWords.history}</h3>
        {history.length === 0 ? (
          <p className="text-dim">{webhookWords.noHistory}</p>
        ) : (
          <ol className="divide-y divide-line rounded-lg border border-line">
            {history.map((attempt) => (
              <Try key={attempt.at} attempt={attempt} />
            ))}
          </ol>
        )}
      </section>
    </>
  )
}

function Try({ attempt: { at, status, error, duration_ms: ms, reply } }: { attempt: Attempt }) {
  return (
    <li className="flex flex-col gap-1 p-3">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Badge tone={error === null ? "good" : "bad"}>{status ?? webhookWords.status.failed.label}</Badge>
        <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">{error}</span>
        <span className="text-sm text-dim">
          {duration(ms)} · <Time at={at} />
        </span>
      </p>
      {status !== null && (
        <details>
          <summary className="w-fit text-sm text-dim">{webhookWords.reply}</summary>
          {reply === "" ? (
            <p className="text-sm text-dim">{webhookWords.noReply}</p>
          ) : (
            <pre
              tabIndex={0}
              className="mt-1 max-h-48 overflow-auto rounded-md bg-sunken p-2 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]"
            >
              {reply}
            </pre>
          )}
        </details>
      )}
    </li>
  )
}

/** How the last try went, and when the next one is. */
export function Outcome({ delivery: { last_error: error, last_status: status, next_retry_at: next } }: { delivery: Delivery }) {
  const now = useNow(10_000)
  const isSoon = next !== null && Date.parse(next) - now < 60_000
  return (
    <>
      {error ?? (status === null ? webhookWords.noHistory : webhookWords.answered(status))}
      {next !== null && (isSoon ? `, ${webhookWords.nextSoon}` : `, ${webhookWords.next} `)}
      {next !== null && !isSoon && <Time at={next} />}
    </>
  )
}
