import { Link, useNavigate } from "@tanstack/react-router"
import { Pencil } from "lucide-react"
import { useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { useUrlState } from "../../data/url-state"
import { Button, ButtonLink } from "../../parts/button"
import { Code, CodeBlock } from "../../parts/copy"
import { Confirm, Dialog } from "../../parts/dialog"
import { Loaded } from "../../parts/loaded"
import { Fact, Facts, Section } from "../../parts/page"
import { Dot, Notice, Skeleton } from "../../parts/status"
import { count, Time } from "../../parts/time"
import { toast } from "../../parts/toasts"
import { stateWords, words } from "../../words/applications"
import { ApplicationPage } from "./application-page"
import { applicationsPath, useCounts, useOne } from "./data"
import { type Application, states, type Usage } from "./model"
import { EditApplication } from "./new-application"
import { quickStart } from "./snippets"

/** What an application is, how its connections stand, and what was used. */
export function Overview() {
  const [asked, setAsked] = useUrlState("open")
  const [isEnding, setEnding] = useState(false)
  return (
    <ApplicationPage
      actions={() => (
        <>
          <Button icon={<Pencil aria-hidden className="size-4" />} onClick={() => setAsked("edit")}>
            {words.edit}
          </Button>
          <Button kind="danger" onClick={() => setEnding(true)}>
            {words.delete}
          </Button>
        </>
      )}
    >
      {(application) => (
        <>
          <ByState application={application} />
          <Settings application={application} />
          <Used />
          {asked === "edit" && <EditApplication application={application} onClose={() => setAsked("")} />}
          <DeleteApplication application={application} isOpen={isEnding} onClose={() => setEnding(false)} />
        </>
      )}
    </ApplicationPage>
  )
}

function ByState({ application: { id } }: { application: Application }) {
  const counts = useCounts()
  const at = `/applications/${id}/connections`
  return (
    <Section title={words.byState}>
      <Loaded query={counts} skeleton={<Skeleton className="h-16" />}>
        {({ data }) => {
          const own = states.flatMap((state) => data.filter((one) => one.application_id === id && one.state === state))
          if (own.length === 0)
            return (
              <div className="flex flex-col gap-3">
                <p className="text-dim">
                  {words.byStateEmpty} {words.quickLead}
                </p>
                <CodeBlock label={words.quickLabel} text={quickStart({ id })} />
                <div className="flex flex-wrap gap-2">
                  <ButtonLink kind="primary" to={at} search={{ open: "new" } as never}>
                    {words.connectFirst}
                  </ButtonLink>
                  <ButtonLink to={`/applications/${id}/keys`} search={{ open: "new" } as never}>
                    {words.parts.keys}
                  </ButtonLink>
                </div>
              </div>
            )
          return (
            <ul className="flex flex-wrap gap-x-2 gap-y-2">
              {own.map(({ state, count: many }) => (
                <li key={state}>
                  <Link
                    to={at}
                    search={{ state } as never}
                    className="flex min-w-32 flex-col rounded-md border border-line px-3 py-2 hover:bg-hover"
                  >
                    <span className="text-xl font-semibold tabular-nums">{count(many)}</span>
                    <span className="flex items-center gap-1.5 text-sm text-dim">
                      <Dot tone={stateWords[state].tone} />
                      {stateWords[state].label}
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }}
      </Loaded>
    </Section>
  )
}

function Settings({ application }: { application: Application }) {
  const { container_id: container, target_port: port } = application
  const origins = application.allowed_origins
  return (
    <Section title={words.facts}>
      <Facts>
        <Fact name={words.destination}>
          {container !== null ? (
            <Link to={`/containers/${container}`} className="text-accent hover:underline">
              {words.leadsContainer(words.container, port ?? 80)}
            </Link>
          ) : (
            (application.origin_url ?? words.leadsDefault)
          )}
        </Fact>
        <Fact name={words.origins}>
          {origins.length === 0 ? (
            <span className="text-dim">{words.noOrigins}</span>
          ) : (
            origins.map((origin) => <p key={origin}>{origin}</p>)
          )}
        </Fact>
        <Fact name={words.template}>
          {application.record_template === null ? words.usualRecords : words.ownRecords(application.record_template.length)}
        </Fact>
        <Fact name={words.createdAt}>
          <Time at={application.created_at} />
        </Fact>
        <Fact name={words.id}>
          <Code text={application.id} />
        </Fact>
      </Facts>
    </Section>
  )
}

function Used() {
  const usage = useOne<Usage>("/v1/usage")
  const plan = useOne<{ plan: string }>("/v1/subscription")
  return (
    <Section title={words.usage(usage.data?.period ?? new Date().toISOString().slice(0, 7))}>
      <p className="mb-3 min-h-6 text-dim">{plan.data !== undefined && words.usageLead(plan.data.plan)}</p>
      <Loaded query={usage} skeleton={<Skeleton className="h-11" />}>
        {({ usage: used }) => (
          <Facts>
            {used.map(({ kind, used: many, limit }) => (
              <Fact key={kind} name={words.usageKinds[kind] ?? kind}>
                {words.usageOf(count(many), limit === null ? undefined : count(limit))}
              </Fact>
            ))}
          </Facts>
        )}
      </Loaded>
    </Section>
  )
}

function DeleteApplication({ application, isOpen, onClose }: { application: Application; isOpen: boolean; onClose: () => void }) {
  const { id, name } = application
  const navigate = useNavigate()
  const counts = useCounts()
  const open = (counts.data?.data ?? [])
    .filter((one) => one.application_id === id && one.state !== "archived")
    .reduce((sum, one) => sum + one.count, 0)
  if (isOpen && open > 0)
    return (
      <Dialog isOpen onClose={onClose} title={words.deleteTitle(name)}>
        <Notice tone="warn">{words.deleteHeld(open)}</Notice>
        <ButtonLink to={`/applications/${id}/connections`} className="self-end">
          {words.showConnections}
        </ButtonLink>
      </Dialog>
    )
  return (
    <Confirm
      isOpen={isOpen}
      onClose={onClose}
      title={words.deleteTitle(name)}
      action={words.delete}
      typed={name}
      onConfirm={async () => {
        await ask("DELETE", `${applicationsPath}/${id}`)
        toast(words.deleted(name))
        await navigate({ to: "/applications" })
        void refresh("applications")
      }}
    >
      {words.deleteWhat}
    </Confirm>
  )
}
