import { Link } from "@tanstack/react-router"
import { Plus, Webhook } from "lucide-react"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { CodeBlock } from "../../parts/copy"
import { Loaded } from "../../parts/loaded"
import { LongList } from "../../parts/long-list"
import { Section } from "../../parts/page"
import { Badge, Empty } from "../../parts/status"
import { Time } from "../../parts/time"
import { webhookWords } from "../../words/applications-webhooks"
import { ApplicationPage } from "./application-page"
import { endpointsPath, useWhole } from "./data"
import { NewEndpoint } from "./endpoint-form"
import type { Application, Endpoint } from "./model"
import { verifySignature } from "./snippets"

/** Webhook endpoints that hear of an application's connections. */
export function Webhooks() {
  const [asked, setAsked] = useUrlState("open")
  return (
    <ApplicationPage
      actions={() => (
        <Button kind="primary" icon={<Plus aria-hidden className="size-4" />} onClick={() => setAsked("new")}>
          {webhookWords.new}
        </Button>
      )}
    >
      {(application) => (
        <>
          <p className="max-w-prose text-dim">{webhookWords.lead(application.environment)}</p>
          <Listed application={application} />
          <Section title={webhookWords.verifyTitle}>
            <p className="mb-3 max-w-prose text-dim">{webhookWords.verifyLead}</p>
            <CodeBlock label={webhookWords.verifyLabel} text={verifySignature} />
          </Section>
          {asked === "new" && <NewEndpoint environment={application.environment} onClose={() => setAsked("")} />}
        </>
      )}
    </ApplicationPage>
  )
}

function Listed({ application }: { application: Application }) {
  const endpoints = useWhole<Endpoint>(endpointsPath)
  return (
    <Loaded query={endpoints}>
      {(all) => {
        const own = all.filter(({ environment }) => environment === application.environment)
        if (own.length === 0)
          return (
            <Empty title={webhookWords.emptyTitle} icon={<Webhook aria-hidden className="size-8" />}>
              {webhookWords.empty}
            </Empty>
          )
        return (
          <LongList label={webhookWords.list} items={own} idOf={({ id }) => id} rowHeight={62}>
            {({ id, url, events, disabled, created_at: createdAt }) => (
              <Link
                to={`/applications/${application.id}/webhooks/${id}`}
                className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5"
              >
                <span className="flex min-w-0 flex-1 basis-64 flex-col">
                  <span className="truncate font-medium">{url}</span>
                  <span className="truncate text-sm text-dim">{events.length === 0 ? webhookWords.all : events.join(", ")}</span>
                </span>
                <Badge tone={disabled ? "warn" : "good"}>{disabled ? webhookWords.off : webhookWords.on}</Badge>
                <span className="w-28 text-sm text-dim sm:text-right">
                  <Time at={createdAt} />
                </span>
              </Link>
            )}
          </LongList>
        )
      }}
    </Loaded>
  )
}
