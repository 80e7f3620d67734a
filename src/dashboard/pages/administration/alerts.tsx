import { useMutation, useQuery } from "@tanstack/react-query"
import { BellOff, CircleCheck, Send } from "lucide-react"
import { ask, sentence } from "../../data/api"
import { placeInHouse, type Trouble } from "../../data/trouble"
import { Button } from "../../parts/button"
import { FormFault } from "../../parts/form-fault"
import { Loaded } from "../../parts/loaded"
import { Section } from "../../parts/page"
import { Badge, Empty, Notice } from "../../parts/status"
import { Time } from "../../parts/time"
import { TroubleItem } from "../../parts/trouble-item"
import { alerts as words } from "../../words/doctor"
import { AdminPage } from "./frame"

type Name = keyof typeof words.receivers
type Episode = Trouble & { subject: string; opened_at: string }
type Receiver = { receiver: Name; failing_since: string | null; error: string | null }
type View = { receivers: Receiver[]; episodes: Episode[]; waiting: number }
type TestResult = { receiver: Name; delivered: boolean; error: string | null }

const names = Object.keys(words.receivers) as Name[]

/** Who is told of trouble, a test of that, and what goes on now. */
export const Alerts = () => <AdminPage part="alerts">{() => <Shown />}</AdminPage>

function Shown() {
  // The server itself looks every fifteen seconds, and tells no browser of it.
  const query = useQuery({
    queryKey: ["alerts"],
    queryFn: ({ signal }) => ask<View>("GET", "/admin/alerts", undefined, { signal }),
    refetchInterval: 30_000,
  })
  return (
    <Loaded query={query}>
      {({ receivers, episodes, waiting }) => (
        <>
          <p className="text-dim">{words.lead}</p>
          {receivers.length === 0 ? <Nobody /> : <Told receivers={receivers} waiting={waiting} onTested={() => void query.refetch()} />}
          <Episodes episodes={episodes} />
        </>
      )}
    </Loaded>
  )
}

const Nobody = () => (
  <Empty title={words.noneTitle} icon={<BellOff aria-hidden className="size-6" />}>
    <p>{words.none}</p>
    <ul className="my-3 flex flex-col gap-1.5 text-left">
      {names.map((name) => (
        <li key={name}>
          <span className="font-medium text-text">{words.receivers[name]}</span>{" "}
          <code className="[overflow-wrap:anywhere] text-text">{words.receiverSettings[name]}</code>
          <span className="block text-sm">{words.receiverWhat[name]}</span>
        </li>
      ))}
    </ul>
    <p>{words.nonePlaces}</p>
  </Empty>
)

function Told({ receivers, waiting, onTested }: { receivers: Receiver[]; waiting: number; onTested: () => void }) {
  const test = useMutation({
    mutationFn: async () => (await ask<{ results: TestResult[] }>("POST", "/admin/alerts/test")).results,
    onSettled: onTested,
  })
  return (
    <Section
      title={words.told}
      actions={
        <Button
          small
          icon={<Send aria-hidden className="size-4" />}
          isBusy={test.isPending}
          title={words.testing}
          onClick={() => test.mutate()}
        >
          {words.test}
        </Button>
      }
    >
      <FormFault error={test.error} />
      {waiting > 0 && (
        <Notice tone="warn" className="mb-3">
          {words.waiting(waiting)}
        </Notice>
      )}
      <ul aria-label={words.told} className="divide-y divide-line">
        {names.map((name) => (
          <Channel
            key={name}
            name={name}
            receiver={receivers.find(({ receiver }) => receiver === name)}
            result={test.data?.find(({ receiver }) => receiver === name)}
          />
        ))}
      </ul>
      <p className="mt-3 text-sm text-dim">{words.down}</p>
    </Section>
  )
}

/** One way to be told: whether it is set, how it last went, and what came of a test that was just sent. */
function Channel({ name, receiver, result }: { name: Name; receiver: Receiver | undefined; result: TestResult | undefined }) {
  const isSet = receiver !== undefined
  const since = receiver?.failing_since ?? null
  const error = result?.error ?? receiver?.error ?? null
  return (
    <li className="py-3 first:pt-0 last:pb-0">
      <div className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
        <h3 className="font-medium">{words.receivers[name]}</h3>
        <Badge tone={!isSet ? "neutral" : since === null ? "good" : "bad"}>
          {!isSet ? words.unset : since === null ? words.set : words.failing}
        </Badge>
        {since !== null && (
          <span className="text-sm text-dim">
            {words.failingSince} <Time at={since} />
          </span>
        )}
        <span role="status" className="ml-auto">
          {result !== undefined && (
            <Badge tone={result.delivered ? "good" : "bad"}>{result.delivered ? words.delivered : words.refused}</Badge>
          )}
        </span>
      </div>
      <p className="text-dim">{words.receiverWhat[name]}</p>
      {error !== null && <p className="[overflow-wrap:anywhere] text-bad">{sentence(error)}</p>}
      {(!isSet || error !== null) && (
        <p className="text-sm text-dim">
          {words.bySetting} <code className="[overflow-wrap:anywhere]">{words.receiverSettings[name]}</code>
        </p>
      )}
    </li>
  )
}

/** What is told of now: what began and has not ended. */
const Episodes = ({ episodes }: { episodes: Episode[] }) => (
  <Section title={words.open} isFlush>
    {episodes.length === 0 ? (
      <p className="flex items-center gap-2 px-4 py-3">
        <CircleCheck aria-hidden className="size-4 text-good" />
        {words.openNone}
      </p>
    ) : (
      <ul aria-label={words.open} className="divide-y divide-line">
        {episodes.map((episode) => (
          <TroubleItem
            key={`${episode.kind} ${episode.subject}`}
            trouble={episode}
            name={episode.subject}
            place={placeInHouse(episode.kind, episode.subject)}
            note={
              <>
                {words.openedAt} <Time at={episode.opened_at} />
              </>
            }
          />
        ))}
      </ul>
    )}
  </Section>
)
